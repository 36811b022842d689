//! JSON, written field by field into a string: smaller in a module than a derived serializer for each kind of record.

use core::fmt::Write;

/// An object that is being written; it is closed when it is dropped. Names are ours and need no escaping.
pub(crate) struct Object<'a> {
    out: &'a mut String,
    is_empty: bool,
}

impl<'a> Object<'a> {
    /// Opens an object at the end of `out`.
    pub(crate) fn open(out: &'a mut String) -> Self {
        out.push('{');
        Self { out, is_empty: true }
    }

    fn name(&mut self, name: &str) {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    /// A string, escaped.
    pub(crate) fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        string(self.out, value);
        self
    }

    /// A string, escaped; nothing where it is empty.
    pub(crate) fn text_if_any(&mut self, name: &str, value: &str) -> &mut Self {
        if value.is_empty() { self } else { self.text(name, value) }
    }

    /// A number.
    pub(crate) fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.name(name);
        // Writing into memory does not fail.
        let _ = write!(self.out, "{value}");
        self
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        self.name(name);
        self.out.push_str(if value { "true" } else { "false" });
        self
    }

    /// An object in this one.
    pub(crate) fn object(&mut self, name: &str) -> Object<'_> {
        self.name(name);
        Object::open(self.out)
    }

    /// An array of objects.
    pub(crate) fn objects<T>(
        &mut self,
        name: &str,
        items: impl Iterator<Item = T>,
        write: impl Fn(T, &mut Object<'_>),
    ) -> &mut Self {
        self.name(name);
        self.out.push('[');
        for (at, item) in items.enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            write(item, &mut Object::open(self.out));
        }
        self.out.push(']');
        self
    }

    /// An array of strings.
    pub(crate) fn texts(&mut self, name: &str, values: &[&str]) -> &mut Self {
        self.name(name);
        self.out.push('[');
        for (at, value) in values.iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            string(self.out, value);
        }
        self.out.push(']');
        self
    }
}

impl Drop for Object<'_> {
    fn drop(&mut self) {
        self.out.push('}');
    }
}

/// A JSON string (RFC 8259, section 7).
pub(crate) fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|letter: char| letter < ' ' || matches!(letter, '"' | '\\')) {
        let (plain, after) = rest.split_at(at);
        out.push_str(plain);
        let mut letters = after.chars();
        if let Some(letter) = letters.next() {
            if letter < ' ' {
                // Writing into memory does not fail.
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            } else {
                out.push('\\');
                out.push(letter);
            }
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_reads_back_as_it_was_written() {
        let mut out = String::new();
        {
            let mut object = Object::open(&mut out);
            object.text("a", "x").number("b", u64::MAX).flag("c", true).text_if_any("left_out", "");
            object.object("d").texts("e", &["1", "2"]);
            object.objects("f", [0, 1].into_iter(), |number, inner| {
                inner.number("g", number);
            });
        }
        let read: Result<serde_json::Value, _> = serde_json::from_str(&out);
        let expected =
            json!({"a": "x", "b": u64::MAX, "c": true, "d": {"e": ["1", "2"]}, "f": [{"g": 0}, {"g": 1}]});
        assert_eq!(read.ok(), Some(expected), "{out}");
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn every_text_reads_back(text in "[\\x00-\\x7f\u{80}-\u{10ffff}]{0,40}") {
            let mut out = String::new();
            string(&mut out, &text);
            proptest::prop_assert!(!out.chars().any(|letter| letter < ' '));
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&out).ok(), Some(text));
        }
    }
}
