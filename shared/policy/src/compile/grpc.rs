//! `grpc`: the methods of services that are called.

use meshward_config::{Place, Problems};
use meshward_decide::Pattern;
use meshward_decide::matching::grpc::GrpcMatcher;
use meshward_model::Code;

use super::document::Context;
use super::values::{self, Wrong, wrong};
use crate::raw::RawGrpc;

/// The most entries.
const MAX_ENTRIES: usize = 512;

pub(super) fn compile(
    place: &Place<'_>,
    context: Context<'_>,
    raw: &[RawGrpc],
    problems: &mut Problems,
) -> Vec<GrpcMatcher> {
    if !context.strict {
        problems.add(
            Code::UnknownField,
            place,
            "unknown field `grpc`",
            "an AuthorizationPolicy names gRPC methods by `paths`, as in `/package.Service/Method`; `grpc` is for an AccessPolicy",
        );
        return Vec::new();
    }
    if raw.is_empty() {
        values::empty_list(place, problems);
    }
    if raw.len() > MAX_ENTRIES {
        problems.add(
            Code::TooManyValues,
            place,
            format!("{} entries, at most {MAX_ENTRIES} are read", raw.len()),
            "split the rule",
        );
    }
    let mut calls = Vec::new();
    for (at, call) in raw.iter().enumerate() {
        let place = place.index(at);
        if call.service.is_none() && call.method.is_none() {
            problems.add(
                Code::EmptyOperation,
                &place,
                "this names neither a service nor a method",
                "write as in `{service: shop.v1.Orders, method: Get}`; `service: \"*\"` is any",
            );
        }
        let mut read = |field: &'static str, dots: bool, value: &Option<String>| {
            let Some(value) = value else { return Pattern::Any };
            part(context, field, dots, value).unwrap_or_else(|Wrong { code, message, help }| {
                problems.add(code, &place.field(field), message, help);
                Pattern::Any
            })
        };
        let service = read("service", true, &call.service);
        let method = read("method", false, &call.method);
        calls.push(GrpcMatcher { service, method });
    }
    calls
}

/// A service's or a method's name, or its beginning.
fn part(context: Context<'_>, what: &str, dots: bool, value: &str) -> Result<Pattern, Wrong> {
    let pattern = values::pattern(context, what, value)?;
    let literal = pattern.literal();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (dots && byte == b'.');
    let is_whole = matches!(pattern, Pattern::Exact(_));
    let bad_dots = literal.starts_with(b".")
        || (is_whole && literal.ends_with(b"."))
        || literal.windows(2).any(|two| two == b"..");
    let is_bad = match &pattern {
        Pattern::Any => false,
        Pattern::Suffix(_) => true,
        Pattern::Exact(_) | Pattern::Prefix(_) => {
            literal.is_empty() || bad_dots || !literal.iter().all(|byte| is_name(*byte))
        }
    };
    if is_bad {
        let help = if dots {
            "write the package and the service as in `shop.v1.Orders`, or their beginning as in `shop.v1.*`"
        } else {
            "write the method as in `GetOrder`, or its beginning as in `Get*`; the service stands in `service`"
        };
        return wrong(Code::BadGrpc, format!("`{value}` is no {what} of gRPC"), help);
    }
    Ok(pattern)
}
