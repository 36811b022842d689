//! A plugin: identity, one stage, the report.

use meshward_identity::{Settings, resolve};
use meshward_model::{
    Anonymous, Answer, AskingCounters, Counter, Denial, Head, Needs, Node, Peer, Plugin, Question, Reason,
    Refusal, Report, Request, Resumed, Step, Ticket, UnixMillis, Verdict,
};

use crate::Assemble;
use crate::assemble::assemble;
use crate::report;

/// A configured plugin around the stage `S`.
#[derive(Debug, Clone)]
pub struct Pipeline<S> {
    stage: S,
    identity: Settings,
    node: Node,
    needs: Needs,
    reads_peer: bool,
    /// Whether an enforced document looks at the peer: only then may a malformed one end a request.
    enforces_peer: bool,
}

impl<S> Pipeline<S> {
    /// The stage, for those who look into it.
    pub const fn stage(&self) -> &S {
        &self.stage
    }
}

impl<S: Assemble> Plugin for Pipeline<S> {
    type State = S::State;

    const ASKS: bool = S::ASKS;
    const EDITS: bool = S::EDITS;
    const COUNTERS: &'static [Counter] = &[S::NAMES.allowed, S::NAMES.denied, S::NAMES.shadow_denied];
    const ASKING_COUNTERS: AskingCounters = S::NAMES.asking;
    const MEMORY_GAUGE: &'static str = S::NAMES.memory_gauge;

    fn configure(configuration: &[u8], node: &Node) -> Result<Self, Refusal> {
        let (stage, identity) = assemble::<S>(configuration)?;
        let needs = stage.needs();
        let reads_peer = needs.union(identity.needs()) == needs;
        let enforced = stage.enforced_needs();
        let enforces_peer = enforced.union(identity.needs()) == enforced;
        Ok(Self { stage, identity, node: node.clone(), needs, reads_peer, enforces_peer })
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn decide(&self, state: &mut S::State, head: Head, now: UnixMillis) -> (Request, Step) {
        let Head { id, headers, connection } = head;
        let mut request = Request {
            id,
            headers,
            peer: Peer::Anonymous(Anonymous::Unread),
            peer_malformed: false,
            destination_port: connection.destination_port,
        };
        if self.reads_peer {
            match resolve(connection, &self.identity) {
                Ok(peer) => request.peer = peer,
                Err(_) if self.enforces_peer => {
                    return (request, Step::Done(Verdict::deny(Reason::PeerMalformed, None)));
                }
                Err(_) => request.peer_malformed = true,
            }
        }
        let mut step = self.stage.decide(state, &request, now);
        note_malformed_peer(&request, &mut step);
        (request, step)
    }

    fn answer(
        &self,
        state: &mut S::State,
        ticket: Ticket,
        answer: Answer,
        waiting: &[&Request],
        now: UnixMillis,
    ) -> Vec<Resumed> {
        let mut resumed = self.stage.answer(state, ticket, answer, waiting, now);
        for Resumed { request, step } in &mut resumed {
            if let Some(request) = waiting.iter().find(|waits| waits.id == *request) {
                note_malformed_peer(request, step);
            }
        }
        resumed
    }

    fn tick_period_millis(&self) -> u32 {
        self.stage.tick_period_millis()
    }

    fn tick(&self, state: &mut S::State, now: UnixMillis) -> Vec<(Ticket, Question)> {
        self.stage.tick(state, now)
    }

    fn wants(&self, verdict: &Verdict) -> Needs {
        if report::is_written(verdict) {
            let all = Needs { headers: true, destination_port: true, ..self.identity.needs() };
            all.without(self.needs)
        } else {
            Needs::default()
        }
    }

    fn report(&self, request: Option<&Request>, more: &Head, verdict: &Verdict, now: UnixMillis) -> Report {
        if !report::is_written(verdict) {
            return Report { counters: Self::counters(verdict), ..Report::default() };
        }
        let request = request.map(|request| self.complete(request.clone(), more));
        report::report(Self::counters(verdict), request.as_ref(), verdict, &self.node, now)
    }
}

impl<S: Assemble> Pipeline<S> {
    const ALLOWED: &'static [Counter] = &[S::NAMES.allowed];
    const ALLOWED_IN_SHADOW: &'static [Counter] = &[S::NAMES.allowed, S::NAMES.shadow_denied];
    const DENIED: &'static [Counter] = &[S::NAMES.denied];
    const DENIED_TWICE: &'static [Counter] = &[S::NAMES.denied, S::NAMES.shadow_denied];

    /// The counters that a verdict moves.
    const fn counters(verdict: &Verdict) -> &'static [Counter] {
        match (verdict.denial(), &verdict.shadow) {
            (None, None) => Self::ALLOWED,
            (None, Some(_)) => Self::ALLOWED_IN_SHADOW,
            (Some(_), None) => Self::DENIED,
            (Some(_), Some(_)) => Self::DENIED_TWICE,
        }
    }
}

impl<S> Pipeline<S> {
    /// Adds what was only read for the report.
    fn complete(&self, mut request: Request, more: &Head) -> Request {
        if request.headers.is_empty() {
            request.headers = more.headers.clone();
        }
        if !self.reads_peer
            && let Ok(peer) = resolve(more.connection.clone(), &self.identity)
        {
            request.peer = peer;
        }
        request.destination_port = request.destination_port.or(more.connection.destination_port);
        request
    }
}

/// A malformed peer that ends nothing is counted as a shadow document's refusal, whenever the verdict comes.
fn note_malformed_peer(request: &Request, step: &mut Step) {
    if request.peer_malformed
        && let Step::Done(verdict) = step
    {
        verdict.shadow = Some(Denial::new(Reason::PeerMalformed, None));
    }
}
