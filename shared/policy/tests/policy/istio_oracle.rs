//! Istio's meaning, told another way: the regular expressions that a control plane would write, run by the `regex` crate over
//! the rule's own JSON. Shares no code with the crate that it judges.

use regex::bytes::Regex;
use regex::escape;
use serde_json::Value;

use crate::specimen::Ask;

/// RFC 3986's `pchar` as Envoy's template matcher has it.
const PCHAR: &str = r"a-zA-Z0-9\-._~%!$&'()+,;:@=*";

/// Whether a rule of an `AuthorizationPolicy` matches; the port must be known.
pub(crate) fn matches(rule: &Value, ask: &Ask) -> bool {
    let entries = |name: &str| rule.get(name).and_then(Value::as_array);
    let some = |name: &str, inner: &str, matches: &dyn Fn(&str, &str) -> bool| match entries(name) {
        None => true,
        Some(entries) => entries.iter().any(|entry| object(entry.get(inner).unwrap(), matches)),
    };
    some("from", "source", &|field, value| source(field, value, ask))
        && some("to", "operation", &|field, value| operation(field, value, ask))
        && entries("when").into_iter().flatten().all(|entry| condition(entry, ask))
}

/// All fields of an object; a `notX` is an X that must not hold.
fn object(object: &Value, matches: &dyn Fn(&str, &str) -> bool) -> bool {
    object.as_object().unwrap().iter().all(|(name, values)| {
        let bare = name.strip_prefix("not").map(str::to_lowercase);
        let field = bare.clone().unwrap_or_else(|| name.to_lowercase());
        strings(values).any(|value| matches(&field, value)) != bare.is_some()
    })
}

fn strings(values: &Value) -> impl Iterator<Item = &str> {
    values.as_array().into_iter().flatten().map(|value| value.as_str().unwrap())
}

fn condition(entry: &Value, ask: &Ask) -> bool {
    let key = entry.get("key").and_then(Value::as_str).unwrap();
    let one = |value: &str| match key {
        "source.principal" => source("principals", value, ask),
        "source.namespace" => source("namespaces", value, ask),
        "source.serviceAccount" => source("serviceaccounts", value, ask),
        "source.trustDomain" => source("trustdomains", value, ask),
        "destination.port" => operation("ports", value, ask),
        key => {
            let name = key.strip_prefix("request.headers[").and_then(|key| key.strip_suffix(']')).unwrap();
            let mut values = ask.headers.iter().filter(|(header, _)| header.eq_ignore_ascii_case(name));
            values.any(|(_, text)| full(&glob(value, ""), text))
        }
    };
    let given = |name: &str| entry.get(name).filter(|values| strings(values).next().is_some());
    given("values").is_none_or(|values| strings(values).any(one))
        && given("notValues").is_none_or(|values| !strings(values).any(one))
}

fn source(field: &str, value: &str, ask: &Ask) -> bool {
    let Some(principal) = &ask.principal else { return false };
    let id = format!("spiffe://{principal}");
    let pattern = match field {
        "principals" if value == "*" => ".+".to_owned(),
        "principals" => format!("spiffe://{}", glob(value, "")),
        "namespaces" => format!(".*/ns/{}/.*", escape(value).replace(r"\*", ".*")),
        "serviceaccounts" => {
            let (namespace, name) = value.split_once('/').unwrap_or(("shop", value));
            format!("spiffe://.+/ns/{}/(.+/|)sa/{}(/.+)?", escape(namespace), escape(name))
        }
        "trustdomains" if value == "*" => "spiffe://.*".to_owned(),
        "trustdomains" => format!("spiffe://{}/.*", escape(value).replace(r"\*", "[^/]*")),
        field => panic!("no field `{field}` of a source"),
    };
    full(&pattern, id.as_bytes())
}

fn operation(field: &str, value: &str, ask: &Ask) -> bool {
    let path = ask.path.split(['?', '#']).next().unwrap_or_default();
    match field {
        "hosts" => full(&format!("(?i-u:{})", glob(value, "")), ask.authority.as_bytes()),
        "ports" => ask.port.unwrap().to_string() == value,
        "methods" => full(&glob(value, ""), ask.method.as_bytes()),
        "paths" if value.contains("{*") => {
            let one = escape("{*}");
            let rest = escape("{**}");
            let pattern =
                escape(value).replace(&rest, &format!("[{PCHAR}/]*")).replace(&one, &format!("[{PCHAR}]+"));
            full(&pattern, path.as_bytes())
        }
        "paths" => full(&glob(value, ".+"), path.as_bytes()),
        field => panic!("no field `{field}` of an operation"),
    }
}

/// `exact`, `prefix*`, `*suffix`; a lone `*` is `any` where that is given.
fn glob(value: &str, any: &str) -> String {
    match (value, value.strip_prefix('*'), value.strip_suffix('*')) {
        ("*", ..) if !any.is_empty() => any.to_owned(),
        (_, Some(suffix), _) => format!(".*{}", escape(suffix)),
        (_, None, Some(prefix)) => format!("{}.*", escape(prefix)),
        (exact, None, None) => escape(exact),
    }
}

fn full(pattern: &str, text: &[u8]) -> bool {
    Regex::new(&format!("^(?s-u:{pattern})$")).unwrap().is_match(text)
}
