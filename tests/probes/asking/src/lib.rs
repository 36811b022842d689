//! A plugin whose stage asks: the riskiest way of a request, proven before features take it.
//!
//! Each request says in headers what the stage shall ask (`question`; `at_once` for what is answered in the same callback), the
//! answer says in its body what becomes of the request (`answer`), and the configuration says whom to ask (`settings`).
//! `x-respond: NAME=VALUE` sets a header of the response, `x-observe: SLOT` writes into shared data how the request ended. Nothing
//! of this is a policy.

mod answer;
mod at_once;
mod question;
mod settings;

use std::collections::BTreeMap;

use meshward_model::{
    Answer, Counter, Edits, Effects, Needs, Outcome, Reason, Refusal, Request, Resumed, Seed, Stage, StageId,
    Step, Ticket, UnixMillis, Verdict,
};
use meshward_pipeline::{Assemble, Documents, LogOnly, Names, Owns, Pipeline, Takes, counter, names};

use crate::settings::Settings;

/// The plugin.
pub type Asking = Pipeline<Probe>;

meshward_adapter::plugin!(crate::Asking, asks, responds, observes);

/// The stage.
#[derive(Debug)]
pub struct Probe {
    settings: Settings,
}

/// What the stage remembers.
#[derive(Debug, Default)]
pub struct State {
    tickets: u64,
    /// Questions that requests share, by path, while they are under way.
    shared: BTreeMap<Vec<u8>, (Ticket, UnixMillis)>,
    /// The ticket of the question that the last tick asked.
    tick: Option<Ticket>,
    /// What that question brought.
    known: Vec<u8>,
}

impl State {
    fn ticket(&mut self) -> Ticket {
        self.tickets = self.tickets.saturating_add(1);
        Ticket::new(StageId::Probe, self.tickets)
    }
}

impl Owns for Probe {
    fn owns(id: StageId) -> bool {
        id == StageId::Probe
    }
}

const NAMES: Names = names!("probe", 5);

/// Requests whose end was looked at; two for each, to see that amounts are counted.
const ENDED: Counter = counter!("probe", 5, 3, "ended");

impl Assemble for Probe {
    type Recorder = LogOnly;

    const KINDS: &'static [&'static str] = &["Probe"];
    const NAMES: Names = NAMES;
    const COUNTERS: &'static [Counter] = &[NAMES.allowed, NAMES.denied, NAMES.shadow_denied, ENDED];
    const TAKES: Takes = Takes { claims: false, events: false, role: false };

    fn assemble(documents: &Documents<'_>) -> Result<(Self, LogOnly), Refusal> {
        settings::read(&documents.documents).map(|settings| (Self { settings }, LogOnly::default()))
    }
}

impl Stage for Probe {
    type State = State;

    const ASKS: bool = true;
    const EDITS: bool = true;
    const RESPONDS: bool = true;
    const OBSERVES: bool = true;

    fn state(&self, _seed: Seed) -> State {
        State::default()
    }

    fn needs(&self) -> Needs {
        Needs { headers: true, ..Needs::default() }
    }

    fn decide(&self, state: &mut State, request: &mut Request, now: UnixMillis) -> Step {
        match request.headers.single(b"x-ask") {
            Ok(b"http" | b"grpc") => self.ask(state, request, now),
            Ok(b"share") => self.share(state, request, now),
            Ok(b"known") => answer::step(&state.known, request).unwrap_or_else(refused),
            Ok(b"load" | b"store" | b"create" | b"call" | b"loop") => {
                at_once::first(request, state.ticket(), now)
            }
            Ok(b"trap") => answer::trap(),
            Ok(_) => refused(),
            Err(_) => Step::Done(Verdict::allow(Reason::NoDenyMatch, None)),
        }
    }

    fn answer(
        &self,
        state: &mut State,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Effects {
        if !matches!(answer, Answer::TimedOut) {
            state.shared.retain(|_, (shared, _)| *shared != ticket);
        }
        let body = match answer {
            Answer::Http { status: 200, body, .. } => body,
            Answer::Grpc { message } => message,
            Answer::Http { status, .. } => format!("status {status}").into_bytes(),
            Answer::Failed => b"failed".to_vec(),
            Answer::TooLarge => b"too large".to_vec(),
            Answer::TimedOut => b"timed out".to_vec(),
            Answer::Loaded { .. } | Answer::Stored(_) | Answer::Called { .. } => {
                let next = |request: &mut &mut Request| {
                    let step = at_once::next(request, ticket, &answer, now)?;
                    Some(Resumed { request: request.id, step })
                };
                return Effects {
                    resumed: waiting.iter_mut().filter_map(next).collect(),
                    ..Effects::default()
                };
            }
        };
        if state.tick == Some(ticket) {
            state.known = body;
            return Effects::default();
        }
        let mut effects = Effects::default();
        for request in waiting {
            let step = match body.as_slice() {
                b"again" => Some(self.ask(state, request, now)),
                body => answer::step(body, request),
            };
            effects.resumed.extend(step.map(|step| Resumed { request: request.id, step }));
        }
        effects
    }

    fn respond(&self, _state: &mut State, request: &Request, _now: UnixMillis) -> Edits {
        let wanted = request.headers.single(b"x-respond").ok().and_then(answer::pair);
        wanted.map_or(Edits::NONE, |(name, value)| Edits::NONE.without(name).with(name, value))
    }

    fn observe(
        &self,
        state: &mut State,
        request: &Request,
        outcome: &Outcome<'_>,
        _now: UnixMillis,
    ) -> Effects {
        let mut effects = at_once::end(request, state.ticket(), outcome);
        effects.counts.push((ENDED, 2));
        effects
    }

    fn tick_period_millis(&self) -> u32 {
        self.settings.tick_period_millis
    }

    fn tick(&self, state: &mut State, _now: UnixMillis) -> Effects {
        let Some(path) = &self.settings.tick_path else { return Effects::default() };
        let ticket = state.ticket();
        state.tick = Some(ticket);
        Effects::ask(ticket, question::http(&self.settings, path.as_bytes()))
    }
}

impl Probe {
    fn ask(&self, state: &mut State, request: &Request, now: UnixMillis) -> Step {
        let waiting = question::waiting(&self.settings, state.ticket(), request, now);
        Step::Ask(question::of(&self.settings, request), waiting)
    }

    /// All requests for one path share a question; the mark that it is under way has an expiry of its own.
    fn share(&self, state: &mut State, request: &Request, now: UnixMillis) -> Step {
        let path = question::path(request).to_vec();
        match state.shared.get(&path) {
            Some((ticket, expires)) if *expires > now => {
                Step::Wait(question::waiting(&self.settings, *ticket, request, now))
            }
            Some(_) | None => {
                let ticket = state.ticket();
                let life = u64::from(self.settings.timeout_millis);
                state.shared.insert(path, (ticket, UnixMillis(now.0.saturating_add(life))));
                Step::Ask(
                    question::of(&self.settings, request),
                    question::waiting(&self.settings, ticket, request, now),
                )
            }
        }
    }
}

fn refused() -> Step {
    Step::Done(Verdict::deny(Reason::NoAllowMatch, None))
}
