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
        from: "None => self.refuse(request, reason),",
        to: "None => drop(request),",
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
        from: "self.pending.len() >= self.most",
        to: "self.pending.len() > self.most",
    },
    Fault {
        name: "a question that is not started is under way",
        file: DRIVE,
        from: "Started::Answered(_) | Started::Refused => self.not_asked(ticket),",
        to: "Started::Answered(_) | Started::Refused => {}",
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
        from: "self.due = (period > 0).then_some(now);",
        to: "self.due = (period > 0).then(|| now.plus(u64::from(period)));",
    },
    Fault {
        name: "the earliest deadline is the latest",
        file: PARKED,
        from: "self.parked.iter().map(|parked| parked.late).min()",
        to: "self.parked.iter().map(|parked| parked.late).max()",
    },
    Fault {
        name: "tickets of the old configuration meet the new one",
        file: DRIVE,
        from: "while let Some(Parked { request, .. }) = self.parked.take_any() {",
        to: "while let Some(Parked { request, .. }) = None::<Parked> {",
    },
    Fault {
        name: "a full table of questions is a question that failed",
        file: DRIVE,
        from: "let parked = if self.pending.asked.is_full() {",
        to: "let parked = if false {",
    },
    Fault {
        name: "a question that is not started fails the one under way",
        file: DRIVE,
        from: "if !self.pending.asked.has(ticket) {",
        to: "if true {",
    },
    Fault {
        name: "a lost tick is waited for",
        file: ALARM,
        from: "in_time && now <= fires.plus(LOST_MILLIS)",
        to: "in_time",
    },
    Fault {
        name: "a header's value may hold a line break",
        file: "plugins/adapter/src/act.rs",
        from: "matches!(byte, 0 | b'\\r' | b'\\n')",
        to: "matches!(byte, 0)",
    },
];
