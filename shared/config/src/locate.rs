//! Where in a JSON text an offset lies, as a path.
//!
//! serde_json says at which line and column it stood when it found a problem; the path is what people need. A second pass over the
//! text up to that place finds it, and costs nothing when there is no problem. (A library that wraps every deserializer to keep
//! the path costs 40 KiB of module, a tenth of the whole.)

use std::borrow::Cow;

/// The path of the value or key that ends at or before `line` and `column` (both from 1, in bytes), such as `spec.rules[1].to`.
pub(crate) fn path_at(json: &str, line: usize, column: usize) -> String {
    let before_line: usize =
        json.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).fold(0, usize::saturating_add);
    let end = before_line.saturating_add(column).min(json.len());
    let mut scan = Scan::default();
    let mut bytes = json.as_bytes().get(..end).unwrap_or_default();
    while let Some((byte, rest)) = bytes.split_first() {
        bytes = match *byte {
            b'"' => {
                let (text, rest) = string(rest);
                scan.string(text);
                rest
            }
            other => {
                scan.token(other);
                rest
            }
        };
    }
    scan.path()
}

/// What was entered and not yet left.
#[derive(Default)]
struct Scan<'a> {
    inside: Vec<Inside<'a>>,
}

enum Inside<'a> {
    Object { key: &'a [u8], wants_key: bool },
    Array { index: usize },
}

impl<'a> Scan<'a> {
    fn string(&mut self, text: &'a [u8]) {
        if let Some(Inside::Object { key, wants_key: true }) = self.inside.last_mut() {
            *key = text;
        }
    }

    fn token(&mut self, byte: u8) {
        match (byte, self.inside.last_mut()) {
            (b'{', _) => self.inside.push(Inside::Object { key: b"", wants_key: true }),
            (b'[', _) => self.inside.push(Inside::Array { index: 0 }),
            (b'}' | b']', _) => {
                self.inside.pop();
            }
            (b':', Some(Inside::Object { wants_key, .. })) => *wants_key = false,
            (b',', Some(Inside::Object { key, wants_key })) => (*key, *wants_key) = (b"", true),
            (b',', Some(Inside::Array { index })) => *index = index.saturating_add(1),
            _ => {}
        }
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for inside in &self.inside {
            match inside {
                Inside::Object { key: b"", .. } => {}
                Inside::Object { key, .. } => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&name(key));
                }
                Inside::Array { index } => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }
}

/// A key as it is meant; as it is written where the text ends in it.
fn name(key: &[u8]) -> Cow<'_, str> {
    let written = String::from_utf8_lossy(key);
    if !key.contains(&b'\\') {
        return written;
    }
    serde_json::from_str(&format!("\"{written}\"")).map_or(written, Cow::Owned)
}

/// The text of a string and what comes after it, seen from behind its opening quote.
fn string(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut escaped = false;
    let close = bytes.iter().position(|byte| {
        let closes = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        closes
    });
    match close.and_then(|at| bytes.split_at_checked(at)) {
        Some((text, rest)) => (text, rest.get(1..).unwrap_or_default()),
        None => (bytes, b""),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    const JSON: &str = "{\"a\": [1, {\"b\\\"c\": \"x,{\", \"d\":\n  [[2],3]}], \"e\": {\"f\": 4}}";

    #[track_caller]
    fn check(up_to: &str, expected: &str) {
        let end = JSON.find(up_to).unwrap_or_default() + up_to.len();
        let before = JSON.get(..end).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1);
        assert_eq!(path_at(JSON, line, column), expected, "up to {up_to}");
    }

    #[test]
    fn a_place_is_named_by_the_keys_and_indices_around_it() {
        check("{\"a\"", "a");
        check("[1", "a[0]");
        check("b\\\"c\"", "a[1].b\"c");
        check("x,{", "a[1].b\"c");
        check("\"d\"", "a[1].d");
        check("[[2", "a[1].d[0][0]");
        check("],3", "a[1].d[1]");
        check("\"f\": 4", "e.f");
        check("4}", "e");
        check("4}}", "");
    }

    #[test]
    fn a_place_outside_the_text_is_its_end() {
        assert_eq!(path_at("[1, 2", 9, 9), "[1]");
        assert_eq!(path_at("", 0, 0), "");
    }
}
