//! One entry of `to`: what is asked for.

use meshward_config::{Place, Problems};
use meshward_decide::matching::operation::{HostMatcher, Operation, OperationField, PathMatcher};
use meshward_decide::{Pattern, Uses};
use meshward_http::{host, method, path, template};
use meshward_model::Code;

use super::document::Context;
use super::grpc;
use super::values::{self, Wrong, wrong};
use crate::raw::RawOperation;
use meshward_http::template::Template;

pub(super) fn compile(
    place: &Place<'_>,
    context: Context<'_>,
    raw: &RawOperation,
    uses: &mut Uses,
    problems: &mut Problems,
) -> Operation {
    let mut fields = Vec::new();
    let hosts = (("hosts", raw.hosts.as_ref()), ("notHosts", raw.not_hosts.as_ref()));
    if let Some(field) =
        values::field(place, context, hosts.0, hosts.1, |value| host(context, value), problems)
    {
        fields.push(OperationField::Hosts(field));
        uses.host = true;
    }
    let ports = (("ports", raw.ports.as_ref()), ("notPorts", raw.not_ports.as_ref()));
    if let Some(field) = values::field(place, context, ports.0, ports.1, port, problems) {
        fields.push(OperationField::Ports(field));
        uses.port = true;
    }
    let methods = (("methods", raw.methods.as_ref()), ("notMethods", raw.not_methods.as_ref()));
    if let Some(field) =
        values::field(place, context, methods.0, methods.1, |value| http_method(context, value), problems)
    {
        fields.push(OperationField::Methods(field));
        uses.method = true;
    }
    let paths = (("paths", raw.paths.as_ref()), ("notPaths", raw.not_paths.as_ref()));
    if let Some(field) =
        values::field(place, context, paths.0, paths.1, |value| http_path(context, value), problems)
    {
        fields.push(OperationField::Paths(field));
        uses.path = true;
    }
    if let Some(calls) = &raw.grpc {
        fields.push(OperationField::Grpc(grpc::compile(&place.field("grpc"), context, calls, problems)));
        uses.path = true;
        uses.method = true;
        uses.headers = true;
    }
    if fields.is_empty() {
        problems.add(
            Code::EmptyOperation,
            place,
            "an empty operation",
            "name an operation (without `to` the rule matches EVERY operation)",
        );
    }
    // Paths and methods tell most rules apart, so they are matched first.
    fields.reverse();
    Operation { fields }
}

/// Reads a TCP port.
pub(super) fn port(value: &str) -> Result<u16, Wrong> {
    match value.parse::<u16>() {
        Ok(port) if value.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port),
        Ok(_) | Err(_) => wrong(
            Code::BadPort,
            format!("`{value}` is no port number"),
            "list each port as a number in quotes, such as `\"8080\"`; there are no ranges and no names",
        ),
    }
}

fn host(context: Context<'_>, value: &str) -> Result<HostMatcher, Wrong> {
    if !context.strict {
        return Ok(HostMatcher::Istio(Pattern::new(value)));
    }
    // Istio's idiom for "whatever the port": strict rules ignore the port anyway, unless they name one.
    let value = value.strip_suffix(":*").unwrap_or(value);
    let pattern = values::pattern(context, "host", value)?;
    match &pattern {
        Pattern::Any => Ok(HostMatcher::Strict { name: Pattern::Any, port: None }),
        Pattern::Exact(exact) => {
            let host = host::canonical(exact).or_else(|error| {
                wrong(Code::ImpossibleHost, format!("`{value}`: {error}"), host_help(value))
            })?;
            Ok(HostMatcher::Strict { name: Pattern::Exact(host.name.as_bytes().into()), port: host.port })
        }
        Pattern::Prefix(literal) | Pattern::Suffix(literal) => {
            let literal = String::from_utf8_lossy(literal).to_ascii_lowercase();
            let is_prefix = matches!(pattern, Pattern::Prefix(_));
            let sample = if is_prefix { format!("{literal}x") } else { format!("x{literal}") };
            if host::canonical(sample.as_bytes()).ok().is_none_or(|host| host.name != sample) {
                return wrong(
                    Code::ImpossibleHost,
                    format!("`{value}` could never match: it is no part of a host name"),
                    "with a `*`, write letters, digits, `-`, `_` and single dots, no dot at the outer end, and no port",
                );
            }
            let literal = literal.into_bytes().into();
            let name = if is_prefix { Pattern::Prefix(literal) } else { Pattern::Suffix(literal) };
            Ok(HostMatcher::Strict { name, port: None })
        }
    }
}

/// What to write instead of a host that is none.
fn host_help(value: &str) -> String {
    let plain = value.split_once("://").map_or(value, |(_, rest)| rest).split('/').next().unwrap_or_default();
    if plain != value && host::canonical(plain.as_bytes()).is_ok() {
        format!("a host has no scheme and no path: write `{plain}`")
    } else {
        "write as in `example.com` or `example.com:8443`".to_owned()
    }
}

fn http_method(context: Context<'_>, value: &str) -> Result<Pattern, Wrong> {
    let pattern = values::pattern(context, "method", value)?;
    if context.strict && pattern != Pattern::Any && !method::is_token(pattern.literal()) {
        let upper = value.trim().to_ascii_uppercase();
        let help = if upper.bytes().any(|byte| byte.is_ascii_whitespace()) {
            "a method is one word in upper case, such as `GET`".to_owned()
        } else {
            format!("methods are upper case: write `{upper}`")
        };
        return wrong(Code::BadMethod, format!("`{value}` is no HTTP method"), help);
    }
    Ok(pattern)
}

