//! What `authn` hands over, as bytes that another plugin could have written; seen from `authz`, which takes it over.

use std::sync::OnceLock;

use meshward_model::{
    Claim, Decision, Head, Headers, Plugin, Reason, RequestId, Seed, Step, Token, UnixMillis, Verdict,
};
use meshward_pipeline::Authz;

/// It takes the token over, and lets in whoever it can.
const CONFIGURATION: &str = r#"{"apiVersion":"meshward.io/v1alpha1","kind":"PluginConfig","peerVerifiedBy":"transport",
    "claims":{"from":"handover"},"documents":[{"apiVersion":"meshward.io/v1alpha1","kind":"AccessPolicy",
    "metadata":{"name":"any","namespace":"shop"},"spec":{"rules":[{}]}}]}"#;

/// Holds one input to the properties.
pub fn body(bytes: &[u8]) {
    let (token, verdict) = taken_over(Some(bytes));
    if verdict.reason() == Reason::HandoverUnreadable {
        assert!(denied(&verdict) && token.is_none(), "{verdict:?}");
    } else {
        assert!(
            verdict.reason() == Reason::AllowRule && !denied(&verdict),
            "neither read nor refused: {verdict:?}"
        );
        // There is one spelling of what was read, and it is what was read.
        assert_eq!(written(token.as_ref()), bytes, "{token:?}");
        is_refused_cut_or_longer(bytes);
    }
    let (token, verdict) = taken_over(None);
    assert!(token.is_none() && verdict.reason() == Reason::HandoverMissing, "{verdict:?}");
}

fn is_refused_cut_or_longer(good: &[u8]) {
    let step = good.len().div_ceil(48).max(1);
    let cuts = (0..good.len()).step_by(step).filter_map(|cut| good.get(..cut)).map(<[u8]>::to_vec);
    for wrong in cuts.chain([[good, &[0]].concat()]) {
        let (token, verdict) = taken_over(Some(&wrong));
        let refused = verdict.reason() == Reason::HandoverUnreadable && denied(&verdict);
        assert!(refused && token.is_none(), "read: {}", wrong.escape_ascii());
    }
}

fn taken_over(bytes: Option<&[u8]>) -> (Option<Token>, Verdict) {
    static PLUGIN: OnceLock<Option<Authz>> = OnceLock::new();
    let plugin = PLUGIN.get_or_init(|| Authz::configure(CONFIGURATION.as_bytes(), &crate::node()).ok());
    let Some(plugin) = plugin else { unreachable!("the configuration of this target is refused") };
    let mut headers = Headers::builder();
    headers.push(b":method", b"GET").push(b":path", b"/").push(b":authority", b"shop.example");
    let head = Head {
        id: RequestId(1),
        headers: headers.build(),
        handover: bytes.map(<[u8]>::to_vec),
        ..Head::default()
    };
    match plugin.decide(&mut plugin.state(Seed(1)), head, UnixMillis(1)) {
        (request, Step::Done(verdict)) => (request.token.as_deref().cloned(), verdict),
        (_, Step::Ask(..) | Step::Wait(_)) => unreachable!("access control asks nothing"),
    }
}

fn denied(verdict: &Verdict) -> bool {
    matches!(verdict.decision, Decision::Deny(_))
}

/// A handover, written by its description: version, then the token or nothing.
pub fn written(token: Option<&Token>) -> Vec<u8> {
    let mut bytes = vec![1];
    let Some(token) = token else {
        bytes.push(0);
        return bytes;
    };
    bytes.push(7);
    text(&mut bytes, &token.issuer);
    match &token.subject {
        Some(subject) => value(&mut bytes, &Claim::Text(subject.clone())),
        None => bytes.push(0),
    }
    members(&mut bytes, &token.claims);
    bytes
}

fn value(bytes: &mut Vec<u8>, claim: &Claim) {
    match claim {
        Claim::Null => bytes.push(0),
        Claim::Bool(flag) => bytes.push(if *flag { 2 } else { 1 }),
        Claim::Integer(number) => tagged(bytes, 3, &number.to_le_bytes()),
        Claim::Real(number) => tagged(bytes, 4, &number.to_le_bytes()),
        Claim::Text(words) => {
            bytes.push(5);
            text(bytes, words);
        }
        Claim::List(claims) => {
            tagged(bytes, 6, &count(claims.len()));
            claims.iter().for_each(|claim| value(bytes, claim));
        }
        Claim::Map(inner) => {
            bytes.push(7);
            members(bytes, inner);
        }
    }
}

fn members(bytes: &mut Vec<u8>, members: &[(String, Claim)]) {
    bytes.extend(count(members.len()));
    for (name, claim) in members {
        text(bytes, name);
        value(bytes, claim);
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(count(text.len()));
    bytes.extend(text.as_bytes());
}

fn tagged(bytes: &mut Vec<u8>, tag: u8, value: &[u8]) {
    bytes.push(tag);
    bytes.extend(value);
}

fn count(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}
