//! What the adapter drives: a whole plugin, seen from the proxy's side.

use core::fmt;

use crate::{
    Answer, Code, Edits, Head, Needs, Node, Question, Request, Resumed, Seed, Step, Ticket, UnixMillis,
    Verdict,
};

/// A whole plugin. The adapter knows this trait and no feature.
pub trait Plugin: Sized + 'static {
    /// What the plugin remembers between requests, in one worker.
    type State;

    /// Whether it ever asks; see `Stage::ASKS`.
    const ASKS: bool;

    /// Whether an allowed request may carry header edits; see `Stage::EDITS`.
    const EDITS: bool;

    /// Whether it edits responses; see `Stage::RESPONDS`.
    const RESPONDS: bool;

    /// Whether it looks at how requests end; see `Stage::OBSERVES`.
    const OBSERVES: bool;

    /// Whether it looks at the end of requests that it has not decided, too; see [`Plugin::witness`].
    const WATCHES: bool;

    /// Whether it hands over to the plugin after it: the adapter then declares the handover's place read-only.
    const HANDS_OVER: bool;

    /// Every counter it may increment; the adapter defines them once, when the plugin is configured.
    const COUNTERS: &'static [Counter];

    /// The counters of a plugin that asks; defined only where [`Plugin::ASKS`].
    const ASKING_COUNTERS: AskingCounters;

    /// The name of the gauge in which the worker says how much memory it holds, in bytes.
    const MEMORY_GAUGE: &'static str;

    /// Makes a plugin of a configuration. Nothing else enters: no clock, no call, no shared data, so that every worker and the
    /// canary VM answer alike.
    ///
    /// # Errors
    /// [`Refusal`] lists every problem found, with its place and its remedy.
    fn configure(configuration: &[u8], node: &Node) -> Result<Self, Refusal>;

    /// Whether it edits responses as it is configured.
    fn responds(&self) -> bool {
        Self::RESPONDS
    }

    /// Whether it looks at how requests end as it is configured.
    fn observes(&self) -> bool {
        Self::OBSERVES
    }

    /// A state in which nothing has happened yet. `seed` is new for each.
    fn state(&self, seed: Seed) -> Self::State;

    /// What is read of each request before deciding.
    fn needs(&self) -> Needs;

    /// Parses what was read and decides. The parsed request comes back with the step: it is what a report is made of. It stays where it
    /// is from then on, whoever has it.
    fn decide(&self, state: &mut Self::State, head: Head, now: UnixMillis) -> (Box<Request>, Step);

    /// A question was answered, or a request has waited too long; see `Stage::answer`.
    fn answer(
        &self,
        state: &mut Self::State,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Done;

    /// Response headers are there, of the upstream or of a local reply: what to change in them.
    fn respond(&self, state: &mut Self::State, seen: &Seen, now: UnixMillis) -> Edits;

    /// What is kept of a request that this plugin has not decided, because another filter refused it before it came here; `None` for
    /// a plugin that does not watch others. `head` is what [`Plugin::needs`] asks for, read at the request's end.
    fn witness(&self, head: Head) -> Option<Seen>;

    /// What has to be read at a request's end, whose status is this.
    fn end_needs(&self, seen: &Seen, status: Option<u16>) -> EndNeeds;

    /// A request is over.
    fn observe(&self, state: &mut Self::State, seen: &Seen, end: &End, now: UnixMillis) -> Done;

    /// How often the worker's timer fires, in milliseconds; 0: never.
    fn tick_period_millis(&self) -> u32;

    /// The worker's timer fired.
    fn tick(&self, state: &mut Self::State, now: UnixMillis) -> Done;

    /// Another configuration of this plugin in the same worker ends, and `left` is what it remembers: takes over what would be lost
    /// with it, where this one can bring it to its end.
    fn inherit(&self, state: &mut Self::State, from: &Self, left: &mut Self::State);

    /// The configuration ends: what no other one has taken over is given up, and this is what is written down of it.
    fn give_up(&self, state: &mut Self::State, now: UnixMillis) -> Report;

    /// Whether counters are all that is written down of a verdict, as of most. [`Plugin::count`] says which, and nothing else is to be
    /// asked.
    fn is_quiet(&self, verdict: &Verdict) -> bool;

    /// The counters that a verdict moves, each by one.
    fn count(&self, request: Option<&Request>, verdict: &Verdict, one_more: impl FnMut(Counter));

    /// What has to be read beside that to report this verdict; nothing for most.
    fn wants(&self, verdict: &Verdict) -> Needs;

    /// What is written down of a verdict. `request` is `None` when it could not be read; `more` holds what [`Plugin::wants`] asked
    /// for.
    fn report(
        &self,
        state: &mut Self::State,
        request: Option<&Request>,
        more: &Head,
        verdict: &Verdict,
        now: UnixMillis,
    ) -> Report;

    /// The lines of a verdict's event, where the note that leaves it to another plugin could not be left: none is lost for that. Empty
    /// where [`Plugin::report`] has written them.
    fn unnoted(
        &self,
        state: &mut Self::State,
        request: Option<&Request>,
        more: &Head,
        verdict: &Verdict,
        now: UnixMillis,
    ) -> Vec<LogLine>;
}

