//! A stage: one feature in the request's way, seen through six doors.

use crate::{Answer, Event, Needs, Question, Request, RequestId, Step, Ticket, UnixMillis, Verdict};

/// One feature in the request's way.
///
/// Pure: no host, no clock, no log, no randomness. What a stage remembers between requests is its `State`, one per worker;
/// what it wants from outside it asks for. Each plugin uses the doors it needs; the others do nothing.
pub trait Stage {
    /// What the stage remembers between requests, in one worker.
    type State: Default;

    /// Which facts READ fetches, from the compiled configuration.
    fn needs(&self) -> Needs;

    /// What of that may refuse a request; the rest is only watched (shadow documents).
    fn enforced_needs(&self) -> Needs {
        self.needs()
    }

    /// Request headers are there.
    fn decide(&self, state: &mut Self::State, request: &Request, now: UnixMillis) -> Step;

    /// A question was answered: the parked requests that go on, each with its next step.
    fn answer(
        &self,
        _state: &mut Self::State,
        _ticket: Ticket,
        _answer: Answer,
        _now: UnixMillis,
    ) -> Vec<Resumed> {
        Vec::new()
    }

    /// Response headers are there: what to add to them.
    fn respond(&self, _state: &mut Self::State, _verdict: &Verdict, _now: UnixMillis) -> Edits {
        Edits::default()
    }

    /// The request is over: what is worth writing down.
    fn observe(&self, _state: &mut Self::State, _outcome: &Outcome, _now: UnixMillis) -> Vec<Event<'static>> {
        Vec::new()
    }

    /// The worker's timer fired: questions that no request waits for.
    fn tick(&self, _state: &mut Self::State, _now: UnixMillis) -> Vec<(Ticket, Question)> {
        Vec::new()
    }
}

/// A parked request that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// Which one.
    pub request: RequestId,
    /// What its stage says next.
    pub step: Step,
}

/// Header edits: removals first, then additions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Names whose every value goes.
    pub remove: Vec<Vec<u8>>,
    /// Pairs that are added.
    pub add: Vec<(Vec<u8>, Vec<u8>)>,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Which one.
    pub request: RequestId,
    /// What was decided.
    pub verdict: Verdict,
    /// The status that the caller got; `None` when the stream ended without one.
    pub status: Option<u16>,
}
