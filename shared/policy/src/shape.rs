//! Mappings with many optional fields, such as a condition, read by one reader.
//!
//! Derived, each such type would bring a reader of its own with a branch for each field; these share one, which goes by a table.

use core::fmt;

use meshward_config::word;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::scalar::Scalar;

/// What a mapping may hold.
#[derive(Debug)]
pub(crate) struct Shape {
    /// What it is, in words.
    pub(crate) what: &'static str,
    /// The names of its fields.
    pub(crate) names: &'static [&'static str],
    /// What each of them holds.
    pub(crate) kinds: &'static [Kind],
    /// Whether all of them must be there.
    pub(crate) whole: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// A string, number or boolean.
    Scalar,
    /// A list of strings, numbers or booleans.
    Scalars,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A mapping.
    One(&'static Shape),
    /// A list of mappings.
    Many(&'static Shape),
    /// Anything, which is read only to be refused.
    Ignored,
}

/// What a field held.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A string, number or boolean.
    Scalar(Scalar),
    /// A list of them.
    Scalars(Vec<Scalar>),
    /// `true` or `false`.
    Flag(bool),
    /// The place of a word among its choice.
    Word(usize),
    /// A mapping.
    One(Fields),
    /// A list of mappings.
    Many(Vec<Fields>),
    /// Anything.
    Ignored,
}

/// The fields of a mapping, by their place in its shape.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(Vec<Option<Value>>);

impl Fields {
    /// Whether the field with this place is there.
    pub(crate) fn has(&self, at: usize) -> bool {
        matches!(self.0.get(at), Some(Some(_)))
    }

    fn get(&self, at: usize) -> Option<&Value> {
        self.0.get(at)?.as_ref()
    }

    /// The text in the field with this place.
    pub(crate) fn text(&self, at: usize) -> Option<&String> {
        if let Some(Value::Text(text)) = self.get(at) { Some(text) } else { None }
    }

    /// The list of texts in the field with this place.
    pub(crate) fn texts(&self, at: usize) -> Option<&Vec<String>> {
        if let Some(Value::Texts(texts)) = self.get(at) { Some(texts) } else { None }
    }

    /// The list of texts in the field with this place, taken out.
    pub(crate) fn take_texts(&mut self, at: usize) -> Option<Vec<String>> {
        if let Some(Value::Texts(texts)) = self.0.get_mut(at)?.take() { Some(texts) } else { None }
    }

    /// The values in the field with this place: one, or a list of them.
    pub(crate) fn scalars(&self, at: usize) -> Option<&[Scalar]> {
        match self.get(at) {
            Some(Value::Scalar(scalar)) => Some(core::slice::from_ref(scalar)),
            Some(Value::Scalars(scalars)) => Some(scalars),
            Some(
                Value::Text(_)
                | Value::Texts(_)
                | Value::Flag(_)
                | Value::Word(_)
                | Value::One(_)
                | Value::Many(_)
                | Value::Ignored,
            )
            | None => None,
        }
    }

    /// The flag in the field with this place.
    pub(crate) fn flag(&self, at: usize) -> Option<bool> {
        if let Some(Value::Flag(flag)) = self.get(at) { Some(*flag) } else { None }
    }

    /// Which word of its choice the field with this place has.
    pub(crate) fn word(&self, at: usize) -> Option<usize> {
        if let Some(Value::Word(word)) = self.get(at) { Some(*word) } else { None }
    }

    /// The mapping in the field with this place.
    pub(crate) fn one(&self, at: usize) -> Option<&Self> {
        if let Some(Value::One(fields)) = self.get(at) { Some(fields) } else { None }
    }

    /// The mapping in the field with this place, taken out; an empty one where there is none.
    pub(crate) fn take_one(&mut self, at: usize) -> Self {
        let taken = self.0.get_mut(at).and_then(Option::take);
        if let Some(Value::One(fields)) = taken { fields } else { Self::default() }
    }

    /// The list of mappings in the field with this place, taken out, each as `read` makes of it.
    pub(crate) fn take_many<T>(&mut self, at: usize, read: impl Fn(Self) -> T) -> Option<Vec<T>> {
        let Value::Many(entries) = self.0.get_mut(at)?.take()? else { return None };
        Some(entries.into_iter().map(read).collect())
    }
}

impl<'de> DeserializeSeed<'de> for &'static Shape {
    type Value = Fields;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &'static Shape {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut values: Vec<Option<Value>> = vec![None; self.names.len()];
        while let Some(at) = map.next_key_seed(Name(self.names))? {
            let (Some(kind), Some(place)) = (self.kinds.get(at), values.get_mut(at)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if place.is_some() {
                return Err(Error::duplicate_field(self.names.get(at).copied().unwrap_or_default()));
            }
            *place = Some(map.next_value_seed(*kind)?);
        }
        let missing = values.iter().zip(self.names).find(|(value, _)| self.whole && value.is_none());
        match missing {
            Some((_, name)) => Err(Error::missing_field(name)),
            None => Ok(Fields(values)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Kind {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Ok(match self {
            Self::Text => Value::Text(String::deserialize(deserializer)?),
            Self::Texts => Value::Texts(Vec::deserialize(deserializer)?),
            Self::Scalar => Value::Scalar(Scalar::deserialize(deserializer)?),
            Self::Scalars => Value::Scalars(Vec::deserialize(deserializer)?),
            Self::Flag => Value::Flag(bool::deserialize(deserializer)?),
            Self::Word(words) => Value::Word(word(deserializer, words)?),
            Self::One(shape) => Value::One(deserializer.deserialize_map(shape)?),
            Self::Ignored => {
                IgnoredAny::deserialize(deserializer)?;
                Value::Ignored
            }
            Self::Many(shape) => Value::Many(deserializer.deserialize_seq(Entries(shape))?),
        })
    }
}

/// A list of mappings of one shape.
struct Entries(&'static Shape);

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<Fields>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Fields>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element_seed(self.0)? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// The place of a name among these.
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
