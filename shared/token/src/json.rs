//! Strict JSON: every name once in its object, bounded in depth and number, nothing behind the end.
//!
//! RFC 7515 §4 and RFC 7519 §4 let a reader take the last of two names; another reader may take the first, so two are refused.

use core::cell::Cell;
use core::fmt;

use meshward_model::Claim;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How deep values may lie one inside another, the outermost object included. The handover carries no deeper ones.
pub(crate) const MAX_DEPTH: u32 = 16;
/// The most names that one object may have.
pub(crate) const MAX_NAMES: usize = 256;

/// The names and values of an object.
pub(crate) type Object = Vec<(String, Claim)>;

/// Reads an object with at most `max_values` values, those inside others included; `None` for whatever is not one, or not strict.
pub(crate) fn object(bytes: &[u8], max_values: u32) -> Option<Object> {
    let left = Cell::new(max_values);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Value { depth: MAX_DEPTH, left: &left }.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    match value {
        Claim::Map(members) => Some(members),
        Claim::Null
        | Claim::Bool(_)
        | Claim::Integer(_)
        | Claim::Real(_)
        | Claim::Text(_)
        | Claim::List(_) => None,
    }
}

/// The value of a name.
pub(crate) fn get<'a>(object: &'a [(String, Claim)], name: &str) -> Option<&'a Claim> {
    object.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Reads one value; as many levels and values are left as it says.
#[derive(Clone, Copy)]
struct Value<'a> {
    depth: u32,
    left: &'a Cell<u32>,
}

impl Value<'_> {
    /// The level below this one.
    fn inside<E: Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("too deep"))?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Claim;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Claim, D::Error> {
        let left = self.left.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.left.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Claim;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Claim, E> {
        Ok(Claim::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Claim, E> {
        Ok(Claim::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Claim, E> {
        Ok(Claim::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Claim, E> {
        Ok(i64::try_from(value).map_or(Claim::Real(value as f64), Claim::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Claim, E> {
        Ok(Claim::Real(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Claim, E> {
        Ok(Claim::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Claim, A::Error> {
        let inside = self.inside()?;
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Claim::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claim, A::Error> {
        let inside = self.inside()?;
        let mut members: Object = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.len() >= MAX_NAMES || get(&members, &name).is_some() {
                return Err(A::Error::custom("a name twice, or too many"));
            }
            members.push((name, map.next_value_seed(inside)?));
        }
        Ok(Claim::Map(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: u32 = 1000;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn values_keep_their_types_and_their_order() {
        let read =
            object(br#" {"z":1,"a":[true,null,-2,1.5,"s"],"m":{"b":"","a":9223372036854775807}} "#, MANY);
        let list = [
            Claim::Bool(true),
            Claim::Null,
            Claim::Integer(-2),
            Claim::Real(1.5),
            Claim::Text("s".to_owned()),
        ];
        let map = [("b", Claim::Text(String::new())), ("a", Claim::Integer(i64::MAX))];
        let wanted = vec![
            ("z".to_owned(), Claim::Integer(1)),
            ("a".to_owned(), Claim::List(list.into())),
            (
                "m".to_owned(),
                Claim::Map(map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ),
        ];
        assert_eq!(read, Some(wanted));
    }

    #[test]
    fn whatever_is_not_strict_is_refused() {
        for wrong in [
            r"",
            r"null",
            r"[]",
            r"1",
            r#""a""#,
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            r#"{"a":[{"b":1,"b":1}]}"#,
            r#"{"a":1}x"#,
            r#"{"a":1}{}"#,
            r#"{"a":1,}"#,
            r#"{"a":01}"#,
            r#"{"a":1e400}"#,
            r#"{"a":NaN}"#,
            r#"{a:1}"#,
            r#"{'a':1}"#,
            "{\"a\":\"\n\"}",
            "\u{feff}{}",
            r#"{"a":"\ud800"}"#,
        ] {
            assert_eq!(object(wrong.as_bytes(), MANY), None, "{wrong}");
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}", MANY), None);
        assert_eq!(object(b"{\0\"\0a\0\"\0:\0\x31\0}\0", MANY), None);
    }

    #[test]
    fn depth_and_numbers_are_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(object(nested(15).as_bytes(), MANY).is_some());
        assert_eq!(object(nested(16).as_bytes(), MANY), None);
        assert_eq!(object(nested(100_000).as_bytes(), MANY), None);
        let list = |count: usize| format!("{{\"a\":[{}]}}", vec!["1"; count].join(","));
        assert!(object(list(998).as_bytes(), MANY).is_some());
        assert_eq!(object(list(999).as_bytes(), MANY), None);
        let names = |count: usize| {
            let names: Vec<String> = (0..count).map(|name| format!("\"{name}\":1")).collect();
            format!("{{{}}}", names.join(","))
        };
        assert!(object(names(256).as_bytes(), MANY).is_some());
        assert_eq!(object(names(257).as_bytes(), MANY), None);
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = object(&bytes, MANY);
        }
    }
}
