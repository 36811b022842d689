//! One entry of `when`.

use meshward_config::{Place, Problems, closest};
use meshward_decide::matching::Field;
use meshward_decide::matching::claim::ClaimStrings;
use meshward_decide::matching::header::HeaderCondition;
use meshward_decide::{Condition, Pattern, Uses};
use meshward_model::Code;

use super::document::Context;
use super::source::{self, Part};
use super::values::{self, Wrong, wrong};
use super::{address, claim, operation, typed};
use crate::raw::{RawCondition, RawTo, at};

/// The attributes that can be decided here; a header's name stands in the brackets.
const KEYS: [&str; 11] = [
    "request.headers",
    "source.principal",
    "source.namespace",
    "source.serviceAccount",
    "source.trustDomain",
    "remote.ip",
    "destination.port",
    "request.auth.principal",
    "request.auth.audiences",
    "request.auth.presenter",
    "request.auth.claims",
];

/// Attributes that Istio knows and that are not decided here, and what the plugin would have to see.
const REFUSED: [(&str, &str); 4] = [
    ("source.ip", source::PEER_ADDRESS),
    ("destination.ip", "the address that was called"),
    ("connection.sni", "the name that TLS asked for"),
    ("experimental.envoy.filters", "other filters' metadata"),
];

pub(super) fn compile(
    place: &Place<'_>,
    context: Context<'_>,
    raw: &RawCondition,
    to: &[RawTo],
    uses: &mut Uses,
    problems: &mut Problems,
) -> Option<Condition> {
    if context.strict && raw.first(at::ATTRIBUTES).is_some() {
        return typed::compile(place, context, raw, to, uses, problems);
    }
    let key = key(place, raw, problems)?;
    let given = ("values", raw.0.texts(at::VALUES));
    let not_given = ("notValues", raw.0.texts(at::NOT_VALUES));
    if given.1.is_none_or(Vec::is_empty) && not_given.1.is_none_or(Vec::is_empty) {
        problems.add(
            Code::ConditionWithoutValues,
            place,
            "a condition without values says nothing",
            "give `values` or `notValues`",
        );
        return None;
    }
    match attribute(context, key) {
        Ok(Attribute::Peer(part)) => {
            uses.peer = true;
            source::field(place, context, given, not_given, part, problems).map(Condition::Peer)
        }
        Ok(Attribute::Port) => {
            uses.port = true;
            values::field(place, context, given, not_given, operation::port, problems).map(Condition::Port)
        }
        Ok(Attribute::Remote) => {
            uses.remote = true;
            let block = |value: &str| address::block(context, value);
            values::field(place, context, given, not_given, block, problems).map(Condition::Remote)
        }
        Ok(Attribute::Header(name)) => {
            uses.headers = true;
            let values = strings(place, context, raw, problems)?;
            Some(Condition::Header(HeaderCondition { name, values }))
        }
        Ok(Attribute::RequestPrincipal) => {
            claim::are_verified(&place.field("key"), context, problems);
            claim::principals(place, context, given, not_given, problems).map(Condition::RequestPrincipal)
        }
        Ok(Attribute::Claim(path)) => {
            claim::are_verified(&place.field("key"), context, problems);
            let values = strings(place, context, raw, problems)?;
            Some(Condition::ClaimStrings(ClaimStrings { path, values }))
        }
        Err(Wrong { code, message, help }) => {
            problems.add(code, &place.field("key"), message, help);
            None
        }
    }
}

fn strings(
    place: &Place<'_>,
    context: Context<'_>,
    raw: &RawCondition,
    problems: &mut Problems,
) -> Option<Field<Pattern>> {
    let given = ("values", raw.0.texts(at::VALUES));
    let not_given = ("notValues", raw.0.texts(at::NOT_VALUES));
    let read = |value: &str| values::pattern(context, "value", value);
    values::field(place, context, given, not_given, read, problems)
}

