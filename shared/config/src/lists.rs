//! A mapping whose fields all hold lists of texts, such as a source or an operation.
//!
//! Derived, each such type would bring a reader of its own with a branch for each field; these share one.

use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// The fields of a mapping, by their place among the names that it may have.
#[derive(Debug)]
pub struct Lists {
    values: Vec<Option<Vec<String>>>,
}

impl Lists {
    /// The list in the field with this place.
    pub fn take(&mut self, at: usize) -> Option<Vec<String>> {
        self.values.get_mut(at)?.take()
    }
}

/// Reads a mapping: `what` it is, and the `names` of its fields, of which those from `unread` on are accepted, whatever they hold, and
/// given as an empty list.
///
/// # Errors
/// Another field, a field twice, something else than a list of texts.
pub fn lists<'de, D: Deserializer<'de>>(
    deserializer: D,
    what: &'static str,
    names: &'static [&'static str],
    unread: usize,
) -> Result<Lists, D::Error> {
    deserializer.deserialize_map(Mapping { what, names, unread })
}

struct Mapping {
    what: &'static str,
    names: &'static [&'static str],
    unread: usize,
}

impl<'de> Visitor<'de> for Mapping {
    type Value = Lists;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lists, A::Error> {
        let mut values: Vec<Option<Vec<String>>> = vec![None; self.names.len()];
        while let Some(at) = map.next_key_seed(Name(self.names))? {
            if values.get(at).is_some_and(Option::is_some) {
                return Err(Error::duplicate_field(self.names.get(at).copied().unwrap_or_default()));
            }
            let value = if at < self.unread {
                map.next_value()?
            } else {
                map.next_value::<IgnoredAny>()?;
                Vec::new()
            };
            if let Some(place) = values.get_mut(at) {
                *place = Some(value);
            }
        }
        Ok(Lists { values })
    }
}

struct Name(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Name {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<usize, E> {
        let at = self.0.iter().position(|name| *name == found);
        at.ok_or_else(|| E::unknown_field(found, self.0))
    }
}
