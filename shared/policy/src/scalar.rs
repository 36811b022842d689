//! A string, a number or a boolean, as it is written.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};

/// The largest integer that every reader of JSON reads as what it is, 2^53.
const MAX_INTEGER: i64 = 1 << 53;

/// What a claim is compared with.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(untagged))]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A number without fraction, at most 2^53.
    Integer(i64),
    /// Any other finite number.
    Real(f64),
    /// A string.
    Text(String),
}

impl Scalar {
    /// Whether it is a number.
    pub(crate) const fn is_number(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Real(_))
    }
}

impl From<Scalar> for meshward_decide::Scalar {
    fn from(raw: Scalar) -> Self {
        match raw {
            Scalar::Bool(value) => Self::Bool(value),
            Scalar::Integer(value) => Self::Integer(value),
            Scalar::Real(value) => Self::Real(value),
            Scalar::Text(value) => Self::Text(value),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl Visitor<'_> for Any {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a boolean")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        if (-MAX_INTEGER..=MAX_INTEGER).contains(&value) {
            Ok(Scalar::Integer(value))
        } else {
            Err(E::invalid_value(Unexpected::Signed(value), &"an integer that JSON keeps (at most 2^53)"))
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Real(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }
}
