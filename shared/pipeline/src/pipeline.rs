//! A plugin: identity, its stages, the report.

use core::net::SocketAddr;
use std::sync::Arc;

use meshward_config::{ClaimsFrom, EventsFrom};
use meshward_event::{Recorder, details};
use meshward_identity::{Settings, resolve};
use meshward_model::{
    Anonymous, Answer, AskingCounters, Counter, Decision, Denial, Done, Edits, Effects, End, EndNeeds, Event,
    Head, LogLine, Needs, Node, Noted, Peer, Plugin, Reason, Refusal, Report, Request, Resumed, Seed, Seen,
    StageId, Step, Ticket, UnixMillis, Verdict,
};

use crate::assemble::{Assemble, Assembled, assemble};
use crate::chain::shorter;
use crate::{conclude, handover, note, report};

/// A configured plugin around the stage `S`, which may be a chain of stages.
#[derive(Debug, Clone)]
pub struct Pipeline<S: Assemble> {
    stage: S,
    recorder: S::Recorder,
    identity: Settings,
    node: Node,
    needs: Needs,
    reads_peer: bool,
    /// Whether an enforced document looks at the peer: only then may a malformed one end a request.
    enforces_peer: bool,
    claims: ClaimsFrom,
    events: EventsFrom,
}

/// What a plugin remembers, in one worker.
#[derive(Debug)]
pub struct State<S, R> {
    stage: S,
    recorder: R,
}

impl<S: Assemble> Pipeline<S> {
    /// The stage, for those who look into it.
    pub const fn stage(&self) -> &S {
        &self.stage
    }
}

type StateOf<S> = State<<S as meshward_model::Stage>::State, <<S as Assemble>::Recorder as Recorder>::State>;

impl<S: Assemble> Plugin for Pipeline<S> {
    type State = StateOf<S>;

    const ASKS: bool = S::ASKS || S::Recorder::ASKS;
    const EDITS: bool = S::EDITS;
    const RESPONDS: bool = S::RESPONDS;
    const OBSERVES: bool = S::OBSERVES || S::WATCHES;
    const WATCHES: bool = S::WATCHES;
    const HANDS_OVER: bool = S::HANDS_OVER;
    const COUNTERS: &'static [Counter] = S::COUNTERS;
    const ASKING_COUNTERS: AskingCounters = S::NAMES.asking;
    const MEMORY_GAUGE: &'static str = S::NAMES.memory_gauge;

    fn configure(configuration: &[u8], node: &Node) -> Result<Self, Refusal> {
        let Assembled { stage, recorder, identity, claims, events } = assemble::<S>(configuration, node)?;
        let handover = S::HANDS_OVER || claims == ClaimsFrom::Handover;
        let needs = Needs { handover, ..Needs::default() }.union(stage.needs());
        let reads_peer = needs.union(identity.needs()) == needs;
        let enforced = stage.enforced_needs();
        let enforces_peer = enforced.union(identity.needs()) == enforced;
        let node = node.clone();
        Ok(Self { stage, recorder, identity, node, needs, reads_peer, enforces_peer, claims, events })
    }

    fn responds(&self) -> bool {
        self.stage.responds()
    }

    fn observes(&self) -> bool {
        self.stage.observes() || S::WATCHES
    }

