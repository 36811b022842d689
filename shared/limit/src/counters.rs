//! What is counted beside verdicts, of both stages.

use meshward_model::Counter;

/// Requests that were counted in a bucket which they share with others, since their own had no place; or hits that were not scored
/// for that reason.
pub const OVERFLOW: Counter = Counter { slot: 27, name: "meshward_ratelimit_overflow_total" };
/// Decisions by the value read last, since others kept writing to the slot.
pub const CONTENTION: Counter = Counter { slot: 28, name: "meshward_ratelimit_cas_contention_total" };
/// Slots of shared data that held nothing of ours.
pub const RUBBISH: Counter = Counter { slot: 29, name: "meshward_ratelimit_rubbish_total" };
/// Hits that were not scored, since their slot was full of callers that are in the penalty box.
pub const PENALTY_OVERFLOW: Counter = Counter { slot: 3, name: "meshward_penalty_overflow_total" };
/// Hits that were not scored, since others kept writing to the slot.
pub const PENALTY_CONTENTION: Counter = Counter { slot: 4, name: "meshward_penalty_cas_contention_total" };
/// Slots of shared data that held nothing of ours.
pub const PENALTY_RUBBISH: Counter = Counter { slot: 5, name: "meshward_penalty_rubbish_total" };

/// Counts until somebody takes them along.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts(Vec<(Counter, u32)>);

impl Counts {
    /// One more.
    pub(crate) fn add(&mut self, counter: Counter) {
        match self.0.iter_mut().find(|(known, _)| *known == counter) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => self.0.push((counter, 1)),
        }
    }

    /// All, and none are left.
    pub(crate) fn take(&mut self) -> Vec<(Counter, u32)> {
        core::mem::take(&mut self.0)
    }
}
