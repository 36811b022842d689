//! Which rule let a request through: Envoy's logs do not say, so the same policy is asked natively about what arrived.

use anyhow::{Result, anyhow};
use meshward_model::{Connection, Head, Headers, Node, Plugin, RequestId, Seed, Step, UnixMillis};
use meshward_pipeline::Authz;
use serde_json::Value;

use super::call::Made;
use super::evidence::short_rule;
use super::mesh::Member;
use super::script::{Call, How};

/// The rule or reason by which the native core decides what the application saw.
pub(super) fn decided(member: &Member, call: &Call, made: &Made, access: &Value) -> Result<String> {
    let Some(seen) = &made.seen else { return Ok("nothing of meshward".to_owned()) };
    let authz = Authz::configure(member.policy.as_bytes(), &Node::default())
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
    let (_, step) = authz.decide(&mut authz.state(Seed::default()), head, UnixMillis(0));
    let Step::Done(verdict) = step else { return Ok("a question".to_owned()) };
    Ok(match (verdict.denial(), verdict.rule()) {
        (None, Some(rule)) => short_rule(&rule.to_string()),
        (None, None) => verdict.reason().code().to_owned(),
        (Some(_), _) => format!("natively denied, {}", verdict.reason()),
    })
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
