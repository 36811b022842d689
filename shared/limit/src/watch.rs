//! The part of the penalty box that detects: hits become scores, scores become stays, and stays end.
//!
//! Every change is one compare-and-swap of a slot of shared data. Who wins it says what has changed, so that of many workers exactly
//! one does.

use meshward_http::path;
use meshward_model::{
    Answer, Cas, Effects, Event, Finding, Outcome, Question, Request, StageId, Ticket, UnixMillis,
};

use crate::caller::Caller;
use crate::cell::{self, CELLS, Cell};
use crate::counters::{PENALTY_CONTENTION, PENALTY_OVERFLOW, PENALTY_RUBBISH};
use crate::detection::Detector;
use crate::penalty::{Penalty, PenaltyState, strictest};
use crate::sealed::checksum;
use crate::standing::{Hit, Said, Standing};

/// How often a write is tried before it is given up.
const MAX_TRIES: u32 = 8;

/// What is under way. Questions of this stage are answered before anything else happens, so that these are never many.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks(Vec<(u64, Task)>);

/// A change of one slot: it is read, then written.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    cell: u8,
    work: Work,
    tries: u32,
    /// Once it is written: what was written of whom, and what there is to say then.
    written: Option<Vec<Written>>,
}

#[derive(Debug, Clone)]
enum Work {
    /// A caller was seen doing something.
    Hit(Caller, Hit),
    /// Stays that are over are ended, and those that somebody has wiped out put back.
    Sweep,
    /// The clock was set back: the slot is written anew, by the time that it is now.
    Follow,
}

#[derive(Debug, Clone)]
struct Written {
    standing: Standing,
    said: Vec<Said>,
}

impl Tasks {
    /// The most tasks that are kept; what is beyond is not done.
    const MOST: usize = 1_024;

    pub(crate) fn take(&mut self, number: u64) -> Option<Task> {
        let at = self.0.iter().position(|(known, _)| *known == number)?;
        Some(self.0.swap_remove(at).1)
    }

    fn put(&mut self, number: u64, task: Task) {
        if self.0.len() < Self::MOST {
            self.0.push((number, task));
        }
    }
}

impl Penalty {
    /// Looks at how a request ended.
    pub(crate) fn look(&self, state: &mut PenaltyState, request: &Request, outcome: &Outcome<'_>) -> Effects {
        let Some(detector) = Detector::of(outcome) else { return Effects::default() };
        if self.detection.weight(detector).is_none() {
            return Effects::default();
        }
        let Some(caller) = self.caller(request) else { return Effects::default() };
        let path = match detector {
            Detector::FailedAuthentication => 0,
            Detector::DeniedPaths => path_bit(request.path().unwrap_or_default()),
        };
        let cell = caller.id.cell();
        let work = Work::Hit(caller, Hit { detector, path });
        load(state, Task { cell, work, tries: 0, written: None })
    }

    /// Looks through all slots.
    pub(crate) fn sweep(&self, state: &mut PenaltyState) -> Effects {
        let mut effects = Effects::default();
        for cell in 0..CELLS {
            effects.extend(load(state, Task { cell, work: Work::Sweep, tries: 0, written: None }));
        }
        effects
    }

    /// Writes a slot anew that was read by a clock which was set back.
    pub(crate) fn rewrite(state: &mut PenaltyState, cell: u8) -> Effects {
        load(state, Task { cell, work: Work::Follow, tries: 0, written: None })
    }

    /// Goes on with a task whose question was answered.
    pub(crate) fn work(
        &self,
        state: &mut PenaltyState,
        task: Task,
        answer: Answer,
        now: UnixMillis,
    ) -> Effects {
        match (answer, task.written.as_ref()) {
            (Answer::Loaded { value, cas }, None) => self.change(state, task, value, cas, now),
            (Answer::Stored(true), Some(written)) => {
                let mut effects = Effects::default();
                for Written { standing, said } in written {
                    state.known.note(standing, now);
                    effects.events.extend(said.iter().map(|said| self.event(standing, said, now)));
                }
                effects
            }
            (Answer::Stored(false), Some(_)) if task.tries < MAX_TRIES => {
                let tries = task.tries.saturating_add(1);
                load(state, Task { tries, written: None, ..task })
            }
            (Answer::Stored(false), Some(_)) => {
                state.counts.add(PENALTY_CONTENTION);
                Effects::default()
            }
            // Shared data does not answer as it should: the next hit, the next sweep tries again.
            (
                Answer::Loaded { .. }
                | Answer::Stored(_)
                | Answer::Http { .. }
                | Answer::Grpc { .. }
                | Answer::Called { .. }
                | Answer::Failed
                | Answer::TooLarge
                | Answer::TimedOut,
                _,
            ) => Effects::default(),
        }
    }

