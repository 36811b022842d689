//! The parameters of a query: what a name has for a value, in every reading of it.
//!
//! There is no standard that all follow. The URL standard (application/x-www-form-urlencoded) splits at `&`, makes a space of `+`
//! and decodes once; RFC 3986 knows no parameters; some split at `;`; of a name that stands twice, one takes the first, one the
//! last, one joins them. Where that makes a difference the readings differ, and a strict rule says maybe.

use std::borrow::Cow;

use crate::reading::{Named, Reading, Readings, decoded, named};

/// The longest query that is read, in bytes.
pub const MAX_BYTES: usize = 8192;

/// What the parameter `name` is in `path`, which is `:path` with its query.
///
/// ```
/// use meshward_reading::query;
/// assert_eq!(query::parameter(b"/a?size=%31%30&x=1", "size").one(), Some("10"));
/// assert_eq!(query::parameter(b"/a?size=1&size=2", "size").one(), None);
/// ```
pub fn parameter<'r>(path: &'r [u8], name: &str) -> Readings<'r> {
    let mut parts = path.splitn(2, |byte| *byte == b'?');
    let Some(query) = parts.nth(1) else { return Readings::only(Reading::Absent) };
    if query.len() > MAX_BYTES || path.contains(&b'#') {
        return Readings::only(Reading::Unclear);
    }
    let mut readings = Readings::default();
    read(query, b"&", name, &mut readings);
    if query.contains(&b';') {
        read(query, b"&;", name, &mut readings);
    }
    readings
}

/// Adds what the parameter is where pairs end at one of `separators`.
fn read<'r>(query: &'r [u8], separators: &[u8], name: &str, readings: &mut Readings<'r>) {
    let mut values: Vec<Reading<'r>> = Vec::new();
    let mut is_there = false;
    for pair in query.split(|byte| separators.contains(byte)) {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let key = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        match named(key, name) {
            Named::No => {}
            Named::ForSome => readings.add(Reading::Unclear),
            Named::Yes => {
                is_there = true;
                let reading = decoded(value);
                if value.contains(&b'+') {
                    readings.add(spaced(value));
                }
                readings.add(reading.clone());
                values.push(reading);
            }
        }
    }
    if !is_there {
        readings.add(Reading::Absent);
    }
    if values.len() > 1 {
        let texts = values.iter().map(|value| match value {
            Reading::Text(text) => Some(&**text),
            Reading::Absent | Reading::Unclear => None,
        });
        let joined = texts.collect::<Option<Vec<_>>>().map(|texts| texts.join(","));
        readings.add(joined.map_or(Reading::Unclear, |joined| Reading::Text(Cow::Owned(joined))));
    }
}

/// The value for those who make a space of `+`.
pub(crate) fn spaced(value: &[u8]) -> Reading<'static> {
    let value: Vec<u8> = value.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    match decoded(&value) {
        Reading::Text(text) => Reading::Text(Cow::Owned(text.into_owned())),
        Reading::Absent | Reading::Unclear => Reading::Unclear,
    }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
