//! Choices: a field that takes one of a few words.
//!
//! Derived, each enum would bring a reader of its own; these share one.

use core::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// Lets an enum be read from the words that stand for its variants.
///
/// ```
/// #[derive(Clone, Copy, PartialEq, Debug)]
/// enum Light { Red, Green }
/// meshward_config::words!(Light { Red = "red", Green = "green" });
///
/// assert_eq!(meshward_config::parse::<Light>("\"green\"", ""), Ok(Light::Green));
/// assert!(meshward_config::parse::<Light>("\"blue\"", "").is_err());
/// ```
#[macro_export]
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl<'de> $crate::Deserialize<'de> for $name {
            fn deserialize<D: $crate::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                const WORDS: &[&str] = &[$($word),+];
                const VARIANTS: &[$name] = &[$($name::$variant),+];
                let at = $crate::word(deserializer, WORDS)?;
                VARIANTS.get(at).copied().ok_or_else(|| $crate::no_word("", WORDS))
            }
        }
    };
}

/// Which of `words` it is; for [`words!`].
///
/// # Errors
/// Something that is none of them.
pub fn word<'de, D: Deserializer<'de>>(
    deserializer: D,
    words: &'static [&'static str],
) -> Result<usize, D::Error> {
    deserializer.deserialize_str(OneOf(words))
}

/// That a word is none of those; for [`words!`].
pub fn no_word<E: Error>(word: &str, words: &'static [&'static str]) -> E {
    E::unknown_variant(word, words)
}

struct OneOf(&'static [&'static str]);

impl Visitor<'_> for OneOf {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<usize, E> {
        self.0.iter().position(|word| *word == found).ok_or_else(|| no_word(found, self.0))
    }
}