    fn change(
        &self,
        state: &mut PenaltyState,
        task: Task,
        value: Option<Vec<u8>>,
        cas: Cas,
        now: UnixMillis,
    ) -> Effects {
        if value.is_none() && matches!(task.work, Work::Sweep) && state.known.is_empty() {
            return Effects::default();
        }
        let mut cell = value.map_or_else(Cell::default, |bytes| {
            Cell::read(&bytes, now).unwrap_or_else(|| {
                state.counts.add(PENALTY_RUBBISH);
                Cell::default()
            })
        });
        let written = match &task.work {
            Work::Hit(caller, hit) => self.hit(state, &mut cell, caller, *hit, now),
            Work::Sweep => self.swept(state, &mut cell, task.cell, now),
            Work::Follow => Vec::new(),
        };
        let aged = cell.is_old && matches!(task.work, Work::Sweep);
        if written.is_empty() && !cell.followed && !aged {
            return Effects::default();
        }
        let question = Question::Store { slot: cell::name(task.cell), value: cell.write(now), expected: cas };
        ask(state, Task { written: Some(written), ..task }, question)
    }

    fn hit(
        &self,
        state: &mut PenaltyState,
        cell: &mut Cell,
        caller: &Caller,
        hit: Hit,
        now: UnixMillis,
    ) -> Vec<Written> {
        let simulates = self.detection.simulates;
        let known = || state.known.find(caller.id, now).filter(|known| known.simulated == simulates);
        let mut standing = strictest(cell.find(caller.id, simulates), known(), now)
            .cloned()
            .unwrap_or_else(|| Standing::new(caller, simulates, now));
        let Some(said) = standing.hit(&self.detection, hit, now) else { return Vec::new() };
        if !cell.put(standing.clone()) {
            state.counts.add(PENALTY_OVERFLOW);
            return Vec::new();
        }
        vec![Written { standing, said }]
    }

    fn swept(&self, state: &mut PenaltyState, cell: &mut Cell, number: u8, now: UnixMillis) -> Vec<Written> {
        let mut written = Vec::new();
        for standing in cell.iter_mut() {
            if let Some(said) = standing.release(&self.detection, now) {
                written.push(Written { standing: standing.clone(), said: vec![said] });
            }
        }
        let missing: Vec<Standing> = state
            .known
            .in_cell(number, now)
            .filter(|known| {
                let shared = cell.find(known.id, known.simulated);
                shared.is_none_or(|shared| shared.level_at(now) < known.level_at(now))
            })
            .cloned()
            .collect();
        for standing in missing {
            if cell.put(standing.clone()) {
                written.push(Written { standing, said: Vec::new() });
            }
        }
        // What others have found is kept in mind here, too.
        for standing in cell.iter() {
            state.known.note(standing, now);
        }
        written
    }

    fn event(&self, standing: &Standing, said: &Said, now: UnixMillis) -> Event<'static> {
        Event::Finding(Finding {
            time: now,
            id: said.stay.clone(),
            change: said.change,
            detector: said.detector.map(Detector::name),
            caller: standing.name.clone(),
            score: said.score,
            threshold: said.threshold,
            strikes: said.strikes.into(),
            simulated: standing.simulated,
        })
    }
}

fn load(state: &mut PenaltyState, task: Task) -> Effects {
    let slot = cell::name(task.cell);
    ask(state, task, Question::Load { slot })
}

fn ask(state: &mut PenaltyState, task: Task, question: Question) -> Effects {
    state.next = state.next.wrapping_add(1);
    state.tasks.put(state.next, task);
    Effects::ask(Ticket::new(StageId::Penalty, state.next), question)
}

/// The bit of a path: two spellings of one path have one bit.
fn path_bit(raw: &[u8]) -> u128 {
    let hash = match path::canonical(raw) {
        Ok(canonical) => checksum(canonical.as_bytes()),
        Err(_) => checksum(path::without_query(raw)),
    };
    // FNV leaves the last bytes of a path in its lower bits: mixed (as MurmurHash3 does at its end), every bit counts everywhere.
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    1_u128.checked_shl(u32::try_from(mixed >> 57).unwrap_or_default()).unwrap_or(1)
}
