//! Faults in how a request waits: parking, answers, deadlines, bounds, the timer.

use super::Fault;

const DRIVE: &str = "plugins/adapter/src/drive.rs";
const ALARM: &str = "plugins/adapter/src/alarm.rs";
const PARKED: &str = "plugins/adapter/src/parked.rs";

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "an answer resumes whoever its stage names",
        file: PARKED,
        from: "parked.request.id == id && parked.ticket == ticket",
        to: "parked.request.id == id",
    },
    Fault {
        name: "a late request is handed to nobody and waits on",
        file: DRIVE,
        from: "None => self.refuse(request, Reason::DeadlinePassed),\n        }\n    }",
        to: "None => drop(request),\n        }\n    }",
    },
    Fault {
        name: "another request's step decides a late one",
        file: DRIVE,
        from: "resumed.into_iter().find(|resumed| resumed.request == id)",
        to: "resumed.into_iter().next()",
    },
    Fault {
        name: "a request may ask once too often",
        file: DRIVE,
        from: "_ if times >= MAX_WAITS",
        to: "_ if times > MAX_WAITS",
    },
    Fault {
        name: "the table of parked requests holds one too many",
        file: DRIVE,
        from: "self.pending.parked.len() >= self.most",
        to: "self.pending.parked.len() > self.most",
    },
    Fault {
        name: "a question that is not started is under way",
        file: DRIVE,
        from: "None => self.answers.push_back((ticket, Answer::Failed)),\n        }",
        to: "None => {}\n        }",
    },
    Fault {
        name: "a question whose end gets lost is under way for ever",
        file: DRIVE,
        from: "self.answers.push_back((lost.ticket, Answer::Failed));",
        to: "drop(lost);",
    },
    Fault {
        name: "a deadline is where the wall's clock is",
        file: "plugins/adapter/src/moment.rs",
        from: "self.steady.plus(left.min(most))",
        to: "Steady(self.steady.0.max(deadline.0.min(most)))",
    },
    Fault {
        name: "the timer is set once and for all",
        file: ALARM,
        from: "if exactly { fires == at } else { fires <= at }",
        to: "true",
    },
    Fault {
        name: "the timer never stands still",
        file: ALARM,
        from: "return (self.set_to > 0 && exactly).then_some(0);",
        to: "return None;",
    },
    Fault {
        name: "the first tick comes after a period",
        file: ALARM,
        from: "due: (period > 0).then_some(now)",
        to: "due: (period > 0).then(|| now.plus(u64::from(period)))",
    },
    Fault {
        name: "the earliest deadline is the latest",
        file: PARKED,
        from: "self.parked.iter().map(|parked| parked.late).min()",
        to: "self.parked.iter().map(|parked| parked.late).max()",
    },
];
