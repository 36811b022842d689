//! Where events go.

use meshward_model::{Answer, Effects, Event, LogLine, Node, Seed, Ticket, UnixMillis};

use crate::ocsf;

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

    /// One of its questions was answered. Its effects hold no events.
    fn answer(&self, state: &mut Self::State, ticket: Ticket, answer: Answer, now: UnixMillis) -> Effects;

    /// How often the worker's timer fires, in milliseconds; 0: never.
    fn tick_period_millis(&self) -> u32;

    /// The worker's timer fired. Its effects hold no events.
    fn tick(&self, state: &mut Self::State, now: UnixMillis) -> Effects;
}

/// Every event is a line in the proxy's log.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogOnly;

impl Recorder for LogOnly {
    type State = ();

    const ASKS: bool = false;

    fn state(&self, _seed: Seed) {}

    fn record(&self, (): &mut (), event: &Event<'_>, node: &Node) -> Vec<LogLine> {
        vec![ocsf::line(event, node)]
    }

    fn answer(&self, (): &mut (), _ticket: Ticket, _answer: Answer, _now: UnixMillis) -> Effects {
        Effects::default()
    }

    fn tick_period_millis(&self) -> u32 {
        0
    }

    fn tick(&self, (): &mut (), _now: UnixMillis) -> Effects {
        Effects::default()
    }
}
