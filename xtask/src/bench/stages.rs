//! What the other plugins are configured with for the bench: the request is allowed by all of them, and each does its work for it.

use meshward_harness::config::Filter;
use serde_json::{Value, json};

use super::contestant::wasm;
use super::policy::{self, Kind};
use crate::modules::Plugin;

/// A token that the bench's request carries, good until the year 2100; nobody else trusts its key.
pub(super) const TOKEN: &str = include_str!("../../../tests/bench/token.jwt");
const KEYS: &str = include_str!("../../../tests/bench/jwks.json");

fn envelope(fields: &Value, documents: &[Value]) -> String {
    let mut envelope = json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport",
        "documents": documents,
    });
    if let (Some(envelope), Some(fields)) = (envelope.as_object_mut(), fields.as_object()) {
        envelope.extend(fields.clone());
    }
    envelope.to_string()
}

fn document(kind: &str, spec: &Value) -> Value {
    let metadata = json!({"name": "bench", "namespace": "shop"});
    json!({"apiVersion": "meshward.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec})
}

/// A certificate of the trust domain, and a token of one issuer.
fn authentication() -> Value {
    document(
        "Authentication",
        &json!({
            "mtls": {"required": true, "trustDomains": ["cluster.local"]},
            "jwt": {"required": true, "issuers": [{
                "issuer": "https://id.example", "audiences": ["shop"], "algorithms": ["ES256"], "keys": KEYS,
            }]},
        }),
    )
}

/// A bucket for each peer that the bench does not empty.
fn rate_limit() -> Value {
    document(
        "RateLimit",
        &json!({"limits": [{
            "name": "peer", "rate": {"requests": 1_000_000, "perSeconds": 1}, "key": ["peer"], "scope": "worker",
        }]}),
    )
}

fn detection() -> Value {
    document("Detection", &json!({}))
}

/// `authn` alone.
pub(super) fn authn() -> String {
    envelope(&json!({}), &[authentication()])
}

/// `ratelimit` alone, as quota.
pub(super) fn quota() -> String {
    envelope(&json!({"role": "quota"}), &[rate_limit()])
}

/// `sentinel` alone.
pub(super) fn sentinel() -> String {
    envelope(&json!({}), &[detection()])
}

/// Everything in one.
pub(super) fn guard() -> String {
    let access = policy::document(Kind::Access, &policy::ten());
    envelope(&json!({}), &[detection(), authentication(), access, rate_limit()])
}

/// Everything, each plugin by itself, in the order in which `render` puts them.
pub(super) fn apart() -> Vec<Filter> {
    let left = |more: &Value| {
        let mut fields = json!({"events": "handover"});
        if let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) {
            fields.extend(more.clone());
        }
        fields
    };
    let access = policy::document(Kind::Access, &policy::ten());
    vec![
        wasm(Plugin::Sentinel, &sentinel()),
        wasm(Plugin::Ratelimit, &envelope(&left(&json!({"role": "penalty"})), &[detection()])),
        wasm(Plugin::Authn, &envelope(&left(&json!({})), &[authentication()])),
        wasm(Plugin::Authz, &envelope(&left(&json!({"claims": {"from": "handover"}})), &[access])),
        wasm(Plugin::Ratelimit, &envelope(&left(&json!({"role": "quota"})), &[rate_limit()])),
    ]
}