    fn state(&self, seed: Seed) -> Self::State {
        State { stage: self.stage.state(seed), recorder: self.recorder.state(seed) }
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn decide(&self, state: &mut Self::State, head: Head, now: UnixMillis) -> (Box<Request>, Step) {
        let (mut request, handover) = self.parse(head);
        if request.peer_malformed && self.enforces_peer {
            return (request, Step::Done(Verdict::deny(Reason::PeerMalformed, None)));
        }
        if let Err(reason) = self.take_over(&mut request, handover.as_deref()) {
            return (request, Step::Done(Verdict::deny(reason, None)));
        }
        let mut step = self.stage.decide(&mut state.stage, &mut request, now);
        self.conclude(&mut request, &mut step);
        (request, step)
    }

    fn answer(
        &self,
        state: &mut Self::State,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Done {
        let mut effects = if ticket.stage == StageId::Sentinel {
            self.recorder.answer(&mut state.recorder, ticket, answer, now)
        } else {
            self.stage.answer(&mut state.stage, ticket, answer, waiting, now)
        };
        for Resumed { request, step } in &mut effects.resumed {
            if let Some(request) = waiting.iter_mut().find(|waits| waits.id == *request) {
                self.conclude(request, step);
            }
        }
        self.done(state, effects)
    }

    fn respond(&self, state: &mut Self::State, seen: &Seen, now: UnixMillis) -> Edits {
        self.stage.respond(&mut state.stage, &seen.request, now)
    }

    fn witness(&self, head: Head) -> Option<Seen> {
        let (request, _) = self.parse(head);
        Some(Seen { request, verdict: Verdict::allow(Reason::Watched, None) }).filter(|_| S::WATCHES)
    }

    fn end_needs(&self, seen: &Seen, status: Option<u16>) -> EndNeeds {
        let went_on = seen.verdict.denial().is_none();
        // A filter that refuses says so with an error, or, to a gRPC caller, with 200 and a status of gRPC's own.
        let failed = status.is_some_and(|status| status >= 400) || conclude::is_grpc(&seen.request);
        let details = went_on && failed;
        EndNeeds { details, note: went_on && S::READS_NOTES }
    }

    fn observe(&self, state: &mut Self::State, seen: &Seen, end: &End, now: UnixMillis) -> Done {
        let noted = end.note.as_deref().and_then(note::read);
        let outcome = conclude::outcome(seen, end, noted.as_ref());
        let mut effects = self.stage.observe(&mut state.stage, &seen.request, &outcome, now);
        if S::WATCHES {
            effects.events.extend(conclude::events_of_others(&outcome, &seen.request, now));
        }
        self.done(state, effects)
    }

    fn tick_period_millis(&self) -> u32 {
        shorter(self.stage.tick_period_millis(), self.recorder.tick_period_millis())
    }

    fn tick(&self, state: &mut Self::State, now: UnixMillis) -> Done {
        let mut effects = self.stage.tick(&mut state.stage, now);
        effects.extend(self.recorder.tick(&mut state.recorder, now));
        self.done(state, effects)
    }

    fn inherit(&self, state: &mut Self::State, from: &Self, left: &mut Self::State) {
        self.recorder.inherit(&mut state.recorder, &from.recorder, &mut left.recorder);
    }

    fn give_up(&self, state: &mut Self::State, now: UnixMillis) -> Report {
        let mut report = self.recorder.give_up(&mut state.recorder, &self.node, now);
        report.counters.extend(self.stage.counts(&mut state.stage));
        report
    }

    fn is_quiet(&self, verdict: &Verdict) -> bool {
        report::written(verdict).is_none()
    }

    fn count(&self, request: Option<&Request>, verdict: &Verdict, one_more: impl FnMut(Counter)) {
        conclude::count(&self.stage, request, verdict, one_more);
    }

    fn wants(&self, verdict: &Verdict) -> Needs {
        if report::written(verdict).is_some() {
            let all = Needs { headers: true, destination_port: true, ..self.identity.needs() };
            all.without(self.needs)
        } else {
            Needs::default()
        }
    }

    fn report(
        &self,
        state: &mut Self::State,
        request: Option<&Request>,
        more: &Head,
        verdict: &Verdict,
        now: UnixMillis,
    ) -> Report {
        let said = request.map_or(0, |request| request.verdicts.len());
        let mut counters = Vec::with_capacity(said.saturating_add(1));
        self.count(request, verdict, |counter| counters.push((counter, 1)));
        let Some((kind, denial)) = report::written(verdict) else {
            return Report { counters, ..Report::default() };
        };
        let left = self.events == EventsFrom::Handover;
        let noted = report::noted(kind, denial, left);
        let mut written = Report { counters, note: note::write(&noted), ..Report::default() };
        written.details = verdict.denial().map(details::of).unwrap_or_default();
        if !left {
            written.lines = self.record(state, request, more, &noted, now);
        }
        written
    }

    fn unnoted(
        &self,
        state: &mut Self::State,
        request: Option<&Request>,
        more: &Head,
        verdict: &Verdict,
        now: UnixMillis,
    ) -> Vec<LogLine> {
        match report::written(verdict) {
            Some((kind, denial)) if self.events == EventsFrom::Handover => {
                self.record(state, request, more, &report::noted(kind, denial, false), now)
            }
            Some(_) | None => Vec::new(),
        }
    }
}

impl<S: Assemble> Pipeline<S> {
    /// Parses what was read; the handover is left as it is.
    fn parse(&self, head: Head) -> (Box<Request>, Option<Vec<u8>>) {
        let Head { id, headers, connection, handover } = head;
        let mut request = Box::new(Request::new(id, headers, Peer::Anonymous(Anonymous::Unread)));
        request.destination_port = connection.destination_port;
        request.source_address = connection.source_address.as_deref().and_then(address);
        if self.reads_peer {
            match resolve(connection, &self.identity) {
                Ok(peer) => request.peer = peer,
                Err(_) => request.peer_malformed = true,
            }
        }
        (request, handover)
    }

    /// Takes over what the plugin before has learned of the request.
    fn take_over(&self, request: &mut Request, handover: Option<&[u8]>) -> Result<(), Reason> {
        match (S::HANDS_OVER, self.claims, handover) {
            (true, _, Some(_)) => Err(Reason::HandoverTaken),
            (true, _, None) | (false, ClaimsFrom::None, _) => Ok(()),
            (false, ClaimsFrom::Handover, None) => Err(Reason::HandoverMissing),
            (false, ClaimsFrom::Handover, Some(bytes)) => {
                let token = handover::decode(bytes).map_err(|_| Reason::HandoverUnreadable)?;
                request.token = token.map(Arc::new);
                Ok(())
            }
        }
    }

    /// Puts the stages' verdicts together, and the handover.
    fn conclude(&self, request: &mut Request, step: &mut Step) {
        let Step::Done(verdict) = step else { return };
        // A malformed peer that ends nothing is counted as a shadow document's refusal, whenever the verdict comes.
        if request.peer_malformed && S::DECIDES {
            verdict.shadow = Some(Denial::new(Reason::PeerMalformed, None));
        }
        if !request.verdicts.is_empty() {
            request.verdicts.push(verdict.clone());
            conclude::put_together(request.verdicts.as_slice(), verdict);
        }
        if S::HANDS_OVER
            && let Decision::Allow(allowed) = &mut verdict.decision
        {
            allowed.handover = Some(handover::encode(request.token.as_deref()));
        }
    }

    /// Records what has happened.
    fn done(&self, state: &mut StateOf<S>, effects: Effects) -> Done {
        let Effects { resumed, questions, events, counts } = effects;
        let mut report = Report { counters: counts, ..Report::default() };
        // A finding is made by one plugin, and that writes it down whoever writes the decisions.
        for event in &events {
            report.lines.extend(self.recorder.record(&mut state.recorder, event, &self.node));
        }
        Done { resumed, questions, report }
    }

    /// Records a decision.
    fn record(
        &self,
        state: &mut StateOf<S>,
        request: Option<&Request>,
        more: &Head,
        noted: &Noted,
        now: UnixMillis,
    ) -> Vec<LogLine> {
        let request = request.map(|request| self.complete(request.clone(), more));
        let event = Event::Decision(report::event(noted, request.as_ref(), now));
        self.recorder.record(&mut state.recorder, &event, &self.node)
    }

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

/// The address without its port, as the proxy prints them: `10.0.0.1:4711`, `[::1]:4711`. Anything else (a pipe) has none. An IPv6
/// address that holds an IPv4 address stays one: what it is taken for is for those who look at it to say.
fn address(text: &[u8]) -> Option<core::net::IpAddr> {
    let address: SocketAddr = core::str::from_utf8(text).ok()?.parse().ok()?;
    Some(address.ip())
}
