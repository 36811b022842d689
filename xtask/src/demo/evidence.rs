//! What the operator can see of a call: the access log, meshward's event, TLS failures, and the rule that decided.

use std::time::Duration;

use anyhow::Result;
use meshward_harness::envoy::View;
use serde_json::Value;

use super::call::Made;
use super::mesh::{Member, Mesh};
use super::native;
use super::script::{Call, HANDSHAKE, Outcome};
use super::sidecar::{ACCESS_LOG, CONNECTION_LOG};

/// Logs are written within a tenth of a second; a machine under load may take longer.
const WITHIN: Duration = Duration::from_secs(10);
const EVENT: &str = "meshward.event ";

/// What is known of a call beside its answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// The rule (`policy[index]`), the reason where no rule decided, or [`HANDSHAKE`].
    pub(super) decided_by: String,
    /// `%RESPONSE_CODE_DETAILS%` of the Envoy that was called.
    pub(super) details: Option<String>,
    /// meshward's event.
    pub(super) event: Option<Event>,
    /// Why TLS refused it, in Envoy's words.
    pub(super) tls_failure: Option<String>,
}

/// One event: the JSON as it was written, and as a value.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) text: String,
    pub(super) record: Value,
}

/// Gathers it from the logs of the Envoy that was called. `earlier_failures`: how many TLS failures it had before this call.
pub(super) fn gather(
    mesh: &Mesh,
    call: &Call,
    id: &str,
    made: &Made,
    earlier_failures: usize,
) -> Result<Evidence> {
    let member = mesh.member(call.to)?;
    if made.got == Ok(Outcome::NoTls) {
        let failure = member.envoy().wait("the TLS failure in Envoy's log", WITHIN, || {
            tls_failures(member.envoy()).into_iter().nth(earlier_failures)
        })?;
        return Ok(Evidence {
            decided_by: HANDSHAKE.to_owned(),
            tls_failure: Some(failure),
            ..Evidence::default()
        });
    }
    let line = member.envoy().wait_access_log(ACCESS_LOG, |line| line.contains(id), WITHIN)?;
    let line: Value = serde_json::from_str(&line)?;
    let details = line.get("details").and_then(Value::as_str).map(str::to_owned);
    let refused = details.as_deref().is_some_and(|details| details.starts_with("meshward_denied["));
    // The event is logged before the answer is sent.
    let event = if refused { wait_event(member, id)? } else { event(member, id) };
    let decided_by = match (refused, &event) {
        (true, Some(event)) => decided(&event.record),
        _ => native::decided(mesh, member, call, made, &line)?,
    };
    Ok(Evidence { decided_by, details, event, tls_failure: None })
}

fn wait_event(member: &Member, id: &str) -> Result<Option<Event>> {
    Ok(Some(member.envoy().wait("meshward's event in Envoy's log", WITHIN, || event(member, id))?))
}

fn event(member: &Member, id: &str) -> Option<Event> {
    let lines = member.envoy().log();
    let mut events = lines.iter().filter_map(|line| line.split_once(EVENT)).filter_map(|(_, text)| {
        let record: Value = serde_json::from_str(text).ok()?;
        let mine = record.pointer("/metadata/correlation_uid")? == id;
        mine.then(|| Event { text: text.to_owned(), record })
    });
    events.next()
}

impl Event {
    /// The reason, as `stage.snake_case`.
    pub(super) fn reason(&self) -> &str {
        self.record.pointer("/status_detail").and_then(Value::as_str).unwrap_or_default()
    }
}

/// `policy[index]`, or the reason.
fn decided(event: &Value) -> String {
    match event.pointer("/policy/uid").and_then(Value::as_str) {
        Some(uid) => short_rule(uid),
        None => event.pointer("/status_detail").and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}

/// `ns[shop]-policy[callers]-rule[1]` as `callers[1]`.
pub(super) fn short_rule(uid: &str) -> String {
    let parts = uid.split_once("-policy[").and_then(|(_, rest)| rest.split_once("]-rule["));
    parts.map_or_else(|| uid.to_owned(), |(policy, index)| format!("{policy}[{index}"))
}

/// Why connections failed in TLS, oldest first.
pub(super) fn tls_failures(envoy: &View) -> Vec<String> {
    envoy.access_log(CONNECTION_LOG).into_iter().filter(|line| !matches!(line.as_str(), "" | "-")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_shown_as_policy_and_place() {
        assert_eq!(short_rule("ns[shop]-policy[callers]-rule[1]"), "callers[1]");
        assert_eq!(short_rule("something else"), "something else");
    }
}
