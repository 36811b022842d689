//! The `sentinel` plugin: refuses nothing, watches how requests end, and writes every event down that others leave to it.

use meshward_event::{Sinks, sinks};
use meshward_limit::counters::{PENALTY_CONTENTION, PENALTY_OVERFLOW, PENALTY_RUBBISH};
use meshward_limit::{Penalty, PenaltyState};
use meshward_model::{
    Answer, Counter, Effects, Needs, Outcome, Reason, Refusal, Request, Seed, Stage, StageId, Step, Ticket,
    UnixMillis, Verdict,
};

use crate::assemble::Takes;
use crate::{Assemble, Documents, Names, Owns, Pipeline, counter, names, ratelimit};

/// What came of it?
pub type Sentinel = Pipeline<Watch>;

pub(crate) const NAMES: Names = names!("sentinel", 4);

/// What is counted of events that travel.
pub(crate) const SINKS: sinks::Counters = sinks::Counters {
    recorded: counter!("sentinel", 4, 3, "events_recorded"),
    sent: counter!("sentinel", 4, 4, "events_sent"),
    dropped: counter!("sentinel", 4, 5, "events_dropped"),
    failed: counter!("sentinel", 4, 6, "sink_failures"),
};

/// The stage that lets every request through, has read of it what an event says, and detects callers that misbehave.
#[derive(Debug, Clone)]
pub struct Watch {
    needs: Needs,
    detection: Option<Penalty>,
}

impl Watch {
    /// Watches requests; `peer` is what reading the peer takes. `detection` only detects: another plugin enforces.
    pub fn new(peer: Needs, detection: Option<Penalty>) -> Self {
        let own = Needs { headers: true, destination_port: true, ..peer };
        let needs = own.union(detection.as_ref().map(Stage::needs).unwrap_or_default());
        Self { needs, detection: detection.map(Penalty::only_detecting) }
    }
}

impl Owns for Watch {
    fn owns(id: StageId) -> bool {
        matches!(id, StageId::Sentinel | StageId::Penalty)
    }
}

impl Stage for Watch {
    type State = Option<PenaltyState>;

    const ASKS: bool = true;
    const OBSERVES: bool = true;

    fn state(&self, seed: Seed) -> Self::State {
        self.detection.as_ref().map(|detection| detection.state(seed))
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    /// Nothing that is read can refuse a request.
    fn enforced_needs(&self) -> Needs {
        Needs::default()
    }

    fn decide(&self, _state: &mut Self::State, _request: &mut Request, _now: UnixMillis) -> Step {
        Step::Done(Verdict::allow(Reason::Watched, None))
    }

    fn answer(
        &self,
        state: &mut Self::State,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Effects {
        match (&self.detection, state) {
            (Some(detection), Some(state)) => detection.answer(state, ticket, answer, waiting, now),
            (Some(_) | None, _) => Effects::default(),
        }
    }

    fn observe(
        &self,
        state: &mut Self::State,
        request: &Request,
        outcome: &Outcome<'_>,
        now: UnixMillis,
    ) -> Effects {
        match (&self.detection, state) {
            (Some(detection), Some(state)) => detection.observe(state, request, outcome, now),
            (Some(_) | None, _) => Effects::default(),
        }
    }

    fn tick_period_millis(&self) -> u32 {
        self.detection.as_ref().map_or(0, Stage::tick_period_millis)
    }

    fn tick(&self, state: &mut Self::State, now: UnixMillis) -> Effects {
        match (&self.detection, state) {
            (Some(detection), Some(state)) => detection.tick(state, now),
            (Some(_) | None, _) => Effects::default(),
        }
    }

    fn counts(&self, state: &mut Self::State) -> Vec<(Counter, u32)> {
        match (&self.detection, state) {
            (Some(detection), Some(state)) => detection.counts(state),
            (Some(_) | None, _) => Vec::new(),
        }
    }
}

impl Assemble for Watch {
    type Recorder = Sinks;

    const NAMES: Names = NAMES;
    const KINDS: &'static [&'static str] = &[sinks::KIND, ratelimit::PENALTY_KIND];
    const COUNTERS: &'static [Counter] = &[
        NAMES.allowed,
        NAMES.denied,
        NAMES.shadow_denied,
        SINKS.recorded,
        SINKS.sent,
        SINKS.dropped,
        SINKS.failed,
        PENALTY_OVERFLOW,
        PENALTY_CONTENTION,
        PENALTY_RUBBISH,
    ];
    const TAKES: Takes = Takes { claims: false, events: false, role: false };
    const DECIDES: bool = false;
    const WATCHES: bool = true;
    const READS_NOTES: bool = true;

    fn assemble(documents: &Documents<'_>) -> Result<(Self, Sinks), Refusal> {
        let (detection, sinks) = (ratelimit::penalty(documents), sinks(documents));
        match (detection, sinks) {
            (Ok(detection), Ok(sinks)) => Ok((Self::new(documents.peer, detection), sinks)),
            (Err(mut one), Err(other)) => {
                one.problems.extend(other.problems);
                Err(one)
            }
            (Err(refusal), Ok(_)) | (Ok(_), Err(refusal)) => Err(refusal),
        }
    }
}

/// Makes the sinks of those documents that say where events go.
pub(crate) fn sinks(documents: &Documents<'_>) -> Result<Sinks, Refusal> {
    let of_sinks = documents.documents.iter().filter(|(_, kind, _)| kind == sinks::KIND);
    let of_sinks: Vec<(&str, &str)> = of_sinks.map(|(path, _, json)| (path.as_str(), *json)).collect();
    sinks::compile(&of_sinks, documents.shown.clone(), SINKS)
}
