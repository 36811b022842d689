//! The sinks that an `EventSink` names: the proxy's log, and a collector that takes OTLP.
//!
//! Each worker has a queue of its own, bounded in bytes. Its timer sends one batch at a time; what was not taken goes back to the
//! front of the queue, and the queue's oldest records are dropped when it is full. Every record is counted: recorded = sent + dropped +
//! still queued. What is queued when its configuration ends goes to another one of the worker that sends to the same place, else it
//! is dropped and counted. Only what is queued when a VM traps is lost without being counted.

mod otlp;
mod outbox;
mod raw;
mod settings;

use meshward_model::{
    Answer, Counter, Effects, Event, LogLine, Node, Question, Report, Seed, StageId, Ticket, Trouble,
    UnixMillis,
};

use crate::ocsf::{self, Context, Numbering};
use crate::recorder::Recorder;
use crate::shown::Shown;
use outbox::{Outbox, Told};
pub use raw::RawEventSink;
use settings::Otlp;
pub use settings::{KIND, compile};

/// What is counted of events that travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counters {
    /// Records that were made.
    pub recorded: Counter,
    /// Records that the collector took.
    pub sent: Counter,
    /// Records that were given up.
    pub dropped: Counter,
    /// Batches that the collector did not take.
    pub failed: Counter,
}

/// Where events go, as an `EventSink` says; without one, to the proxy's log.
#[derive(Debug, Clone)]
pub struct Sinks {
    log: bool,
    otlp: Option<Otlp>,
    shown: Shown,
    counters: Counters,
}

/// What a worker keeps of its events.
#[derive(Debug)]
pub struct State {
    numbering: Numbering,
    outbox: Outbox,
}

/// The trouble that the collector does not take what it is sent.
const SINK_FAILS: &str = "sink_fails";
/// The trouble that records were dropped.
const EVENTS_DROPPED: &str = "events_dropped";

impl Recorder for Sinks {
    type State = State;

    const ASKS: bool = true;

    fn state(&self, seed: Seed) -> State {
        State { numbering: Numbering::new(seed), outbox: Outbox::new(seed) }
    }

    fn record(&self, state: &mut State, event: &Event<'_>, node: &Node) -> Vec<LogLine> {
        let travels = self.otlp.as_ref().filter(|_| !is_news_of_the_sink(event));
        let number = match (&self.otlp, travels) {
            (Some(_), None) => state.numbering.aside(),
            (Some(_) | None, _) => state.numbering.number(),
        };
        let json = ocsf::json(event, &Context { node, shown: &self.shown, number });
        // What is wrong here is always told in the log: people look there when nothing arrives.
        let logs = self.log || matches!(event, Event::Trouble(_));
        let lines = if logs { vec![ocsf::line(event, &json)] } else { Vec::new() };
        if let Some(otlp) = travels {
            state.outbox.push(otlp::record(event, &json), || otlp::resource(node), &otlp.bounds);
        }
        lines
    }

    fn answer(&self, state: &mut State, ticket: Ticket, answer: Answer, now: UnixMillis) -> Effects {
        let Some(otlp) = &self.otlp else { return Effects::default() };
        state.outbox.follow(now);
        if !state.outbox.is_under_way(ticket.number) {
            return Effects::default();
        }
        let told = state.outbox.answered(otlp::Taken::of(answer), now, &otlp.bounds);
        self.effects(state, otlp, told, now, Outbox::is_full_batch)
    }

    fn tick_period_millis(&self) -> u32 {
        self.otlp.as_ref().map_or(0, |otlp| otlp.every_millis)
    }

    fn tick(&self, state: &mut State, now: UnixMillis) -> Effects {
        let Some(otlp) = &self.otlp else { return Effects::default() };
        state.outbox.follow(now);
        let told = state.outbox.expire(now, &otlp.bounds);
        self.effects(state, otlp, told, now, |outbox, _| outbox.is_waiting())
    }

    fn inherit(&self, state: &mut State, from: &Self, left: &mut State) {
        if let (Some(otlp), Some(theirs)) = (&self.otlp, &from.otlp)
            && otlp.goes_where(theirs)
        {
            state.outbox.inherit(&mut left.outbox, &otlp.bounds);
        }
    }

