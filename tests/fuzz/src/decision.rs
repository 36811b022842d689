//! The decision: policies and requests are made of the bytes, and every way to a verdict must end at the same one.

use std::collections::HashSet;
use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use meshward_model::{
    Anonymous, Claim, Decision, Headers, Needs, Peer, Plugin, Request, RequestId, RuleId, SpiffeId, Stage,
    Token, Verdict, Written,
};
use meshward_pipeline::Authz;
use serde_json::Value;

use crate::draft::{Draft, Words};

/// The most requests that one policy is asked about.
const MOST_REQUESTS: u8 = 24;

/// Holds one input to the properties.
pub fn body(bytes: &[u8]) {
    // Bytes that run out end the requests, not the run.
    let _ = decides_in_one_way(&mut Unstructured::new(bytes));
}

/// Whether the policies that these bytes make are taken; `None` where the bytes run out first.
pub fn is_taken(bytes: &[u8]) -> Option<bool> {
    let configuration = Draft(&mut Unstructured::new(bytes)).configuration().ok()?;
    Some(Authz::configure(configuration.to_string().as_bytes(), &crate::node()).is_ok())
}

fn decides_in_one_way(source: &mut Unstructured<'_>) -> Result<()> {
    let mut configuration = Draft(source).configuration()?;
    let Ok(whole) = configured(&configuration) else { return Ok(()) };
    turn_around(&mut configuration);
    let Ok(turned) = configured(&configuration) else {
        unreachable!("refused in another order: {configuration}")
    };
    let rules: HashSet<&RuleId> = whole.stage().rules().collect();
    for _ in 0..MOST_REQUESTS {
        let words = Draft(source).words()?;
        let request = request(&words);
        let verdict = whole.stage().verdict(&request);
        let plain = whole.stage().verdict_one_by_one(&request);
        assert_eq!(verdict, plain, "the index decides otherwise: {words:?}\n{configuration}");
        let needed = stripped(&request, whole.stage().needs());
        assert_eq!(
            whole.stage().verdict(&needed),
            verdict,
            "decided by what is not needed: {words:?}\n{configuration}"
        );
        let other = turned.stage().verdict(&request);
        assert_eq!(allows(&other), allows(&verdict), "the order decides: {words:?}\n{configuration}");
        assert_eq!(
            other.shadow.is_some(),
            verdict.shadow.is_some(),
            "the order decides in shadow: {words:?}"
        );
        let deciders = whole.stage().deciders(&request);
        let told =
            verdict.rule().into_iter().chain(verdict.shadow.as_ref().and_then(|denial| denial.rule.as_ref()));
        for rule in told.chain(&deciders) {
            assert!(rules.contains(rule), "no such rule: {rule}");
        }
        assert!(verdict.rule().is_none_or(|rule| deciders.contains(rule)), "{verdict:?} by {deciders:?}");
    }
    Ok(())
}

fn configured(configuration: &Value) -> core::result::Result<Authz, meshward_model::Refusal> {
    Authz::configure(configuration.to_string().as_bytes(), &crate::node())
}

/// Documents and rules from last to first; the names stay with them.
fn turn_around(configuration: &mut Value) {
    let Some(documents) = configuration.pointer_mut("/documents").and_then(Value::as_array_mut) else {
        return;
    };
    documents.reverse();
    for document in documents {
        if let Some(rules) = document.pointer_mut("/spec/rules").and_then(Value::as_array_mut) {
            rules.reverse();
        }
    }
}

fn allows(verdict: &Verdict) -> bool {
    matches!(verdict.decision, Decision::Allow(_))
}

/// The request without everything that `needs` does not name.
fn stripped(request: &Request, needs: Needs) -> Request {
    Request {
        headers: if needs.headers { request.headers.clone() } else { Headers::default() },
        peer: if needs.uri_san { request.peer.clone() } else { Peer::Anonymous(Anonymous::Unread) },
        destination_port: request.destination_port.filter(|_| needs.destination_port),
        source_address: request.source_address.filter(|_| needs.source_address),
        ..request.clone()
    }
}

fn request(words: &Words) -> Request {
    let mut headers = Headers::builder();
    headers.push(b":method", words.method.as_bytes()).push(b":path", words.path.as_bytes());
    headers.push(b":authority", words.host.as_bytes());
    for (name, value) in &words.headers {
        headers.push(name.as_bytes(), value.as_bytes());
    }
    let id =
        words.principal.as_ref().map(|principal| SpiffeId::parse(format!("spiffe://{principal}").as_bytes()));
    let peer = match id {
        Some(Ok(id)) => Peer::Spiffe(id),
        Some(Err(_)) | None => Peer::Anonymous(Anonymous::NoIdentity),
    };
    let mut request = Request::new(RequestId(1), headers.build(), peer);
    request.destination_port = words.port;
    request.token = words.claims.as_ref().map(|claims| Arc::new(token(claims)));
    request
}

/// What `authn` would make of these claims.
fn token(claims: &Value) -> Token {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let members = match claim(claims) {
        Claim::Map(members) => members,
        Claim::Null
        | Claim::Bool(_)
        | Claim::Integer(_)
        | Claim::Real(_)
        | Claim::Text(_)
        | Claim::List(_) => Vec::new(),
    };
    Token {
        issuer: text("iss").unwrap_or_default(),
        subject: text("sub"),
        claims: members,
        written: Written::default(),
    }
}

fn claim(value: &Value) -> Claim {
    match value {
        Value::Null => Claim::Null,
        Value::Bool(flag) => Claim::Bool(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Claim::Integer(integer),
            None => Claim::Real(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => Claim::Text(text.clone()),
        Value::Array(elements) => Claim::List(elements.iter().map(claim).collect()),
        Value::Object(members) => {
            Claim::Map(members.iter().map(|(name, value)| (name.clone(), claim(value))).collect())
        }
    }
}
