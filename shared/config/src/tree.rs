//! The parts of a text that say for whom it is, as they stand there.
//!
//! Derived, each level of them would bring a reader of its own into every module; these share one, and what they must be is looked at
//! afterwards.

use core::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tree {
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// A mapping; no name stands twice.
    Map(Vec<(String, Tree)>),
    /// A number, a truth value, nothing.
    Other,
}

impl Tree {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) | Self::Map(_) | Self::Other => None,
        }
    }

    /// The fields of a mapping; none of anything else.
    pub(crate) fn fields(&self) -> &[(String, Self)] {
        match self {
            Self::Map(fields) => fields,
            Self::Text(_) | Self::List(_) | Self::Other => &[],
        }
    }

    /// The value of a field; `None` where there is no such field.
    pub(crate) fn get(&self, name: &str) -> Option<&Self> {
        self.fields().iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// A document, of which only its head is there: `kind`, `metadata.namespace`, and what chooses workloads.
#[derive(Debug)]
pub(crate) struct Head(pub(crate) Tree);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Kept::All.deserialize(deserializer)
    }
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Kept::Head.deserialize(deserializer).map(Self)
    }
}

/// How much of a value is kept.
#[derive(Clone, Copy)]
enum Kept {
    All,
    Head,
    Metadata,
    Spec,
}

impl Kept {
    /// How much of a field is kept; `None`: nothing.
    fn of(self, field: &str) -> Option<Self> {
        match (self, field) {
            (Self::All, _)
            | (Self::Head, "kind")
            | (Self::Metadata, "namespace")
            | (Self::Spec, "selector" | "targetRef" | "targetRefs") => Some(Self::All),
            (Self::Head, "metadata") => Some(Self::Metadata),
            (Self::Head, "spec") => Some(Self::Spec),
            (Self::Head | Self::Metadata | Self::Spec, _) => None,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Kept {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Kept {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element_seed(Self::All)? {
            list.push(value);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Tree, A::Error> {
        let mut fields: Vec<(String, Tree)> = Vec::new();
        while let Some(name) = members.next_key::<String>()? {
            let Some(kept) = self.of(&name) else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(Error::custom(format_args!("duplicate field `{name}`")));
            }
            let value = members.next_value_seed(kept)?;
            fields.push((name, value));
        }
        Ok(Tree::Map(fields))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Other)
    }
}
