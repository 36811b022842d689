//! Cookies: what a name has for a value, in every reading of it.
//!
//! RFC 6265 §5.4 writes `name=value` with `; ` between. Readers differ in what quotes mean (RFC 2109 lets them hold a `;`), whether a
//! comma parts cookies, whether values are percent-decoded, which of two cookies of one name they take, and whether they look at a
//! second `cookie` line. Where that makes a difference the readings differ, and a strict rule says maybe.

use crate::query::spaced;
use crate::reading::{Named, Reading, Readings, decoded, has_escape, named};

/// The longest that all `cookie` lines may be together, in bytes.
pub const MAX_BYTES: usize = 16_384;

/// What the cookie `name` is in `lines`, the values of the header `cookie`.
///
/// ```
/// use meshward_reading::cookie;
/// let line: &[u8] = b"theme=dark; tier=gold";
/// assert_eq!(cookie::value([line], "tier").one(), Some("gold"));
/// assert_eq!(cookie::value([line, b"tier=free"], "tier").one(), None);
/// ```
pub fn value<'r>(lines: impl IntoIterator<Item = &'r [u8]>, name: &str) -> Readings<'r> {
    let mut readings = Readings::default();
    let mut length = 0_usize;
    let mut is_there = false;
    for line in lines {
        is_there = true;
        length = length.saturating_add(line.len());
        if length > MAX_BYTES {
            readings.add(Reading::Unclear);
            break;
        }
        if line.contains(&b'"') && line.contains(&b'\\') {
            // Whether `\"` ends a quoted value is another question that readers answer in two ways.
            readings.add(Reading::Unclear);
        }
        for comma in [false, true] {
            for quotes in [false, true] {
                if (!comma || line.contains(&b',')) && (!quotes || line.contains(&b'"')) {
                    read(line, Dialect { comma, quotes }, name, &mut readings);
                }
            }
        }
    }
    if !is_there {
        readings.add(Reading::Absent);
    }
    readings
}

/// How a line is taken apart.
#[derive(Clone, Copy)]
struct Dialect {
    /// A comma parts cookies, too.
    comma: bool,
    /// Nothing parts cookies between quotes.
    quotes: bool,
}

fn read<'r>(line: &'r [u8], dialect: Dialect, name: &str, readings: &mut Readings<'r>) {
    let mut is_quoted = false;
    let mut is_there = false;
    let pieces = line.split(|byte| match byte {
        b'"' if dialect.quotes => {
            is_quoted = !is_quoted;
            false
        }
        b';' => !is_quoted,
        b',' => dialect.comma && !is_quoted,
        _ => false,
    });
    for piece in pieces {
        let mut parts = piece.splitn(2, |byte| *byte == b'=');
        let key = parts.next().unwrap_or_default().trim_ascii();
        match (named(key, name), parts.next()) {
            (Named::No, _) => {}
            (Named::Yes, Some(value)) if !has_escape(key) => {
                is_there = true;
                add(value.trim_ascii(), readings);
            }
            // A name with escapes, one that is only alike, or one without `=`.
            (Named::Yes | Named::ForSome, _) => readings.add(Reading::Unclear),
        }
    }
    if !is_there {
        readings.add(Reading::Absent);
    }
}

/// Adds what a value is: with and without the quotes around it, decoded and not.
fn add<'r>(value: &'r [u8], readings: &mut Readings<'r>) {
    match value {
        [b'"', inner @ .., b'"'] => add_plain(inner, readings),
        // Half a pair: some take it away.
        [b'"', ..] | [.., b'"'] => readings.add(Reading::Unclear),
        _ => {}
    }
    add_plain(value, readings);
}

fn add_plain<'r>(value: &'r [u8], readings: &mut Readings<'r>) {
    readings.add_bytes(value);
    if value.contains(&b'\\') {
        readings.add(Reading::Unclear);
    }
    if has_escape(value) {
        readings.add(decoded(value));
    }
    if value.contains(&b'+') {
        readings.add(spaced(value));
    }
}

#[cfg(test)]
#[path = "cookie_tests.rs"]
mod tests;