/// The `key`; where there is none, or what only goes with typed conditions stands beside it, a problem.
fn key<'a>(place: &Place<'_>, raw: &'a RawCondition, problems: &mut Problems) -> Option<&'a str> {
    if let Some(name) = raw.first(at::ATTRIBUTES.start..=at::SAME_AS) {
        problems.add(
            Code::MixedCondition,
            &place.field(name),
            "this is for typed conditions (on a `claim`, a `header` …), in an AccessPolicy",
            "with a `key` write `values` or `notValues`, as in `key: request.auth.claims[groups]` and `values: [admins]`",
        );
        return None;
    }
    let key = raw.0.text(at::KEY);
    if key.is_none() {
        let help = "name the attribute, such as `key: request.headers[x-role]`, or in an AccessPolicy a `claim`, `header`, `query`, `cookie`, `capture`, `peer` or `request`";
        problems.add(Code::MissingField, place, "missing field `key`", help);
    }
    key.map(String::as_str)
}

/// What a key names.
enum Attribute {
    Peer(Part),
    Port,
    Remote,
    /// The header's name, lower case.
    Header(Box<[u8]>),
    RequestPrincipal,
    /// The names that lead to the claim.
    Claim(Vec<Box<str>>),
}

fn attribute(context: Context<'_>, key: &str) -> Result<Attribute, Wrong> {
    Ok(match key {
        "source.principal" => Attribute::Peer(Part::Principal),
        "source.namespace" => Attribute::Peer(Part::Namespace),
        "source.serviceAccount" => Attribute::Peer(Part::ServiceAccount),
        "source.trustDomain" => Attribute::Peer(Part::TrustDomain),
        "destination.port" => Attribute::Port,
        "remote.ip" => Attribute::Remote,
        "request.auth.principal" => Attribute::RequestPrincipal,
        "request.auth.audiences" => Attribute::Claim(vec!["aud".into()]),
        "request.auth.presenter" => Attribute::Claim(vec!["azp".into()]),
        _ => match key.strip_prefix("request.auth.claims") {
            Some(brackets) => match claim::names(context, brackets) {
                Some(names) => Attribute::Claim(names),
                None => {
                    return wrong(
                        Code::BadClaimName,
                        format!("`{key}` leads to no claim"),
                        "write as in `request.auth.claims[groups]`, or `request.auth.claims[realm_access][roles]` for a claim inside a claim",
                    );
                }
            },
            None => Attribute::Header(header_name(context, key)?),
        },
    })
}

/// The name in `request.headers[name]`, lower case.
fn header_name(context: Context<'_>, key: &str) -> Result<Box<[u8]>, Wrong> {
    match key.strip_prefix("request.headers[").and_then(|rest| rest.strip_suffix(']')) {
        Some(name) => header(context, name),
        None => unknown(key),
    }
}

/// A header's name, lower case.
pub(super) fn header(context: Context<'_>, name: &str) -> Result<Box<[u8]>, Wrong> {
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
            "choose workloads by the document's `spec.selector.matchLabels`",
        );
    }
    let (head, name) = key.split_once('[').unwrap_or((key, ""));
    let is_header = matches!(head, "header" | "headers");
    let is_claim = head.contains("claim");
    let help = match closest(head, KEYS) {
        _ if is_claim => {
            "write `request.auth.claims[<name>]`, such as `request.auth.claims[groups]`".to_owned()
        }
        near if is_header || near == Some("request.headers") => match name.strip_suffix(']') {
            Some(name) if !name.is_empty() => format!("did you mean `request.headers[{name}]`?"),
            Some(_) | None => {
                "write `request.headers[<name>]`, such as `request.headers[x-canary]`".to_owned()
            }
        },
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "known are {}",
            KEYS.join(", ").replace("headers", "headers[<name>]").replace("claims", "claims[<name>]")
        ),
    };
    wrong(Code::UnknownAttribute, format!("unknown key `{key}`"), help)
}
