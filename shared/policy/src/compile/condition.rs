//! One entry of `when`.

use meshward_config::{Place, Problems, closest};
use meshward_model::Code;

use super::document::Context;
use super::operation;
use super::source::{self, Part};
use super::values::{self, Wrong, wrong};
use crate::matching::header::HeaderCondition;
use crate::raw::RawCondition;
use crate::rule::Condition;
use crate::set::Uses;

/// The attributes that can be decided here; a header's name stands in the brackets.
const KEYS: [&str; 6] = [
    "request.headers",
    "source.principal",
    "source.namespace",
    "source.serviceAccount",
    "source.trustDomain",
    "destination.port",
];

/// Attributes that Istio knows and that are not decided here, and what the plugin would have to see.
const REFUSED: [(&str, &str); 6] = [
    ("source.ip", source::PEER_ADDRESS),
    ("remote.ip", source::CLIENT_ADDRESS),
    ("request.auth", source::TOKENS),
    ("destination.ip", "the address that was called"),
    ("connection.sni", "the name that TLS asked for"),
    ("experimental.envoy.filters", "other filters' metadata"),
];

pub(super) fn compile(
    place: &Place<'_>,
    context: Context<'_>,
    raw: &RawCondition,
    uses: &mut Uses,
    problems: &mut Problems,
) -> Option<Condition> {
    let given = ("values", raw.values.as_ref());
    let not_given = ("notValues", raw.not_values.as_ref());
    if given.1.is_none_or(Vec::is_empty) && not_given.1.is_none_or(Vec::is_empty) {
        problems.add(
            Code::ConditionWithoutValues,
            place,
            "a condition without values says nothing",
            "give `values` or `notValues`",
        );
        return None;
    }
    let part = match raw.key.as_str() {
        "source.principal" => Part::Principal,
        "source.namespace" => Part::Namespace,
        "source.serviceAccount" => Part::ServiceAccount,
        "source.trustDomain" => Part::TrustDomain,
        "destination.port" => {
            uses.port = true;
            return values::field(place, context, given, not_given, operation::port, problems)
                .map(Condition::Port);
        }
        key => {
            return match header_name(context, key) {
                Ok(name) => {
                    uses.headers = true;
                    let read = |value: &str| values::pattern(context, "value", value);
                    let values = values::field(place, context, given, not_given, read, problems)?;
                    Some(Condition::Header(HeaderCondition { name, values }))
                }
                Err(Wrong { code, message, help }) => {
                    problems.add(code, &place.field("key"), message, help);
                    None
                }
            };
        }
    };
    uses.peer = true;
    source::field(place, context, given, not_given, part, problems).map(Condition::Peer)
}

/// The name in `request.headers[name]`, lower case.
fn header_name(context: Context<'_>, key: &str) -> Result<Box<[u8]>, Wrong> {
    let Some(name) = key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']')) else {
        return unknown(key);
    };
    // Envoy keeps `host` as `:authority`, and finds it under both names.
    let is_host = name.eq_ignore_ascii_case("host");
    if context.strict && (is_host || name.starts_with(':')) {
        return wrong(
            Code::AttributeIsNoHeader,
            format!("`{name}` is not matched as a header"),
            "match methods, paths and hosts under `to`, where they have one form",
        );
    }
    let plain = name.strip_prefix(':').unwrap_or(name);
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if plain.is_empty() || !plain.bytes().all(good) {
        return wrong(
            Code::BadHeaderName,
            format!("`{name}` is no header name"),
            "write as in `request.headers[x-role]`",
        );
    }
    let name = if is_host { ":authority".to_owned() } else { name.to_ascii_lowercase() };
    Ok(name.into_bytes().into())
}

fn unknown(key: &str) -> Result<Box<[u8]>, Wrong> {
    if let Some((_, what)) = REFUSED.iter().find(|(refused, _)| key.starts_with(refused)) {
        let (message, help) = source::unseen(key, what);
        return wrong(Code::AttributeUnsupported, message, help);
    }
    if key.starts_with("destination.") && !key.starts_with("destination.p") {
        return wrong(
            Code::AttributeUnsupported,
            format!("`{key}` is matched neither by Istio nor by meshward"),
            "choose workloads by the WasmPlugin's `spec.selector.matchLabels`",
        );
    }
    let (head, name) = key.split_once('[').unwrap_or((key, ""));
    let is_header = matches!(head, "header" | "headers");
    let help = match closest(head, KEYS) {
        near if is_header || near == Some("request.headers") => match name.strip_suffix(']') {
            Some(name) if !name.is_empty() => format!("did you mean `request.headers[{name}]`?"),
            Some(_) | None => {
                "write `request.headers[<name>]`, such as `request.headers[x-canary]`".to_owned()
            }
        },
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", KEYS.join(", ").replace("headers", "headers[<name>]")),
    };
    wrong(Code::UnknownAttribute, format!("unknown key `{key}`"), help)
}
