//! A mapping of texts, such as annotations.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// Names and values; no name stands twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(Vec<(String, String)>);

impl Texts {
    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Mapping)
    }
}

struct Mapping;

impl<'de> Visitor<'de> for Mapping {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts = Texts::default();
        while let Some(name) = map.next_key::<String>()? {
            if texts.get(&name).is_some() {
                return Err(Error::custom(format_args!("duplicate field `{name}`")));
            }
            texts.0.push((name, map.next_value()?));
        }
        Ok(texts)
    }
}
