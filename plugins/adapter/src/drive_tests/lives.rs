//! Whatever happens in whatever order: every request is settled once, in time, and the tables keep their bounds.

use std::collections::BTreeMap;

use meshward_model::{Answer, RequestId};
use proptest::prelude::*;

use super::toy::{Bench, allow, ask, ticket, wait};
use crate::moment::Steady;

/// What may happen to a root.
#[derive(Debug, Clone)]
enum Happening {
    Asks { ticket: u64, deadline: u64, starts: bool },
    Waits { ticket: u64, deadline: u64 },
    Answered { token: u32, leaves: bool },
    Gone { nth: usize },
    Time { millis: u64 },
    ClockSetBack { millis: u64 },
}

fn happening() -> impl Strategy<Value = Happening> {
    let ticket = 0..4_u64;
    let deadline = 1..3_000_u64;
    prop_oneof![
        4 => (ticket.clone(), deadline.clone(), proptest::bool::weighted(0.8))
            .prop_map(|(ticket, deadline, starts)| Happening::Asks { ticket, deadline, starts }),
        2 => (ticket, deadline).prop_map(|(ticket, deadline)| Happening::Waits { ticket, deadline }),
        3 => (0..40_u32, any::<bool>()).prop_map(|(token, leaves)| Happening::Answered { token, leaves }),
        1 => (0..40_usize).prop_map(|nth| Happening::Gone { nth }),
        4 => (1..800_u64).prop_map(|millis| Happening::Time { millis }),
        1 => (1..5_000_u64).prop_map(|millis| Happening::ClockSetBack { millis }),
    ]
}

/// The root, the host's timer, and when each request that lives must be settled, in time that never goes back.
struct World {
    bench: Bench,
    steady: u64,
    period: u64,
    fires: Option<u64>,
    due: BTreeMap<u32, u64>,
    born: u32,
}

const MOST: usize = 6;

impl World {
    fn new() -> Self {
        let mut bench = Bench::new(|state, _, answer, request| match answer {
            // Some decide, some stay parked, some wait once more.
            Answer::TooLarge => None,
            Answer::Failed if request.id.0 % 3 == 0 => {
                state.rounds += 1;
                Some((request.id, wait(ticket(state.rounds % 4), 100_000_000)))
            }
            Answer::TimedOut => None,
            Answer::Http { .. }
            | Answer::Grpc { .. }
            | Answer::Loaded { .. }
            | Answer::Stored(_)
            | Answer::Called { .. }
            | Answer::Failed => Some((request.id, allow())),
        });
        bench.most = MOST;
        Self { bench, steady: 0, period: 0, fires: None, due: BTreeMap::new(), born: 0 }
    }

    /// Milliseconds since the beginning, as the wall's clock has it.
    fn wall(&self) -> u64 {
        self.steady - self.bench.back
    }

    fn settled(&mut self, settled: &[(u32, Option<meshward_model::Reason>)]) -> Result<(), TestCaseError> {
        for (id, _) in settled {
            prop_assert!(self.due.remove(id).is_some(), "{} is settled, and not for the first time", id);
        }
        Ok(())
    }

    fn arm(&mut self, exactly: bool) {
        let now = Steady(self.steady);
        let earliest = self.bench.pending.earliest();
        if let Some(millis) = self.bench.pending.alarm.wanted(earliest, exactly, now) {
            self.bench.pending.alarm.set(millis, now);
            self.period = u64::from(millis);
            self.fires = (millis > 0).then(|| self.steady + self.period);
        }
    }

    fn begin(
        &mut self,
        step: impl FnOnce(u64) -> meshward_model::Step,
        deadline: u64,
    ) -> Result<(), TestCaseError> {
        self.born += 1;
        self.due.insert(self.born, self.steady + deadline);
        let from = self.wall();
        let settled = self.bench.begin(self.born, step(from + deadline));
        self.settled(&settled)?;
        self.arm(false);
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), TestCaseError> {
        match happening {
            Happening::Asks { ticket, deadline, starts } => {
                self.bench.starts = starts;
                self.begin(|at| ask(super::toy::ticket(ticket), at), deadline)?;
            }
            Happening::Waits { ticket, deadline } => {
                self.begin(|at| wait(super::toy::ticket(ticket), at), deadline)?
            }
            Happening::Answered { token, leaves } => {
                let answer = if leaves { Answer::TooLarge } else { Answer::Grpc { message: Vec::new() } };
                let settled = self.bench.answer(token, answer);
                self.settled(&settled)?;
                self.arm(false);
            }
            Happening::Gone { nth } => {
                if let Some(id) = self.due.keys().nth(nth).copied() {
                    prop_assert!(
                        self.bench.pending.parked.remove(RequestId(id)).is_some(),
                        "{} lives unparked",
                        id
                    );
                    self.due.remove(&id);
                }
            }
            Happening::Time { millis } => self.pass(millis)?,
            Happening::ClockSetBack { millis } => {
                self.bench.back += millis;
            }
        }
        prop_assert!(self.bench.pending.parked.len() <= MOST);
        prop_assert_eq!(self.bench.pending.parked.len(), self.due.len());
        Ok(())
    }

    /// Time goes by; the host's timer fires when it is due.
    fn pass(&mut self, millis: u64) -> Result<(), TestCaseError> {
        let until = self.steady + millis;
        while let Some(fires) = self.fires.filter(|fires| *fires <= until) {
            self.steady = fires;
            let settled = self.bench.tick(fires);
            self.settled(&settled)?;
            self.fires = (self.period > 0).then(|| self.steady + self.period);
            self.arm(true);
        }
        self.steady = until;
        self.bench.steady = until;
        // Every third may have been told to wait longer.
        let late = self.due.iter().find(|(id, due)| **due < self.steady && *id % 3 != 0);
        prop_assert!(late.is_none(), "{late:?} has passed, it is {}", self.steady);
        Ok(())
    }
}

proptest! {
    #[test]
    fn every_request_is_settled_once_and_in_time(all in proptest::collection::vec(happening(), 0..60)) {
        let mut world = World::new();
        // Room for clocks that are set back.
        world.pass(1_000_000)?;
        for happening in all {
            world.happen(happening)?;
        }
        // A wait may be prolonged to a minute, and by eight of them.
        world.pass(10 * 60_000)?;
        prop_assert!(world.due.is_empty(), "{:?} were never settled", world.due);
        prop_assert_eq!(world.bench.pending.earliest(), None);
        prop_assert_eq!(world.period, 0, "the timer stands still");
    }
}
