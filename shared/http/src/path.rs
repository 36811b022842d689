//! The request path: one canonical form, or a refusal.

use std::borrow::Cow;

use crate::path::Spelling::{Canonical, Other};

/// The longest path that is read, in bytes, query excluded. RFC 9110 §4.1 asks for at least 8,000.
pub const MAX_BYTES: usize = 8192;

/// Why a path cannot be read in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathRefusal {
    /// Empty, absolute form, authority form, or gRPC's path without its slash.
    #[error("the path does not begin with `/`")]
    NoLeadingSlash,
    /// Over [`MAX_BYTES`].
    #[error("the path is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// A byte below 0x21, or 0x7f.
    #[error("the path holds a space or a control byte; a space is written `%20`")]
    ControlOrSpace,
    /// A byte of 0x80 or above.
    #[error("the path holds a byte that is not ASCII; write it percent-encoded")]
    NotAscii,
    /// `#` before any `?`.
    #[error("the path holds `#`; a fragment is never sent")]
    Fragment,
    /// `\`, which some read as `/`.
    #[error("the path holds a backslash")]
    Backslash,
    /// `;`, from which some cut the rest of the segment.
    #[error("the path holds `;`")]
    Semicolon,
    /// `%` without two hex digits.
    #[error("the path holds a `%` without two hex digits after it; a percent sign is written `%25`")]
    MalformedEscape,
    /// `%2F`.
    #[error("the path holds an encoded slash")]
    EncodedSlash,
    /// `%5C`.
    #[error("the path holds an encoded backslash")]
    EncodedBackslash,
    /// `%2E`.
    #[error("the path holds an encoded dot; write `.`")]
    EncodedDot,
    /// `%3B`.
    #[error("the path holds an encoded `;`")]
    EncodedSemicolon,
    /// `%3F`.
    #[error("the path holds an encoded `?`")]
    EncodedQuestionMark,
    /// `%23`.
    #[error("the path holds an encoded `#`")]
    EncodedHash,
    /// `%00` to `%1F`, `%7F`.
    #[error("the path holds an encoded control byte")]
    EncodedControl,
    /// `%25` and two hex digits: one decoding gives another escape.
    #[error("the path is percent-encoded twice")]
    DoubleEncoding,
    /// An escape of a letter, a digit, `-`, `_` or `~`.
    #[error("the path holds `%{0:02X}`; write `{c}` instead", c = char::from(*.0))]
    EncodedUnreserved(u8),
    /// The escapes are an overlong UTF-8 sequence, such as `%C0%AF`: some decode it to ASCII, where RFC 3629 forbids it.
    #[error("the path holds an overlong UTF-8 sequence")]
    OverlongUtf8,
    /// `//`.
    #[error("the path holds an empty segment")]
    EmptySegment,
    /// A segment `.` or `..`.
    #[error("the path holds a segment `.` or `..`")]
    DotSegment,
}

/// The canonical form of `:path`, without its query.
///
/// The query is cut at the first `?` and not looked at. What is left is refused where two readers might disagree (see
/// [`PathRefusal`]), and has exactly one spelling where not: two paths that are accepted have the same canonical form exactly
/// if they percent-decode to the same bytes.
///
/// - A byte that may stand for itself does: `%3A` becomes `:` and `%40` becomes `@`, since clients write either and services
///   read both alike; else a rule on `/keys:destroy` would not see `/keys%3Adestroy`.
/// - A letter, a digit, `-`, `_`, `~` or `.` in disguise (`%41`) is refused: no ordinary client does that.
/// - Space, `%` and what is not ASCII stay escapes, with upper-case hex digits: `%c3%a9` becomes `%C3%A9`.
///
/// A policy must be written in that form: what `canonical` would rewrite can never match. Nothing is case-folded, and no
/// compatibility characters are mapped (the full-width `／` is no slash). A path in canonical form costs no allocation.
///
/// ```
/// use meshward_http::path::{PathRefusal, canonical};
/// assert_eq!(canonical(b"/caf%c3%a9/a%3ab?x=/../y").unwrap(), "/caf%C3%A9/a:b");
/// assert_eq!(canonical(b"/public/%2e%2e/admin"), Err(PathRefusal::EncodedDot));
/// ```
///
/// # Errors
/// [`PathRefusal`] names the first cause found.
pub fn canonical(raw: &[u8]) -> Result<Cow<'_, str>, PathRefusal> {
    let path = before(raw, |byte| byte == b'?');
    match check(path)? {
        Canonical => core::str::from_utf8(path).map(Cow::Borrowed).map_err(|_| PathRefusal::NotAscii),
        Other => Ok(Cow::Owned(respell(path))),
    }
}

/// As [`canonical`], but lets `*` pass where the method is `OPTIONS` (RFC 9112 §3.2.4, the asterisk form).
///
/// # Errors
/// As [`canonical`].
pub fn canonical_for<'a>(method: &[u8], raw: &'a [u8]) -> Result<Cow<'a, str>, PathRefusal> {
    if raw == b"*" && method == b"OPTIONS" { Ok(Cow::Borrowed("*")) } else { canonical(raw) }
}

