//! What a line of the proxy's log says when it is one of our events.

use crate::case::Because;
use serde_json::Value;

/// What an event's line holds before its JSON.
const EVENT: &str = "meshward.event ";
/// OCSF's `action_id` of a request that was refused; 3 is one that was only observed.
const REFUSED: u64 = 2;
/// The OCSF classes of events that are about a request: HTTP Activity, Authentication.
const OF_REQUESTS: [u64; 2] = [4002, 3002];
/// What differs from run to run: when it was, and which number the record has.
const PASSING: [&str; 3] = ["/time", "/metadata/uid", "/metadata/sequence"];

/// The event in a line of the log, when there is one.
pub fn in_line(line: &str) -> Option<Value> {
    let (_, json) = line.split_once(EVENT)?;
    serde_json::from_str(json).ok()
}

/// The request that it is about.
pub fn request(event: &Value) -> Option<String> {
    Some(event.pointer("/metadata/correlation_uid")?.as_str()?.to_owned())
}

/// Whether it is about the decision on a request, and not a finding or a trouble.
pub fn is_decision(event: &Value) -> bool {
    event.pointer("/class_uid").and_then(Value::as_u64).is_some_and(|class| OF_REQUESTS.contains(&class))
}

/// Whether it says that the request was refused.
pub fn refused(event: &Value) -> bool {
    event.pointer("/action_id").and_then(Value::as_u64) == Some(REFUSED)
}

/// Why.
pub fn because(event: &Value) -> Because {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).map(str::to_owned);
    Because { reason: text("/status_detail").unwrap_or_default(), rule: text("/policy/uid") }
}

/// Whether it says that the proxy lacks a function beside the ABI: the native door's does, and what the plugins do without is the same.
pub(crate) fn is_of_a_missing_function(event: &Value) -> bool {
    code(event) == Some("authn.verify_signature_unusable")
}

/// Whether it is about a case that nobody waits in, and not the decision on a request: the end of a stay in the penalty box comes with
/// time, and is said by whoever looks first, be it in another case.
pub fn is_the_cases(event: &Value) -> bool {
    !is_decision(event) && code(event) != Some("penalty.released")
}

/// What it is: `stage.snake_case`.
pub fn code(event: &Value) -> Option<&str> {
    event.pointer("/metadata/event_code")?.as_str()
}

/// The event without what differs from run to run.
#[must_use]
pub fn lasting(mut event: Value) -> Value {
    for path in PASSING {
        let Some((parent, name)) = path.rsplit_once('/') else { continue };
        if let Some(fields) = event.pointer_mut(parent).and_then(Value::as_object_mut) {
            fields.remove(name);
        }
    }
    event
}

/// Whether `whole` says all that `part` does: every field of an object, every element of a list.
pub fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, part)| whole.get(name).is_some_and(|whole| holds(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        (whole, part) => whole == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_differs_from_run_to_run_is_dropped_and_nothing_else() {
        let event =
            json!({"time": 1, "metadata": {"uid": "a", "sequence": 2, "log_name": "authz"}, "a": [1]});
        assert_eq!(lasting(event), json!({"metadata": {"log_name": "authz"}, "a": [1]}));
    }

    #[test]
    fn a_part_is_held_field_by_field() {
        let whole = json!({"a": {"b": 1, "c": [{"d": 2, "e": 3}]}});
        assert!(holds(&whole, &json!({"a": {"c": [{"e": 3}]}})));
        for other in [json!({"a": {"b": 2}}), json!({"f": 1}), json!({"a": {"c": []}}), json!({"a": 1})] {
            assert!(!holds(&whole, &other), "{other}");
        }
    }
}
