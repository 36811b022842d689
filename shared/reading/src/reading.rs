//! What a part of a request may mean: one reading where all readers agree, more where they do not.

use std::borrow::Cow;

/// What one reader makes of a parameter, a cookie or a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading<'r> {
    /// It is not there.
    Absent,
    /// It is this.
    Text(Cow<'r, str>),
    /// It is there, and could be anything: not UTF-8, broken or doubled escapes, control characters, a name that some take for this one.
    Unclear,
}

/// Every plausible reading, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Readings<'r>(Vec<Reading<'r>>);

/// The most readings that are told apart; what has more is unclear, too.
const MAX_READINGS: usize = 16;

impl<'r> Readings<'r> {
    /// This and no other.
    pub fn only(reading: Reading<'r>) -> Self {
        Self(vec![reading])
    }

    /// Adds a reading, unless it is there.
    pub fn add(&mut self, reading: Reading<'r>) {
        if self.0.contains(&reading) {
            return;
        }
        let reading = if self.0.len() < MAX_READINGS { reading } else { Reading::Unclear };
        if self.0.len() <= MAX_READINGS {
            self.0.push(reading);
        }
    }

    /// Adds bytes as a text, unclear where they are none.
    pub fn add_bytes(&mut self, bytes: &'r [u8]) {
        self.add(core::str::from_utf8(bytes).map_or(Reading::Unclear, |text| text_of(Cow::Borrowed(text))));
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> core::slice::Iter<'_, Reading<'r>> {
        self.0.iter()
    }

    /// The one text that it is, for every reader; an empty one says nothing.
    pub fn one(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Reading::Text(text)] if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

/// A text without control characters: some readers end at one, some drop it.
fn text_of(text: Cow<'_, str>) -> Reading<'_> {
    if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        Reading::Unclear
    } else {
        Reading::Text(text)
    }
}

/// What an escaped value is, decoded once. Where the result still holds escapes, or the escapes are broken, nobody knows.
pub fn decoded(bytes: &[u8]) -> Reading<'_> {
    if !bytes.contains(&b'%') {
        return core::str::from_utf8(bytes).map_or(Reading::Unclear, |text| text_of(Cow::Borrowed(text)));
    }
    let text = unescape(bytes).filter(|text| !has_escape(text)).and_then(|text| String::from_utf8(text).ok());
    text.map_or(Reading::Unclear, |text| text_of(Cow::Owned(text)))
}

/// Decodes percent escapes once; `None` where one is broken.
pub(crate) fn unescape(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        text.push(match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                rest = after;
                hex(*high)?.checked_mul(16)?.checked_add(hex(*low)?)?
            }
            (b'%', _) => return None,
            (other, _) => *other,
        });
    }
    Some(text)
}

/// Whether there is a percent escape in it.
pub(crate) fn has_escape(bytes: &[u8]) -> bool {
    bytes.windows(3).any(
        |three| matches!(three, [b'%', high, low] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()),
    )
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => digit.checked_sub(b'0'),
        b'a'..=b'f' => digit.checked_sub(b'a')?.checked_add(10),
        b'A'..=b'F' => digit.checked_sub(b'A')?.checked_add(10),
        _ => None,
    }
}

/// Whether a name in a request is the one that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    /// For no reader.
    No,
    /// For some readers.
    ForSome,
    /// For every reader.
    Yes,
}

/// How often a name is decoded, to see whether somebody would take it for the one that is asked for.
const MAX_DECODINGS: usize = 3;

/// Whether `raw`, a name with escapes, is `name`.
///
/// Some readers take names for the same that differ in letter case (ASP.NET), that have `.`, a space or `[` where the other has `_`
/// (PHP), that go on with `[` (PHP, Rails, qs), that are decoded twice, or that are the same up to a NUL.
pub(crate) fn named(raw: &[u8], name: &str) -> Named {
    let mut text: Cow<'_, [u8]> = Cow::Borrowed(raw);
    for decoding in 0..=MAX_DECODINGS {
        if decoding <= 1 && *text == *name.as_bytes() && !raw.contains(&b'+') {
            return Named::Yes;
        }
        if is_alike(&text, name.as_bytes()) {
            return Named::ForSome;
        }
        match unescape(&text) {
            Some(_) if !has_escape(&text) => return Named::No,
            Some(next) => text = Cow::Owned(next),
            None => return Named::ForSome,
        }
    }
    Named::ForSome
}

fn is_alike(text: &[u8], name: &[u8]) -> bool {
    let text = text.trim_ascii_start();
    let text = text.split(u8::is_ascii_control).next().unwrap_or_default();
    match text.split_at_checked(name.len()) {
        Some((same, rest)) => {
            (rest.is_empty() || rest.first() == Some(&b'['))
                && same.iter().zip(name).all(|(one, other)| folded(*one) == folded(*other))
        }
        None => false,
    }
}

const fn folded(byte: u8) -> u8 {
    match byte {
        b'.' | b' ' | b'+' | b'[' => b'_',
        other => other.to_ascii_lowercase(),
    }
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
