//! `:authority`, as bytes; and the method, of the same bytes.

use core::net::Ipv6Addr;
use std::borrow::Cow;

use meshward_http::host::{Host, MAX_BYTES, canonical};
use meshward_http::merged::may_be_merged;
use meshward_http::method::is_token;

/// Holds one input to the properties.
pub fn body(bytes: &[u8]) {
    let read = canonical(bytes);
    let expected = expected(bytes);
    assert_eq!(
        read.as_ref().ok().map(|host| (host.name.to_string(), host.port)),
        expected,
        "{}",
        bytes.escape_ascii()
    );
    if let Ok(host) = read {
        is_canonical(&host);
        let loud = bytes.to_ascii_uppercase();
        assert_eq!(
            canonical(&loud).ok(),
            Some(host),
            "letter case tells hosts apart: {}",
            bytes.escape_ascii()
        );
    }
    let known = bytes
        .iter()
        .all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_lowercase() && !is_delimiter(*byte));
    assert_eq!(is_token(bytes), known && !bytes.is_empty(), "{}", bytes.escape_ascii());
    assert!(!may_be_merged(bytes) || !bytes.iter().any(u8::is_ascii_uppercase));
}

/// The delimiters of RFC 9110 §5.6.2, which no token holds.
const fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'"' | b'('
            | b')'
            | b','
            | b'/'
            | b':'
            | b';'
            | b'<'
            | b'='
            | b'>'
            | b'?'
            | b'@'
            | b'['
            | b'\\'
            | b']'
            | b'{'
            | b'}'
    )
}

fn is_canonical(host: &Host<'_>) {
    let Host { name, port } = host;
    assert!(
        !name.is_empty() && name.is_ascii() && !name.bytes().any(|byte| byte.is_ascii_uppercase()),
        "{name}"
    );
    assert!(!name.starts_with('.') && !name.ends_with('.') && !name.contains(".."), "{name}");
    assert_ne!(*port, Some(0));
    let written = port.map_or_else(|| name.to_string(), |port| format!("{name}:{port}"));
    assert_eq!(canonical(written.as_bytes()).ok().as_ref(), Some(host), "what is written is not read again");
    if !name.starts_with('[') {
        let again = canonical(name.as_bytes()).map(|again| again.name);
        assert!(matches!(again, Ok(Cow::Borrowed(_))), "a canonical name is written anew: {name}");
    }
}

/// The rules again: what is cut off, what is left, what it is made of.
fn expected(raw: &[u8]) -> Option<(String, Option<u16>)> {
    let text = core::str::from_utf8(raw).ok().filter(|text| text.len() <= MAX_BYTES)?;
    if let Some(inner) = text.strip_prefix('[') {
        let (address, after) = inner.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        return Some((format!("[{address}]"), port(after)?));
    }
    let (name, after) = text.find(':').and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    name.split('.').all(is_label).then(|| Some((name.to_ascii_lowercase(), port(after)?)))?
}

/// What stands behind the name: nothing, or `:` and a port as people write one.
fn port(after: &str) -> Option<Option<u16>> {
    let Some(digits) = after.strip_prefix(':') else { return after.is_empty().then_some(None) };
    let port: u16 = digits.parse().ok().filter(|port| *port != 0)?;
    (port.to_string() == digits).then_some(Some(port))
}
