//! Two stages, one after the other; either may be left out. More are chains of chains.

use meshward_model::{
    Answer, Counter, Decision, Edits, Effects, Needs, Outcome, Reason, Request, Resumed, Seed, Stage,
    StageId, Step, Ticket, UnixMillis, Verdict,
};

/// Whose questions a stage answers for: its own, or those of the stages that it is made of.
pub trait Owns {
    /// Whether the stage of this name is it, or in it.
    fn owns(id: StageId) -> bool;
}

/// `first`, then `second`: what the first refuses the second does not see.
#[derive(Debug, Clone)]
pub struct Chain<A, B> {
    /// The stage that a request meets first.
    pub first: Option<A>,
    /// The stage after it.
    pub second: Option<B>,
}

/// What the two remember; a stage that is left out remembers nothing.
#[derive(Debug)]
pub struct Both<A, B> {
    first: Option<A>,
    second: Option<B>,
}

impl<A: Owns, B: Owns> Owns for Chain<A, B> {
    fn owns(id: StageId) -> bool {
        A::owns(id) || B::owns(id)
    }
}

impl<A: Stage, B: Stage> Chain<A, B> {
    /// Goes on with the second where the first has let the request through.
    fn after_first(
        &self,
        state: &mut Option<B::State>,
        request: &mut Request,
        step: Step,
        now: UnixMillis,
    ) -> Step {
        match (step, &self.second, state) {
            (
                Step::Done(verdict @ Verdict { decision: Decision::Allow(_), .. }),
                Some(second),
                Some(state),
            ) => {
                request.verdicts.push(verdict);
                second.decide(state, request, now)
            }
            (step, _, _) => step,
        }
    }
}

impl<A: Stage + Owns, B: Stage + Owns> Stage for Chain<A, B> {
    type State = Both<A::State, B::State>;

    const ASKS: bool = A::ASKS || B::ASKS;
    const EDITS: bool = A::EDITS || B::EDITS;
    const RESPONDS: bool = A::RESPONDS || B::RESPONDS;
    const OBSERVES: bool = A::OBSERVES || B::OBSERVES;

    fn responds(&self) -> bool {
        self.first.as_ref().is_some_and(Stage::responds) || self.second.as_ref().is_some_and(Stage::responds)
    }

    fn observes(&self) -> bool {
        self.first.as_ref().is_some_and(Stage::observes) || self.second.as_ref().is_some_and(Stage::observes)
    }

    fn state(&self, seed: Seed) -> Self::State {
        Both {
            first: self.first.as_ref().map(|stage| stage.state(seed)),
            second: self.second.as_ref().map(|stage| stage.state(seed)),
        }
    }

    fn needs(&self) -> Needs {
        let first = self.first.as_ref().map(Stage::needs).unwrap_or_default();
        first.union(self.second.as_ref().map(Stage::needs).unwrap_or_default())
    }

    fn enforced_needs(&self) -> Needs {
        let first = self.first.as_ref().map(Stage::enforced_needs).unwrap_or_default();
        first.union(self.second.as_ref().map(Stage::enforced_needs).unwrap_or_default())
    }

    fn decide(&self, state: &mut Self::State, request: &mut Request, now: UnixMillis) -> Step {
        match (&self.first, &mut state.first, &self.second, &mut state.second) {
            (Some(first), Some(memory), _, after) => {
                let step = first.decide(memory, request, now);
                self.after_first(after, request, step, now)
            }
            (None, _, Some(second), Some(memory)) => second.decide(memory, request, now),
            // Without a stage nothing is decided, and what is not decided does not go on.
            _ => Step::Done(Verdict::deny(Reason::Internal, None)),
        }
    }

    fn answer(
        &self,
        state: &mut Self::State,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Effects {
        match (&self.first, &mut state.first, &self.second, &mut state.second) {
            (Some(first), Some(memory), _, after) if A::owns(ticket.stage) => {
                let mut effects = first.answer(memory, ticket, answer, waiting, now);
                for Resumed { request, step } in &mut effects.resumed {
                    if let Some(waits) = waiting.iter_mut().find(|waits| waits.id == *request) {
                        let so_far =
                            core::mem::replace(step, Step::Done(Verdict::deny(Reason::Internal, None)));
                        *step = self.after_first(after, waits, so_far, now);
                    }
                }
                effects
            }
            (_, _, Some(second), Some(memory)) if B::owns(ticket.stage) => {
                second.answer(memory, ticket, answer, waiting, now)
            }
            _ => Effects::default(),
        }
    }

    /// The last stage comes first, as when each is a filter of its own.
    fn respond(&self, state: &mut Self::State, request: &Request, now: UnixMillis) -> Edits {
        let mut edits = match (&self.second, &mut state.second) {
            (Some(second), Some(memory)) => second.respond(memory, request, now),
            _ => Edits::NONE,
        };
        if let (Some(first), Some(memory)) = (&self.first, &mut state.first) {
            edits.extend(first.respond(memory, request, now));
        }
        edits
    }

    fn observe(
        &self,
        state: &mut Self::State,
        request: &Request,
        outcome: &Outcome<'_>,
        now: UnixMillis,
    ) -> Effects {
        let mut effects = Effects::default();
        if let (Some(first), Some(memory)) = (&self.first, &mut state.first) {
            effects.extend(first.observe(memory, request, outcome, now));
        }
        if let (Some(second), Some(memory)) = (&self.second, &mut state.second) {
            effects.extend(second.observe(memory, request, outcome, now));
        }
        effects
    }

    fn tick_period_millis(&self) -> u32 {
        let first = self.first.as_ref().map_or(0, Stage::tick_period_millis);
        shorter(first, self.second.as_ref().map_or(0, Stage::tick_period_millis))
    }

    fn tick(&self, state: &mut Self::State, now: UnixMillis) -> Effects {
        let mut effects = Effects::default();
        if let (Some(first), Some(memory)) = (&self.first, &mut state.first) {
            effects.extend(first.tick(memory, now));
        }
        if let (Some(second), Some(memory)) = (&self.second, &mut state.second) {
            effects.extend(second.tick(memory, now));
        }
        effects
    }

    fn counts(&self, state: &mut Self::State) -> Vec<(Counter, u32)> {
        let mut counts = Vec::new();
        if let (Some(first), Some(memory)) = (&self.first, &mut state.first) {
            counts.extend(first.counts(memory));
        }
        if let (Some(second), Some(memory)) = (&self.second, &mut state.second) {
            counts.extend(second.counts(memory));
        }
        counts
    }
}

/// The shorter of two periods, of which 0 means never. Whoever wants a longer one sees by `now` that it is not due yet.
pub(crate) const fn shorter(left: u32, right: u32) -> u32 {
    match (left, right) {
        (0, other) | (other, 0) => other,
        (left, right) if left < right => left,
        (_, right) => right,
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "chain_tests.rs"]
mod tests;
