//! A stage with its state and a clock.

use std::sync::Arc;

use meshward_cases::mint::{Key, Mint, jwks};
use meshward_model::{
    Anonymous, Answer, Decision, Effects, Headers, Needs, Peer, Question, Reason, Request, RequestId, Seed,
    Stage, Step, Ticket, Token, UnixMillis, Verdict,
};
use meshward_token::{Authentication, State};
use serde_json::{Value, json};

/// When the tests are, in seconds.
pub(crate) const NOW: i64 = 1_700_000_000;
/// Whose tokens are accepted.
pub(crate) const ISSUER: &str = "https://id.example";
/// For whom they must be.
pub(crate) const AUDIENCE: &str = "shop";

/// A stage with its state and a clock.
pub(crate) struct Bench {
    pub(crate) stage: Authentication,
    pub(crate) state: State,
    pub(crate) now: UnixMillis,
    next: u32,
}

/// A key by its name.
pub(crate) fn key(name: &str) -> Key {
    Key::named(name).unwrap_or_else(|| panic!("there is no key `{name}`"))
}

/// A good token of a key, ready to be spoilt.
pub(crate) fn good(key: &Key) -> Mint<'_> {
    Mint::new(key, ISSUER, AUDIENCE, NOW)
}

/// `spec` as a document.
pub(crate) fn document(spec: &Value) -> String {
    let metadata = json!({"name": "callers", "namespace": "shop"});
    json!({"apiVersion": "meshward.io/v1alpha1", "kind": "Authentication", "metadata": metadata, "spec": spec}).to_string()
}

/// An issuer whose keys are in the configuration, for all algorithms that they are for.
pub(crate) fn inline(keys: &[&Key]) -> Value {
    let mut algorithms: Vec<&str> = keys.iter().map(|key| key.algorithm()).collect();
    algorithms.sort_unstable();
    algorithms.dedup();
    json!({"issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": algorithms, "keys": jwks(keys.iter().copied())})
}

impl Bench {
    pub(crate) fn of_spec(spec: &Value) -> Self {
        let peer = Needs { uri_san: true, ..Needs::default() };
        let stage = Authentication::compile("documents[0]", &document(spec), peer)
            .unwrap_or_else(|problems| panic!("{problems:?}"));
        let state = stage.state(Seed(7));
        Self { stage, state, now: UnixMillis(u64::try_from(NOW * 1000).expect("after 1970")), next: 0 }
    }

    /// A token is required, of this issuer.
    pub(crate) fn of_issuer(issuer: &Value) -> Self {
        Self::of_spec(&json!({"jwt": {"required": true, "issuers": [issuer]}}))
    }

    /// A token is required, and these are the keys.
    pub(crate) fn of_keys(keys: &[&Key]) -> Self {
        Self::of_issuer(&inline(keys))
    }

    pub(crate) fn later(&mut self, millis: u64) {
        self.now = UnixMillis(self.now.0 + millis);
    }

    /// A request with these `authorization` values.
    pub(crate) fn request(&mut self, values: &[&[u8]]) -> Request {
        self.next += 1;
        let mut headers = Headers::builder();
        headers
            .push(b":method", b"GET")
            .push(b":path", b"/?access_token=a.b.c")
            .push(b"cookie", b"token=a.b.c");
        for value in values {
            headers.push(b"authorization", value);
        }
        Request::new(RequestId(self.next), headers.build(), Peer::Anonymous(Anonymous::NoIdentity))
    }

    pub(crate) fn bearer(&mut self, token: &str) -> Request {
        self.request(&[format!("Bearer {token}").as_bytes()])
    }

    pub(crate) fn decide(&mut self, request: &mut Request) -> Step {
        self.stage.decide(&mut self.state, request, self.now)
    }

    /// What becomes of a request with this token; it must be decided at once.
    pub(crate) fn verdict(&mut self, token: &str) -> Reason {
        let mut request = self.bearer(token);
        let step = self.decide(&mut request);
        reason(&step)
    }

    /// The token that a request with this one goes on with.
    pub(crate) fn token(&mut self, token: &str) -> Arc<Token> {
        let mut request = self.bearer(token);
        let step = self.decide(&mut request);
        assert_eq!(reason(&step), Reason::Authenticated);
        request.token.expect("an allowed request with a token has it")
    }

    pub(crate) fn answer(&mut self, ticket: Ticket, answer: Answer, waiting: &mut [&mut Request]) -> Effects {
        self.stage.answer(&mut self.state, ticket, answer, waiting, self.now)
    }

    /// The questions of a tick.
    pub(crate) fn tick(&mut self) -> Vec<(Ticket, Question)> {
        self.stage.tick(&mut self.state, self.now).questions
    }
}

/// The reason of a decided step.
pub(crate) fn reason(step: &Step) -> Reason {
    let Step::Done(verdict) = step else { panic!("not decided: {step:?}") };
    let reason = verdict.reason();
    let allows = matches!(verdict, Verdict { decision: Decision::Allow(_), .. });
    assert_eq!(allows, reason == Reason::Authenticated, "{verdict:?}");
    reason
}

/// An answer with this body.
pub(crate) fn found(body: impl Into<Vec<u8>>) -> Answer {
    status(200, body)
}

/// An answer with this status.
pub(crate) fn status(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer::Http { status, headers: Headers::default(), body: body.into() }
}
