//! Which rule let a request through: Envoy's logs do not say, so the same documents are asked natively about what arrived.

use anyhow::{Context, Result, anyhow};
use meshward_model::{Connection, Head, Headers, Node, Plugin, RequestId, Seed, Step, UnixMillis};
use meshward_pipeline::Guard;
use serde_json::Value;

use super::call::Made;
use super::evidence::short_rule;
use super::issuer;
use super::mesh::{Member, Mesh};
use super::script::{Call, How};

/// The kinds of documents that say which rule lets a request through; the others only slow callers down or write down.
const KINDS: [&str; 3] = ["Authentication", "AccessPolicy", "AuthorizationPolicy"];

/// The rule or reason by which the native core decides what the application saw.
pub(super) fn decided(
    mesh: &Mesh,
    member: &Member,
    call: &Call,
    made: &Made,
    access: &Value,
) -> Result<String> {
    let Some(seen) = &made.seen else { return Ok("nothing of meshward".to_owned()) };
    let configuration = without_network(&member.policy, &mesh.services.issuer.all_keys())?;
    let guard = Guard::configure(configuration.as_bytes(), &Node::default())
        .map_err(|refusal| anyhow!("the policy is refused natively: {refusal}"))?;
    let peer = access.get("peer").and_then(Value::as_str).filter(|peer| *peer != "-");
    let listener = if call.how == How::ProbePort { member.places.probe } else { member.places.inbound };
    let head = Head {
        id: RequestId::default(),
        headers: headers(seen),
        connection: Connection {
            uri_san: peer.map(|peer| peer.as_bytes().to_vec()),
            destination_port: Some(listener.port()),
            ..Connection::default()
        },
        handover: None,
    };
    let seconds = u64::try_from(issuer::now_seconds()).unwrap_or_default();
    let now = UnixMillis(seconds.saturating_mul(1000));
    let (_, step) = guard.decide(&mut guard.state(Seed::default()), head, now);
    let Step::Done(verdict) = step else { return Ok("a question".to_owned()) };
    Ok(match (verdict.denial(), verdict.rule()) {
        (None, Some(rule)) => short_rule(&rule.to_string()),
        (None, None) => verdict.reason().code().to_owned(),
        (Some(_), _) => format!("natively denied, {}", verdict.reason()),
    })
}

/// The configuration with the issuer's keys in it, and without what asks the network or a proxy's memory.
fn without_network(configuration: &str, keys: &str) -> Result<String> {
    let mut envelope: Value = serde_json::from_str(configuration).context("the configuration is no JSON")?;
    let keys: Value = serde_json::from_str(keys).context("the issuer's keys are no JSON")?;
    if let Some(documents) = envelope.get_mut("documents").and_then(Value::as_array_mut) {
        documents.retain(|document| {
            document.get("kind").and_then(Value::as_str).is_some_and(|kind| KINDS.contains(&kind))
        });
        for document in documents {
            let issuers = document.pointer_mut("/spec/jwt/issuers").and_then(Value::as_array_mut);
            for issuer in issuers.into_iter().flatten().filter_map(Value::as_object_mut) {
                if issuer.remove("jwks").is_some() {
                    issuer.insert("keys".to_owned(), keys.clone());
                }
            }
        }
    }
    Ok(envelope.to_string())
}

/// The application saw HTTP/1.1; Envoy's pseudo headers are made of it again.
fn headers(seen: &Value) -> Headers {
    let text = |name: &str| seen.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut builder = Headers::builder();
    builder.push(b":method", text("method").as_bytes()).push(b":path", text("path").as_bytes());
    for pair in seen.get("headers").and_then(Value::as_array).into_iter().flatten() {
        let part = |at: usize| pair.get(at).and_then(Value::as_str).unwrap_or_default();
        let name = if part(0).eq_ignore_ascii_case("host") { ":authority" } else { part(0) };
        builder.push(name.as_bytes(), part(1).as_bytes());
    }
    builder.build()
}
