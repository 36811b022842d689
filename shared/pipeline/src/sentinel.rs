//! The `sentinel` plugin: refuses nothing, watches how requests end, and writes every event down that others leave to it.

use meshward_event::{Sinks, sinks};
use meshward_model::{
    Counter, Needs, Reason, Refusal, Request, Seed, Stage, StageId, Step, UnixMillis, Verdict,
};

use crate::assemble::Takes;
use crate::{Assemble, Documents, Names, Owns, Pipeline, counter, names};

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

/// The stage that lets every request through, and has read of it what an event says.
#[derive(Debug, Clone)]
pub struct Watch {
    needs: Needs,
}

impl Watch {
    /// Watches requests; `peer` is what reading the peer takes.
    pub const fn new(peer: Needs) -> Self {
        Self { needs: Needs { headers: true, destination_port: true, ..peer } }
    }
}

impl Owns for Watch {
    fn owns(id: StageId) -> bool {
        id == StageId::Sentinel
    }
}

impl Stage for Watch {
    type State = ();

    const OBSERVES: bool = true;

    fn state(&self, _seed: Seed) {}

    fn needs(&self) -> Needs {
        self.needs
    }

    /// Nothing that is read can refuse a request.
    fn enforced_needs(&self) -> Needs {
        Needs::default()
    }

    fn decide(&self, (): &mut (), _request: &mut Request, _now: UnixMillis) -> Step {
        Step::Done(Verdict::allow(Reason::Watched, None))
    }
}

impl Assemble for Watch {
    type Recorder = Sinks;

    const NAMES: Names = NAMES;
    const KINDS: &'static [&'static str] = &[sinks::KIND];
    const COUNTERS: &'static [Counter] = &[
        NAMES.allowed,
        NAMES.denied,
        NAMES.shadow_denied,
        SINKS.recorded,
        SINKS.sent,
        SINKS.dropped,
        SINKS.failed,
    ];
    const TAKES: Takes = Takes { claims: false, events: false, role: false };
    const DECIDES: bool = false;
    const WATCHES: bool = true;
    const READS_NOTES: bool = true;

    fn assemble(documents: &Documents<'_>) -> Result<(Self, Sinks), Refusal> {
        Ok((Self::new(documents.peer), sinks(documents)?))
    }
}

/// Makes the sinks of those documents that say where events go.
pub(crate) fn sinks(documents: &Documents<'_>) -> Result<Sinks, Refusal> {
    let of_sinks = documents.documents.iter().filter(|(_, kind, _)| kind == sinks::KIND);
    let of_sinks: Vec<(&str, &str)> = of_sinks.map(|(path, _, json)| (path.as_str(), *json)).collect();
    sinks::compile(&of_sinks, documents.shown.clone(), SINKS)
}
