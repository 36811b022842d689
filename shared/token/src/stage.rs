//! Is the caller who it says it is? First its certificate, then its token.

use meshward_model::{
    Anonymous, Answer, Effects, Needs, Peer, Problem, Reason, Request, Seed, Stage, Step, Ticket, UnixMillis,
    Verdict,
};

use crate::compile::compile;
use crate::settings::{Mtls, Settings};
use crate::state::State;
use crate::ticket::Asked;
use crate::token::Checked;
use crate::{bearer, challenge};

/// A compiled `Authentication`, and the stage that decides by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    pub(crate) settings: Settings,
    peer: Needs,
}

impl Authentication {
    /// Compiles a document; `path` is where it stands in the configuration, `peer` what reading the peer takes.
    ///
    /// # Errors
    /// Every problem found.
    pub fn compile(path: &str, json: &str, peer: Needs) -> Result<Self, Vec<Problem>> {
        Ok(Self { settings: compile(path, json)?, peer })
    }

    /// Demands nothing: for a workload that no document is for. Every caller is let through, and none has a token that was verified.
    pub const fn demanding_nothing(peer: Needs) -> Self {
        Self { settings: Settings { realm: String::new(), mtls: None, jwt: None }, peer }
    }

    /// Whether it verifies tokens; else it looks at the connection alone, and no request ever has claims.
    pub const fn verifies_tokens(&self) -> bool {
        self.settings.jwt.is_some()
    }

    fn allow() -> Step {
        Step::Done(Verdict::allow(Reason::Authenticated, None))
    }

    fn deny(&self, reason: Reason) -> Step {
        Step::Done(Verdict::refuse(challenge::denial(reason, &self.settings.realm)))
    }

    /// What the request's token, or its absence, leads to.
    fn decide_token(&self, state: &mut State, request: &mut Request, now: UnixMillis) -> Step {
        let Some(jwt) = &self.settings.jwt else { return Self::allow() };
        let checked = match bearer::find(&request.headers) {
            Ok(Some(token)) => jwt.check(state, token, now),
            Ok(None) if jwt.required => Checked::No(Reason::TokenMissing),
            Ok(None) => return Self::allow(),
            Err(reason) => Checked::No(reason),
        };
        self.step(request, checked)
    }

    /// Carries out what was found of a token.
    fn step(&self, request: &mut Request, checked: Checked) -> Step {
        match checked {
            Checked::Yes(token) => {
                request.token = Some(token);
                Self::allow()
            }
            Checked::No(reason) => self.deny(reason),
            Checked::Ask(question, waiting) => Step::Ask(question, waiting),
            Checked::Wait(waiting) => Step::Wait(waiting),
        }
    }

    /// Keys came, or did not.
    fn keys_answered(
        &self,
        state: &mut State,
        (issuer, sequence): (usize, u64),
        answer: &Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Effects {
        let Some(jwt) = &self.settings.jwt else { return Effects::default() };
        let late = *answer == Answer::TimedOut;
        if !late {
            jwt.take_keys(state, issuer, sequence, answer, now);
        }
        let mut effects = Effects { events: state.events(), ..Effects::default() };
        for request in waiting {
            let step = if late {
                self.deny(Reason::JwksUnavailable)
            } else {
                self.decide_token(state, request, now)
            };
            effects.extend(Effects::resume(request.id, step));
        }
        effects
    }
}

impl Stage for Authentication {
    type State = State;

    const ASKS: bool = true;

    fn state(&self, seed: Seed) -> State {
        State::new(&self.settings, seed)
    }

    fn needs(&self) -> Needs {
        let peer = if self.settings.mtls.is_some() { self.peer } else { Needs::default() };
        Needs { headers: self.settings.jwt.is_some(), ..peer }
    }

    fn decide(&self, state: &mut State, request: &mut Request, now: UnixMillis) -> Step {
        match self.settings.mtls.as_ref().and_then(|mtls| mtls.refuses(&request.peer)) {
            Some(reason) => self.deny(reason),
            None => self.decide_token(state, request, now),
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
        match Asked::of(ticket) {
            Some(Asked::Keys { issuer, sequence }) => {
                self.keys_answered(state, (issuer, sequence), &answer, waiting, now)
            }
            Some(Asked::Signature { sequence }) => {
                let checked = match &self.settings.jwt {
                    Some(jwt) => jwt.signature_answered(state, sequence, &answer, now),
                    None => None,
                };
                let mut effects = Effects { events: state.events(), ..Effects::default() };
                if let (Some(checked), Some(request)) = (checked, waiting.first_mut()) {
                    let step = self.step(request, checked);
                    effects.extend(Effects::resume(request.id, step));
                }
                effects
            }
            Some(Asked::Known(known)) => {
                if state.offload.known(known, &answer) {
                    state.say(Some(crate::token::not_trusted(known.algorithm, now)));
                }
                Effects { events: state.events(), ..Effects::default() }
            }
            None => Effects::default(),
        }
    }

    fn tick_period_millis(&self) -> u32 {
        self.settings.jwt.as_ref().map_or(0, |jwt| jwt.tick_period_millis())
    }

    fn tick(&self, state: &mut State, now: UnixMillis) -> Effects {
        let mut effects = Effects::default();
        if let Some(jwt) = &self.settings.jwt {
            effects.questions = jwt.tick(state, now);
        }
        effects.events = state.events();
        effects
    }
}

impl Mtls {
    /// Why the peer is refused, if it is.
    fn refuses(&self, peer: &Peer) -> Option<Reason> {
        match peer {
            Peer::Anonymous(_) if !self.required => None,
            Peer::Anonymous(Anonymous::Unverified) => Some(Reason::PeerUnverified),
            Peer::Anonymous(Anonymous::NoIdentity | Anonymous::Unread) => Some(Reason::MtlsRequired),
            Peer::Spiffe(id) => {
                let permitted = self.trust_domains.as_ref();
                let foreign =
                    permitted.is_some_and(|domains| !domains.iter().any(|one| one == id.trust_domain()));
                foreign.then_some(Reason::TrustDomainForeign)
            }
        }
    }
}