/// `:path` up to the first `?` or `#`: Envoy's `url_path`, on which Istio's path rules match. Nothing is refused.
pub fn without_query(raw: &[u8]) -> &[u8] {
    before(raw, |byte| byte == b'?' || byte == b'#')
}

fn before(raw: &[u8], ends: impl Fn(u8) -> bool) -> &[u8] {
    let end = raw.iter().position(|byte| ends(*byte)).unwrap_or(raw.len());
    raw.get(..end).unwrap_or(raw)
}

/// Whether an accepted path already is in its canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Canonical,
    Other,
}

/// What of a segment was seen so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment {
    Empty,
    Dot,
    DotDot,
    Name,
}

/// One pass over the path: refuses, or says whether it must be respelled.
fn check(path: &[u8]) -> Result<Spelling, PathRefusal> {
    let mut rest = path.strip_prefix(b"/").ok_or(PathRefusal::NoLeadingSlash)?;
    if path.len() > MAX_BYTES {
        return Err(PathRefusal::TooLong);
    }
    let mut spelling = Canonical;
    let mut segment = Segment::Empty;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        segment = match *byte {
            b'/' => match segment {
                Segment::Empty => return Err(PathRefusal::EmptySegment),
                Segment::Dot | Segment::DotDot => return Err(PathRefusal::DotSegment),
                Segment::Name => Segment::Empty,
            },
            b'.' => match segment {
                Segment::Empty => Segment::Dot,
                Segment::Dot => Segment::DotDot,
                Segment::DotDot | Segment::Name => Segment::Name,
            },
            b'%' => {
                let escape = Escape::read(tail).ok_or(PathRefusal::MalformedEscape)?;
                escape.check()?;
                if !escape.is_canonical() {
                    spelling = Other;
                }
                rest = escape.rest;
                Segment::Name
            }
            b'\\' => return Err(PathRefusal::Backslash),
            b';' => return Err(PathRefusal::Semicolon),
            b'#' => return Err(PathRefusal::Fragment),
            0..=b' ' | 0x7f => return Err(PathRefusal::ControlOrSpace),
            0x80.. => return Err(PathRefusal::NotAscii),
            _ => Segment::Name,
        };
    }
    match segment {
        Segment::Dot | Segment::DotDot => Err(PathRefusal::DotSegment),
        Segment::Empty | Segment::Name => Ok(spelling),
    }
}

/// Writes a checked path in its canonical form.
fn respell(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, tail)) = rest.split_first() {
        rest = tail;
        text.push(char::from(*byte));
        if *byte == b'%'
            && let Some(escape) = Escape::read(tail)
        {
            rest = escape.rest;
            if stands_for_itself(escape.byte) {
                text.pop();
                text.push(char::from(escape.byte));
            } else {
                text.extend(escape.digits.map(|digit| char::from(digit.to_ascii_uppercase())));
            }
        }
    }
    text
}

/// One percent escape, seen from behind its `%`.
struct Escape<'a> {
    digits: [u8; 2],
    byte: u8,
    rest: &'a [u8],
}

impl<'a> Escape<'a> {
    fn read(after_percent: &'a [u8]) -> Option<Self> {
        let (digits, rest) = after_percent.split_first_chunk::<2>()?;
        let [high, low] =
            digits.map(|digit| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()));
        Some(Self { digits: *digits, byte: (high? << 4) | low?, rest })
    }

    fn check(&self) -> Result<(), PathRefusal> {
        match self.byte {
            b'/' => Err(PathRefusal::EncodedSlash),
            b'\\' => Err(PathRefusal::EncodedBackslash),
            b'.' => Err(PathRefusal::EncodedDot),
            b';' => Err(PathRefusal::EncodedSemicolon),
            b'?' => Err(PathRefusal::EncodedQuestionMark),
            b'#' => Err(PathRefusal::EncodedHash),
            b'%' if Self::read(self.rest).is_some() => Err(PathRefusal::DoubleEncoding),
            0..=0x1f | 0x7f => Err(PathRefusal::EncodedControl),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                Err(PathRefusal::EncodedUnreserved(self.byte))
            }
            0x80.. if self.is_overlong() => Err(PathRefusal::OverlongUtf8),
            _ => Ok(()),
        }
    }

    fn is_canonical(&self) -> bool {
        !stands_for_itself(self.byte) && !self.digits.iter().any(u8::is_ascii_lowercase)
    }

    /// Whether this escape and the next begin a sequence that spells a character in more bytes than it needs.
    fn is_overlong(&self) -> bool {
        let next = self.rest.strip_prefix(b"%").and_then(Self::read).map(|next| next.byte);
        matches!(
            (self.byte, next),
            (0xc0 | 0xc1, Some(0x80..=0xbf))
                | (0xe0, Some(0x80..=0x9f))
                | (0xf0, Some(0x80..=0x8f))
                | (0xf8, Some(0x80..=0x87))
                | (0xfc, Some(0x80..=0x83))
        )
    }
}

/// Whether the canonical form of a path holds this byte raw.
const fn stands_for_itself(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'%'
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
#[path = "path_traversal_tests.rs"]
mod traversal_tests;
