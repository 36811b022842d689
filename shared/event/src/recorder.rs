//! Where events go.

use meshward_model::{Answer, Effects, Event, LogLine, Node, Report, Seed, Ticket, UnixMillis};

use crate::ocsf::{self, Context, Numbering};
use crate::shown::Shown;

/// Takes every event of a plugin and sees to it that it is written down, or counted as dropped. Pure, like a stage.
pub trait Recorder {
    /// What is kept between events, in one worker.
    type State;

    /// Whether it ever has questions: events that travel.
    const ASKS: bool;

    /// A state in which nothing has happened yet.
    fn state(&self, seed: Seed) -> Self::State;

    /// Takes an event. What comes back is written to the proxy's log at once.
    fn record(&self, state: &mut Self::State, event: &Event<'_>, node: &Node) -> Vec<LogLine>;

    /// One of its questions was answered. Events among its effects are its own troubles; they are recorded like all others.
    fn answer(&self, state: &mut Self::State, ticket: Ticket, answer: Answer, now: UnixMillis) -> Effects;

    /// How often the worker's timer fires, in milliseconds; 0: never.
    fn tick_period_millis(&self) -> u32;

    /// The worker's timer fired. Events among its effects are its own troubles; they are recorded like all others.
    fn tick(&self, state: &mut Self::State, now: UnixMillis) -> Effects;

    /// Another configuration of the same worker ends, and `left` is what it remembers: takes over what is on its way to where this
    /// one sends, too.
    fn inherit(&self, state: &mut Self::State, from: &Self, left: &mut Self::State);

    /// The configuration ends: what nobody has taken over is given up. Counts it, and says so.
    fn give_up(&self, state: &mut Self::State, node: &Node, now: UnixMillis) -> Report;
}

/// Every event is a line in the proxy's log.
#[derive(Debug, Clone, Default)]
pub struct LogOnly {
    shown: Shown,
}

impl LogOnly {
    /// Writes of requests what is `shown`.
    pub const fn new(shown: Shown) -> Self {
        Self { shown }
    }
}

impl Recorder for LogOnly {
    type State = Numbering;

    const ASKS: bool = false;

    fn state(&self, seed: Seed) -> Numbering {
        Numbering::new(seed)
    }

    fn record(&self, numbering: &mut Numbering, event: &Event<'_>, node: &Node) -> Vec<LogLine> {
        let context = Context { node, shown: &self.shown, number: numbering.number() };
        vec![ocsf::line(event, &ocsf::json(event, &context))]
    }

    fn answer(&self, _state: &mut Numbering, _ticket: Ticket, _answer: Answer, _now: UnixMillis) -> Effects {
        Effects::default()
    }

    fn tick_period_millis(&self) -> u32 {
        0
    }

    fn tick(&self, _state: &mut Numbering, _now: UnixMillis) -> Effects {
        Effects::default()
    }

    fn inherit(&self, _state: &mut Numbering, _from: &Self, _left: &mut Numbering) {}

    fn give_up(&self, _state: &mut Numbering, _node: &Node, _now: UnixMillis) -> Report {
        Report::default()
    }
}