    fn give_up(&self, state: &mut State, node: &Node, now: UnixMillis) -> Report {
        let Some(otlp) = &self.otlp else { return Report::default() };
        let lost = state.outbox.give_up();
        let mut report = Report { counters: self.counted(state), ..Report::default() };
        if lost > 0 {
            let cluster = &otlp.cluster;
            let message = format!(
                "{lost} events for the collector behind cluster `{cluster}` were dropped: their configuration has ended, and no other \
                 one of this worker sends there"
            );
            let event = Event::Trouble(Trouble {
                time: now,
                stage: StageId::Sentinel,
                what: EVENTS_DROPPED,
                message,
                count: lost.into(),
                over: false,
            });
            let context = Context { node, shown: &self.shown, number: state.numbering.aside() };
            report.lines.push(ocsf::line(&event, &ocsf::json(&event, &context)));
        }
        report
    }
}

impl Sinks {
    /// Sends the next batch where it is due, and says what has happened since.
    fn effects(
        &self,
        state: &mut State,
        otlp: &Otlp,
        told: Option<Told>,
        now: UnixMillis,
        is_due: impl Fn(&Outbox, &outbox::Bounds) -> bool,
    ) -> Effects {
        let mut effects = Effects::default();
        if is_due(&state.outbox, &otlp.bounds)
            && let Some((number, body)) = state.outbox.take(now, &otlp.bounds, otlp.timeout_millis)
        {
            effects.questions.push((Ticket::new(StageId::Sentinel, number), question(otlp, body)));
        }
        effects.events = troubles(otlp, told, state.outbox.dropped_to_tell(now), now);
        effects.counts = self.counted(state);
        effects
    }

    /// What has happened since it was last asked.
    fn counted(&self, state: &mut State) -> Vec<(Counter, u32)> {
        let outbox::Counts { recorded, sent, dropped, failed } = state.outbox.counts();
        let Counters { recorded: a, sent: b, dropped: c, failed: d } = self.counters;
        let counts = [(a, recorded), (b, sent), (c, dropped), (d, failed)];
        counts.into_iter().filter(|(_, by)| *by > 0).collect()
    }
}

/// That the sink does not take anything is not sent there.
fn is_news_of_the_sink(event: &Event<'_>) -> bool {
    matches!(event, Event::Trouble(Trouble { stage: StageId::Sentinel, what: SINK_FAILS, over: false, .. }))
}

fn question(otlp: &Otlp, body: Vec<u8>) -> Question {
    let pair = |name: &[u8], value: &str| (name.to_vec(), value.as_bytes().to_vec());
    Question::Http {
        cluster: otlp.cluster.clone(),
        headers: vec![
            pair(b":method", "POST"),
            pair(b":path", &otlp.path),
            pair(b":authority", &otlp.host),
            pair(b"content-type", "application/json"),
        ],
        body,
        timeout_millis: otlp.timeout_millis,
        max_body_bytes: otlp::MAX_ANSWER_BYTES,
    }
}

fn troubles(otlp: &Otlp, told: Option<Told>, dropped: u64, now: UnixMillis) -> Vec<Event<'static>> {
    let trouble = |what, message, count, over| {
        Event::Trouble(Trouble { time: now, stage: StageId::Sentinel, what, message, count, over })
    };
    let cluster = &otlp.cluster;
    let sink = told.map(|told| match told {
        Told::Fails(why) => {
            let message = format!("the collector behind cluster `{cluster}` does not take events: {why}");
            trouble(SINK_FAILS, message, 1, false)
        }
        Told::Works(failures) => {
            let message = format!("the collector behind cluster `{cluster}` takes events again");
            trouble(SINK_FAILS, message, failures, true)
        }
    });
    let lost = (dropped > 0).then(|| {
        let message = format!("{dropped} events for the collector behind cluster `{cluster}` were dropped");
        trouble(EVENTS_DROPPED, message, dropped, false)
    });
    sink.into_iter().chain(lost).collect()
}

#[cfg(test)]
#[path = "sinks/tests.rs"]
mod tests;
