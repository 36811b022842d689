//! A stage: one feature in the request's way, seen through six doors.

use core::fmt;

use crate::{
    Answer, Counter, Edits, Effects, EventKind, NearMiss, Needs, Reason, Request, RuleId, Seed, Step, Ticket,
    UnixMillis, Verdict,
};

/// The stages that there are, in the order in which a request meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageId {
    /// Is the caller in the penalty box?
    Penalty,
    /// Is the caller who it says it is?
    Authn,
    /// May this caller do this?
    Authz,
    /// How fast may it go?
    Ratelimit,
    /// What came of it?
    Sentinel,
    /// A stage of the tests.
    Probe,
}

impl StageId {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Penalty, Self::Authn, Self::Authz, Self::Ratelimit, Self::Sentinel, Self::Probe];

    /// Its name in reasons (`stage.snake_case`) and metrics (`meshward_<stage>_…`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Penalty => "penalty",
            Self::Authn => "authn",
            Self::Authz => "authz",
            Self::Ratelimit => "ratelimit",
            Self::Sentinel => "sentinel",
            Self::Probe => "probe",
        }
    }
}

impl fmt::Display for StageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One feature in the request's way.
///
/// Pure: no host, no clock, no log, no randomness. What a stage remembers between requests is its `State`, one per worker;
/// what it wants from outside it asks for. Each plugin uses the doors it needs; the others do nothing.
pub trait Stage {
    /// What the stage remembers between requests, in one worker.
    type State;

    /// Whether the stage ever asks: gives [`Step::Ask`] or [`Step::Wait`], or has questions among its effects. Where it is
    /// `false` the module is built without what asking takes.
    const ASKS: bool = false;

    /// Whether an allowed request may carry header edits. Where it is `false` the module is built without editing.
    const EDITS: bool = false;

    /// Whether the stage uses `respond`. Where no stage does, the proxy does not call the module for responses.
    const RESPONDS: bool = false;

    /// Whether the stage uses `observe`. Where no stage does, the proxy does not call the module at a request's end.
    const OBSERVES: bool = false;

    /// Whether it uses `respond` as it is configured: where it does not, nothing is read and kept for it.
    fn responds(&self) -> bool {
        Self::RESPONDS
    }

    /// Whether it uses `observe` as it is configured: where it does not, nothing is read and kept for it.
    fn observes(&self) -> bool {
        Self::OBSERVES
    }

    /// A state in which nothing has happened yet. `seed` is new for each.
    fn state(&self, seed: Seed) -> Self::State;

    /// Which facts READ fetches, from the compiled configuration.
    fn needs(&self) -> Needs;

    /// What of that may refuse a request; the rest is only watched (shadow documents).
    fn enforced_needs(&self) -> Needs {
        self.needs()
    }

    /// Request headers are there. What the stage learns for those after it, it writes onto the request.
    fn decide(&self, state: &mut Self::State, request: &mut Request, now: UnixMillis) -> Step;

    /// A question was answered, or ([`Answer::TimedOut`]) a request has waited too long for it. `waiting` are the parked requests
    /// that wait for the ticket, in the order in which they came; none, when nobody does (any more). Those that are resumed go on,
    /// each with its next step; the others stay parked. An immediate question has at most the request that asked it.
    fn answer(
        &self,
        _state: &mut Self::State,
        _ticket: Ticket,
        _answer: Answer,
        _waiting: &mut [&mut Request],
        _now: UnixMillis,
    ) -> Effects {
        Effects::default()
    }

    /// Response headers are there, of the upstream or of a local reply, for a request that this stage let through: what to change
    /// in them.
    fn respond(&self, _state: &mut Self::State, _request: &Request, _now: UnixMillis) -> Edits {
        Edits::NONE
    }

    /// A request is over that the stages have decided.
    fn observe(
        &self,
        _state: &mut Self::State,
        _request: &Request,
        _outcome: &Outcome<'_>,
        _now: UnixMillis,
    ) -> Effects {
        Effects::default()
    }

    /// How often the worker's timer fires, in milliseconds; 0: never. The first tick comes right after configuring.
    fn tick_period_millis(&self) -> u32 {
        0
    }

    /// The worker's timer fired.
    fn tick(&self, _state: &mut Self::State, _now: UnixMillis) -> Effects {
        Effects::default()
    }

    /// The configuration ends: what was counted and not given with any effects yet.
    fn counts(&self, _state: &mut Self::State) -> Vec<(Counter, u32)> {
        Vec::new()
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome<'a> {
    /// What this plugin decided.
    pub verdict: &'a Verdict,
    /// The status that the caller got; `None` when the stream ended without one.
    pub status: Option<u16>,
    /// Why it was refused, by whomever: this plugin, another plugin of ours as its note says, or another filter of the proxy
    /// ([`Reason::NativeDenied`]).
    pub refused: Option<Reason>,
    /// What another plugin of ours has noted of it.
    pub noted: Option<&'a Noted>,
    /// What the proxy's own filter that refused it says of that (`response.code_details`).
    pub native_details: Option<&'a [u8]>,
}

/// What a plugin of ours notes of its decision (`wasm.meshward`), for the access log and for the plugin that writes events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noted {
    /// Refused, or would have been.
    pub kind: EventKind,
    /// Why.
    pub reason: Reason,
    /// The status of the refusal.
    pub status: u16,
    /// The rule that decided, if one did.
    pub rule: Option<RuleId>,
    /// What was nearest, or could not be ruled out.
    pub near: Option<Box<NearMiss>>,
    /// Whether the event is left to the plugin that writes events (`events: handover`).
    pub left: bool,
}
