//! A stage: one feature in the request's way, seen through six doors.

use crate::{Answer, Edits, Event, Needs, Question, Request, RequestId, Step, Ticket, UnixMillis, Verdict};

/// One feature in the request's way.
///
/// Pure: no host, no clock, no log, no randomness. What a stage remembers between requests is its `State`, one per worker;
/// what it wants from outside it asks for. Each plugin uses the doors it needs; the others do nothing.
pub trait Stage {
    /// What the stage remembers between requests, in one worker.
    type State: Default;

    /// Whether the stage ever asks: gives [`Step::Ask`] or [`Step::Wait`], or has questions at a tick. Where it is `false` the
    /// module is built without what asking takes.
    const ASKS: bool = false;

    /// Whether an allowed request may carry header edits. Where it is `false` the module is built without editing.
    const EDITS: bool = false;

    /// Which facts READ fetches, from the compiled configuration.
    fn needs(&self) -> Needs;

    /// What of that may refuse a request; the rest is only watched (shadow documents).
    fn enforced_needs(&self) -> Needs {
        self.needs()
    }

    /// Request headers are there.
    fn decide(&self, state: &mut Self::State, request: &Request, now: UnixMillis) -> Step;

    /// A question was answered, or ([`Answer::TimedOut`]) a request has waited too long for it. `waiting` are the parked requests
    /// that wait for the ticket, in the order in which they came; none, when nobody does (any more). Those that are returned go on,
    /// each with its next step; the others stay parked.
    fn answer(
        &self,
        _state: &mut Self::State,
        _ticket: Ticket,
        _answer: Answer,
        _waiting: &[&Request],
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

    /// How often the worker's timer fires, in milliseconds; 0: never. The first tick comes right after configuring.
    fn tick_period_millis(&self) -> u32 {
        0
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