/// What is kept of a request that was decided, for its response and its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The request, with what the stages learned of it.
    pub request: Box<Request>,
    /// What was decided.
    pub verdict: Verdict,
}

/// What is read at a request's end. Each `true` is a host call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndNeeds {
    /// `response.code_details`: who answered, and why.
    pub details: bool,
    /// `wasm.meshward` in filter state: what the plugins of ours wrote down.
    pub note: bool,
}

/// How a request ended, as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct End {
    /// The status that the caller got; `None` when the stream ended without one.
    pub status: Option<u16>,
    /// `response.code_details`, where it was asked for.
    pub details: Option<Vec<u8>>,
    /// The note, where it was asked for.
    pub note: Option<Vec<u8>>,
}

/// What comes of an answer, of a request's end, of a tick.
#[derive(Debug, Default)]
pub struct Done {
    /// Parked requests that go on.
    pub resumed: Vec<Resumed>,
    /// Questions that no request waits for.
    pub questions: Vec<(Ticket, Question)>,
    /// What is written down.
    pub report: Report,
}

/// A counter of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Counter {
    /// Its place in the proxy's table; no two counters of meshward have the same.
    pub slot: usize,
    /// Its full name: `meshward_<stage>_<what>_<unit>`.
    pub name: &'static str,
}

/// The names of what a plugin that asks counts, beside its verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskingCounters {
    /// Questions that went out.
    pub questions: &'static str,
    /// Questions that could not be started, or brought no answer that could be read.
    pub failed: &'static str,
    /// Requests that were parked, once for each answer that they waited for.
    pub parked: &'static str,
    /// Requests whose deadline passed.
    pub late: &'static str,
}

/// What is written down of one verdict; the adapter only carries it out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Counters, and by how much they go up.
    pub counters: Vec<(Counter, u32)>,
    /// Lines for the proxy's log.
    pub lines: Vec<LogLine>,
    /// What the access log's `%RESPONSE_CODE_DETAILS%` says of a local reply; empty when there is none.
    pub details: String,
    /// What is left in filter state (`wasm.meshward`) for the access log, and for the plugin that writes events; empty for most.
    pub note: String,
}

/// One line for the proxy's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// The level it is written at.
    pub severity: Severity,
    /// The line, without a line break.
    pub text: String,
}

/// Levels of the proxy's log that meshward uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// All is well.
    Info,
    /// A request was refused, or would have been.
    Warn,
    /// Somebody must look.
    Error,
}

/// One thing that is wrong with a configuration: where, what, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of problem it is.
    pub code: Code,
    /// JSON path from the envelope, such as `documents[0].spec.rules[1].to[0].operation.paths[0]`; empty for the whole.
    pub path: String,
    /// What is wrong; lower case, no final period, the user's text in backticks.
    pub message: String,
    /// What to write instead; empty where the message already says so.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.code)?;
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)?;
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

/// A configuration that cannot be used, with every problem found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl core::error::Error for Refusal {}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}
