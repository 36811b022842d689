//! What a line of the proxy's log says when it is one of our events.

use crate::case::Because;
use serde_json::Value;

/// What an event's line holds before its JSON.
const EVENT: &str = "meshward.event ";
/// OCSF's `action_id` of a request that was refused; 3 is one that was only observed.
const REFUSED: u64 = 2;

/// The event in a line of the log, when there is one.
pub(crate) fn in_line(line: &str) -> Option<Value> {
    let (_, json) = line.split_once(EVENT)?;
    serde_json::from_str(json).ok()
}

/// The request that it is about.
pub(crate) fn request(event: &Value) -> Option<String> {
    Some(event.pointer("/metadata/correlation_uid")?.as_str()?.to_owned())
}

/// Whether it says that the request was refused.
pub(crate) fn refused(event: &Value) -> bool {
    event.pointer("/action_id").and_then(Value::as_u64) == Some(REFUSED)
}

/// Why.
pub(crate) fn because(event: &Value) -> Because {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).map(str::to_owned);
    Because { reason: text("/status_detail").unwrap_or_default(), rule: text("/policy/uid") }
}
