//! How a document chooses its workloads: fields that are known, and refused until that is built.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

use meshward_model::Code;

use crate::place::{Place, Problems};

/// A field of which only matters whether it stands there. For `#[serde(default)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NotYet(bool);

impl<'de> Deserialize<'de> for NotYet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// Refuses every one of these fields that stands below `at`; `more` goes on with what is to be done instead.
pub fn no_selection(at: &Place<'_>, fields: &[(&str, NotYet)], more: &str, problems: &mut Problems) {
    for (field, _) in fields.iter().filter(|(_, given)| given.0) {
        let to = if *field == "selector" { "selector.matchLabels" } else { "targetRefs" };
        problems.add(
            Code::SelectorUnsupported,
            &at.field(field),
            format!("`{field}` is not supported in a document yet"),
            format!("put it into the WasmPlugin's `spec.{to}`, then delete it here{more}"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_such_a_field_it_is_refused_and_what_is_left_out_is_not() {
        #[derive(Deserialize)]
        struct Spec {
            #[serde(default)]
            selector: NotYet,
            #[serde(default)]
            target_refs: NotYet,
        }
        for (json, refused) in [
            ("{}", &[][..]),
            (r#"{"selector": {}}"#, &["spec.selector"]),
            (r#"{"selector": null}"#, &["spec.selector"]),
            (
                r#"{"selector": {"matchLabels": {"app": "a"}}, "target_refs": []}"#,
                &["spec.selector", "spec.targetRefs"],
            ),
        ] {
            let Ok(spec) = crate::parse::<Spec>(json, "") else { unreachable!("{json}") };
            let mut problems = Problems::default();
            let fields = [("selector", spec.selector), ("targetRefs", spec.target_refs)];
            no_selection(&Place::root("spec"), &fields, "", &mut problems);
            let found = problems.into_found();
            let paths: Vec<&str> = found.iter().map(|problem| problem.path.as_str()).collect();
            assert_eq!(paths, refused, "{json}");
            assert!(found.iter().all(|problem| problem.code == Code::SelectorUnsupported));
        }
    }
}
