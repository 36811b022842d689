//! What Envoy checks of headers that leave the filter chain (`source/common/http/header_utility.cc`,
//! `checkRequiredRequestHeaders`, `checkValidRequestHeaders`, `checkRequiredResponseHeaders`).

use crate::header_map::HeaderMap;
use crate::stream::Way;
use crate::vm::Reply;

/// The reply in place of headers that must not leave, when there is something wrong with them.
pub(crate) fn reply_to(headers: &HeaderMap, way: Way) -> Option<Reply> {
    let (status, what, problem) = match way {
        Way::Request => (503, "request", request(headers)?),
        Way::Response => (502, "response", missing(headers, ":status")?),
    };
    let details = format!("filter_removed_required_{what}_headers{{{}}}", problem.replace(' ', "_"));
    Some(Reply { status, body: problem.into_bytes(), headers: Vec::new(), grpc_status: None, details })
}

fn request(headers: &HeaderMap) -> Option<String> {
    let target = if headers.get(b":method") == Some(b"CONNECT") { ":authority" } else { ":path" };
    missing(headers, ":method").or_else(|| missing(headers, target)).or_else(|| invalid(headers))
}

fn missing(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name.as_bytes()).is_none().then(|| format!("missing required header: {name}"))
}

fn invalid(headers: &HeaderMap) -> Option<String> {
    headers.entries().iter().find_map(|(name, value)| {
        let shown = String::from_utf8_lossy(name);
        if !is_name(name) {
            Some(format!("invalid header name: {shown}"))
        } else if !value.iter().all(|byte| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)) {
            Some(format!("invalid header value for: {shown}"))
        } else {
            None
        }
    })
}

/// A token of RFC 9110 in lower case, with a colon before it for pseudo headers.
fn is_name(name: &[u8]) -> bool {
    let token = name.strip_prefix(b":").unwrap_or(name);
    let known =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(byte);
    !token.is_empty() && token.iter().all(known)
}