fn http_path(context: Context<'_>, value: &str) -> Result<PathMatcher, Wrong> {
    let named = |segment: &str| template::capture(segment).is_some();
    if Template::is_template(value) || (context.strict && value.split('/').any(named)) {
        let template =
            if context.strict { Template::with_captures(value) } else { Template::new(value, false) };
        let template = template
            .or_else(|(message, help)| wrong(Code::BadTemplate, format!("`{value}`: {message}"), help))?;
        if context.strict {
            let plain = |segment| if named(segment) { "x" } else { segment };
            let plain = value.split('/').map(plain).collect::<Vec<_>>().join("/");
            check_path(value, &plain.replace("{**}", "x").replace("{*}", "x"))?;
        }
        return Ok(PathMatcher::Template(template));
    }
    if value.contains(['{', '}']) {
        return wrong(
            Code::BadOperator,
            format!("`{value}`: the only operators are `{{*}}` and `{{**}}`, each a whole segment"),
            braces_help(value),
        );
    }
    let pattern = values::pattern(context, "path", value)
        .map_err(|wrong| Wrong { help: star_help(value).into(), ..wrong })?;
    if context.strict {
        match &pattern {
            Pattern::Any => {}
            Pattern::Exact(_) => check_path(value, value)?,
            Pattern::Prefix(prefix) => check_path(value, &format!("{}x", String::from_utf8_lossy(prefix)))?,
            Pattern::Suffix(suffix) => check_path(value, &format!("/x{}", String::from_utf8_lossy(suffix)))?,
        }
    }
    Ok(PathMatcher::Pattern(pattern))
}

/// A strict path that the one form of no request has could never match: that is a mistake, not a rule.
fn check_path(value: &str, sample: &str) -> Result<(), Wrong> {
    let canonical = path::canonical(sample.as_bytes());
    if looks_like_regex(value) && (canonical.is_err() || !value.starts_with(['/', '*'])) {
        let message = format!("`{value}` could never match: paths are no regular expressions");
        return wrong(Code::ImpossiblePath, message, NO_REGEX);
    }
    if !value.starts_with(['/', '*']) {
        let help = match value.strip_suffix('*') {
            // `orders*` would be `/orders-internal`, too.
            Some(start) if !start.is_empty() && !start.ends_with('/') => {
                format!(
                    "write `/{start}` and `/{start}/*`, or `/{value}`, which takes `/{start}-internal`, too"
                )
            }
            Some(_) | None => format!("write `/{value}`"),
        };
        let message = format!("`{value}` could never match: a path begins with `/`");
        return wrong(Code::ImpossiblePath, message, help);
    }
    match canonical {
        Ok(canonical) if canonical == sample => Ok(()),
        Ok(canonical) => {
            let help = if value.contains(['?', '#']) {
                format!("paths are matched without query: write `{canonical}`")
            } else {
                format!("write `{canonical}`")
            };
            wrong(Code::PathNotCanonical, format!("`{value}` is not how this path is matched"), help)
        }
        Err(error) => wrong(
            Code::ImpossiblePath,
            format!("`{value}` could never match: {error}"),
            "requests with such a path are refused before the rules; write the plain form",
        ),
    }
}

/// What to write instead of a regular expression.
const NO_REGEX: &str = "write `{*}` for one whole segment, whatever it is, or a `*` at the end for any rest";

/// The path with the operators that were meant, if that is one.
fn operators(value: &str, meant: impl Fn(usize, &str) -> Option<&'static str>) -> Option<String> {
    let segments: Vec<&str> =
        value.split('/').enumerate().map(|(at, segment)| meant(at, segment).unwrap_or(segment)).collect();
    let path = segments.join("/");
    let star_left = path.replace("{*}", "").replace("{**}", "").contains('*');
    (Template::is_template(&path) && !star_left && Template::new(&path, true).is_ok()).then_some(path)
}

/// What to write instead of names in braces.
fn braces_help(value: &str) -> String {
    let named = |_, segment: &str| (segment.starts_with('{') && segment.ends_with('}')).then_some("{*}");
    operators(value, named).map_or_else(
        || "write `{*}` for one whole segment, `{**}` for any rest".to_owned(),
        |path| format!("write `{path}`: `{{*}}` is any one segment"),
    )
}

/// What to write instead of stars in the middle.
fn star_help(value: &str) -> String {
    let last = value.matches('/').count();
    let star = |at, segment: &str| match segment {
        "**" => Some("{**}"),
        "*" if at == last => Some("{**}"),
        "*" => Some("{*}"),
        _ => None,
    };
    operators(value, star).map_or_else(
        || {
            "list each path; `{*}` is one whole segment, `{**}` any rest, and a `*` may stand at one end"
                .to_owned()
        },
        |path| format!("write `{path}`"),
    )
}

/// Whether a path that no request has is meant as a regular expression.
fn looks_like_regex(value: &str) -> bool {
    value.starts_with('^') || value.contains(['\\', '[', '|']) || value.contains(".*")
}
