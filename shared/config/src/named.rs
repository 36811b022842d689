//! What a configuration names of requests: paths and hosts, wherever they stand in its documents.

use core::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Paths and hosts that documents name, as they are written there: templates and patterns as well as plain ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// What stands in a list `paths` or `notPaths`.
    pub paths: Vec<String>,
    /// What stands in a list `hosts` or `notHosts`.
    pub hosts: Vec<String>,
}

impl Named {
    /// Adds what a document names. A document that cannot be read names nothing: whoever compiles it says so.
    pub fn add(&mut self, json: &str) {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let _ = Within { named: self, field: Field::Other }.deserialize(&mut deserializer);
    }
}

#[derive(Clone, Copy)]
enum Field {
    Paths,
    Hosts,
    Other,
}

/// A value, and the field that it stands in.
struct Within<'a> {
    named: &'a mut Named,
    field: Field,
}

impl<'de> DeserializeSeed<'de> for Within<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document")
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        match self.field {
            Field::Paths => self.named.paths.push(value.to_owned()),
            Field::Hosts => self.named.hosts.push(value.to_owned()),
            Field::Other => {}
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        while values.next_element_seed(Within { named: self.named, field: self.field })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<std::borrow::Cow<'_, str>>()? {
            let field = match name.as_ref() {
                "paths" | "notPaths" => Field::Paths,
                "hosts" | "notHosts" => Field::Hosts,
                // What a control plane and people keep there may be long, and names no request.
                "metadata" | "status" => {
                    members.next_value::<IgnoredAny>()?;
                    continue;
                }
                _ => Field::Other,
            };
            members.next_value_seed(Within { named: self.named, field })?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_operations_name_is_found_and_nothing_else() {
        let mut named = Named::default();
        named.add(
            r#"{"metadata": {"annotations": {"paths": "/no"}}, "spec": {"mode": "enforce", "rules": [{"to": [
                {"operation": {"paths": ["/v1/{*}"], "notPaths": ["/v1/x"], "hosts": ["a.b"], "methods": ["GET"], "ports": [1, -2, 0.5, true, null]}}
            ], "when": [{"key": "request.headers[x]", "values": ["secret"]}]}]}}"#,
        );
        let expected =
            Named { paths: vec!["/v1/{*}".to_owned(), "/v1/x".to_owned()], hosts: vec!["a.b".to_owned()] };
        assert_eq!(named, expected);
    }

    #[test]
    fn what_cannot_be_read_names_nothing() {
        let mut named = Named::default();
        named.add("{");
        named.add("[1, {\"paths\": 7}]");
        assert_eq!(named, Named::default());
    }
}
