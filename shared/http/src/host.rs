//! The host of `:authority`: one canonical form, or a refusal.

use core::net::Ipv6Addr;
use std::borrow::Cow;

/// The longest `:authority` that is read, in bytes, port included (a DNS name has at most 253).
pub const MAX_BYTES: usize = 255;

/// The canonical host of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host<'a> {
    /// The name in lower case without its trailing dot; an IPv6 address in brackets, in the form of RFC 5952.
    pub name: Cow<'a, str>,
    /// The port, if one is written.
    pub port: Option<u16>,
}

/// Why a host cannot be read in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HostRefusal {
    /// No host, or nothing but a port or a dot.
    #[error("the host is empty")]
    Empty,
    /// Over [`MAX_BYTES`].
    #[error("the host is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// A byte of 0x80 or above. Nothing is mapped: two names that look alike are not one name.
    #[error("the host holds a byte that is not ASCII; an international name is written in its `xn--` form")]
    NotAscii,
    /// A byte below 0x21, or 0x7f.
    #[error("the host holds a space or a control byte")]
    ControlOrSpace,
    /// `user@host`.
    #[error("the host holds `@`; a user is never part of it")]
    UserInfo,
    /// A percent escape, or the zone of an IPv6 address.
    #[error("the host holds `%`")]
    Percent,
    /// Anything else that is neither letter, digit, `-`, `_` nor `.`.
    #[error("the host holds `{c}`", c = char::from(*.0))]
    Character(u8),
    /// `a..b`, `.a`, or two trailing dots.
    #[error("the host holds an empty label")]
    EmptyLabel,
    /// Brackets without an IPv6 address.
    #[error("what stands in brackets is not an IPv6 address")]
    Address,
    /// Not a number from 1 to 65535, or a leading zero, or a `:` without a port.
    #[error(
        "the port must be a number from 1 to 65535 without leading zeros; an IPv6 address stands in brackets"
    )]
    Port,
}

/// The canonical form of `:authority` (RFC 9110 §7.2: host and optional port).
///
/// Letters become lower case (RFC 3986 §3.2.2) and one trailing dot goes; a host in that form costs no allocation. What is
/// neither a name of letters, digits, `-`, `_` and `.` nor an IPv6 address in brackets is refused. Numbers are names: `127.1`
/// is not read as an IPv4 address.
///
/// ```
/// use meshward_http::host::{HostRefusal, canonical};
/// let host = canonical(b"Secret.com.:8443").unwrap();
/// assert_eq!((host.name.as_ref(), host.port), ("secret.com", Some(8443)));
/// assert_eq!(canonical(b"[0:0::1]").unwrap().name, "[::1]");
/// assert_eq!(canonical(b"good@evil"), Err(HostRefusal::UserInfo));
/// ```
///
/// # Errors
/// [`HostRefusal`] names the first cause found.
pub fn canonical(raw: &[u8]) -> Result<Host<'_>, HostRefusal> {
    if raw.len() > MAX_BYTES {
        return Err(HostRefusal::TooLong);
    }
    if let Some(bracketed) = raw.strip_prefix(b"[") {
        return address(bracketed);
    }
    let colon = raw.iter().position(|byte| *byte == b':').unwrap_or(raw.len());
    let (name, after) = raw.split_at(colon);
    let name = name_of(name)?;
    let port = if after.is_empty() { None } else { Some(port(after)?) };
    Ok(Host { name, port })
}

fn name_of(raw: &[u8]) -> Result<Cow<'_, str>, HostRefusal> {
    let raw = raw.strip_suffix(b".").unwrap_or(raw);
    if raw.is_empty() {
        return Err(HostRefusal::Empty);
    }
    let mut lower = true;
    let mut previous = b'.';
    for byte in raw.iter().copied() {
        match byte {
            b'.' if previous == b'.' => return Err(HostRefusal::EmptyLabel),
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {}
            b'A'..=b'Z' => lower = false,
            b'@' => return Err(HostRefusal::UserInfo),
            b'%' => return Err(HostRefusal::Percent),
            0..=b' ' | 0x7f => return Err(HostRefusal::ControlOrSpace),
            0x80.. => return Err(HostRefusal::NotAscii),
            _ => return Err(HostRefusal::Character(byte)),
        }
        previous = byte;
    }
    if previous == b'.' {
        return Err(HostRefusal::EmptyLabel);
    }
    let text = core::str::from_utf8(raw).map_err(|_| HostRefusal::NotAscii)?;
    Ok(if lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_ascii_lowercase()) })
}

/// An IPv6 address, seen from behind its `[`.
fn address(bracketed: &[u8]) -> Result<Host<'_>, HostRefusal> {
    let end = bracketed.iter().position(|byte| *byte == b']').ok_or(HostRefusal::Address)?;
    let (text, after) = bracketed.split_at(end);
    if text.contains(&b'%') {
        return Err(HostRefusal::Percent);
    }
    let address: Ipv6Addr =
        core::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(HostRefusal::Address)?;
    let port = match after.strip_prefix(b"]").unwrap_or_default() {
        b"" => None,
        after => Some(port(after)?),
    };
    Ok(Host { name: Cow::Owned(format!("[{address}]")), port })
}

/// A port, with its `:`.
fn port(raw: &[u8]) -> Result<u16, HostRefusal> {
    let digits = raw.strip_prefix(b":").ok_or(HostRefusal::Port)?;
    if matches!(digits.first(), None | Some(b'0')) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(HostRefusal::Port);
    }
    core::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).ok_or(HostRefusal::Port)
}

#[cfg(test)]
#[path = "host_tests.rs"]
mod tests;
