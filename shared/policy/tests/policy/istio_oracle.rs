//! Istio's meaning, told another way: the regular expressions that a control plane would write, run by the `regex` crate over
//! the rule's own JSON. Shares no code with the crate that it judges.

use std::net::IpAddr;

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
        "remote.ip" => source("remoteipblocks", value, ask),
        "destination.port" => operation("ports", value, ask),
        "request.auth.principal" => source("requestprincipals", value, ask),
        "request.auth.audiences" => claim(&["aud"], value, ask),
        "request.auth.presenter" => claim(&["azp"], value, ask),
        key if key.starts_with("request.auth.claims[") => {
            let names = key.trim_start_matches("request.auth.claims[").trim_end_matches(']');
            claim(&names.split("][").collect::<Vec<_>>(), value, ask)
        }
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

/// The metadata matcher that is written for a claim: a string, or any string of a list.
fn claim(names: &[&str], value: &str, ask: &Ask) -> bool {
    let Some(found) = ask.claims.as_ref().and_then(|claims| claims.pointer(&format!("/{}", names.join("/"))))
    else {
        return false;
    };
    let pattern = glob(value, ".+");
    match found {
        // Envoy makes a list of the words before the matcher sees them.
        Value::String(text) if names == ["scope"] => {
            text.split_ascii_whitespace().any(|word| line(&pattern, word))
        }
        Value::String(text) => line(&pattern, text),
        Value::Array(elements) => elements.iter().filter_map(Value::as_str).any(|text| line(&pattern, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

/// Issuer and subject by the table of `requestPrincipals`.
fn request_principal(value: &str, ask: &Ask) -> bool {
    let parts = match (value.rsplit_once('/'), value.starts_with('*'), value.ends_with('*')) {
        _ if value == "*" => (".+".to_owned(), ".+".to_owned()),
        (Some((issuer, subject)), true, _) => (glob(issuer, ".+"), escape(subject)),
        (Some((issuer, subject)), false, true) => (escape(issuer), glob(subject, ".+")),
        (Some((issuer, subject)), false, false) => (escape(issuer), escape(subject)),
        (None, true, _) => (".+".to_owned(), glob(value, ".+")),
        (None, false, true) => (glob(value, ".+"), ".+".to_owned()),
        (None, false, false) => (escape(value), String::new()),
    };
    let is = |name: &str, pattern: &str| {
        let text = ask.claims.as_ref().and_then(|claims| claims.get(name)).and_then(Value::as_str);
        text.is_some_and(|text| line(pattern, text))
    };
    is("iss", &parts.0) && is("sub", &parts.1)
}

fn source(field: &str, value: &str, ask: &Ask) -> bool {
    if field == "requestprincipals" {
        return request_principal(value, ask);
    }
    if field == "remoteipblocks" {
        return ask.remote.is_some_and(|address| is_in(value, address));
    }
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

/// Bit by bit, as digits; an IPv4 address is in no IPv6 block, nor the other way round.
fn is_in(block: &str, address: IpAddr) -> bool {
    let digits = |address: IpAddr| match address {
        IpAddr::V4(four) => format!("four{:032b}", four.to_bits()),
        IpAddr::V6(six) => format!("six{:0128b}", six.to_bits()),
    };
    let (network, length) = block
        .split_once('/')
        .map_or((block, usize::MAX), |(network, length)| (network, length.parse().unwrap()));
    let network = digits(network.parse().unwrap());
    let kept: String =
        network.chars().take(network.find(['0', '1']).unwrap().saturating_add(length)).collect();
    digits(address).starts_with(&kept)
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

/// A full match where the dot is no line feed.
fn line(pattern: &str, text: &str) -> bool {
    regex::Regex::new(&format!("^(?:{pattern})$")).unwrap().is_match(text)
}

fn full(pattern: &str, text: &[u8]) -> bool {
    Regex::new(&format!("^(?s-u:{pattern})$")).unwrap().is_match(text)
}
