//! What is checked of every document, whatever its kind.

use meshward_model::Code;
use serde::de::DeserializeOwned;

use crate::document::{RawDocument, RawMetadata};
use crate::parse::parse;
use crate::place::{Place, Problems};

/// The version of meshward's own kinds.
const VERSION: &str = "meshward.io/v1alpha1";

/// Reads a document of one of meshward's own kinds, which must have a spec: its metadata, checked, and its spec. `None` after a
/// problem that leaves nothing to look at.
pub fn own_document<Spec: DeserializeOwned>(
    place: &Place<'_>,
    kind: &str,
    json: &str,
    problems: &mut Problems,
) -> Option<(RawMetadata, Spec)> {
    let raw: RawDocument<Spec> = match parse(json, &place.to_string()) {
        Ok(raw) => raw,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    if raw.api_version != VERSION {
        problems.add(
            Code::WrongVersion,
            &place.field("apiVersion"),
            format!("`{}` is not the apiVersion of {kind}", raw.api_version),
            format!("write `{VERSION}`"),
        );
    }
    check_metadata(place, &raw.metadata, problems);
    let Some(spec) = raw.spec else {
        let message = format!("a document of kind {kind} without a spec says nothing");
        problems.add(Code::NoSpec, &place.field("spec"), message, "write `spec:` with its fields below it");
        return None;
    };
    Some((raw.metadata, spec))
}

/// Checks a document's name and namespace.
pub fn check_metadata(place: &Place<'_>, metadata: &RawMetadata, problems: &mut Problems) {
    let at = place.field("metadata");
    let help = "use a-z, 0-9, `-` and `.`, as Kubernetes does";
    if !is_name(&metadata.name, 253) {
        problems.add(
            Code::BadName,
            &at.field("name"),
            format!("`{}` is no name", metadata.name.escape_debug()),
            help,
        );
    }
    if !is_namespace(&metadata.namespace) {
        let message = format!("`{}` is no namespace", metadata.namespace.escape_debug());
        problems.add(Code::BadNamespace, &at.field("namespace"), message, help);
    }
}

/// Whether it could be a namespace; empty is none, and so is left open.
pub(crate) fn is_namespace(namespace: &str) -> bool {
    namespace.is_empty() || is_name(namespace, 63)
}

fn is_name(name: &str, longest: usize) -> bool {
    !name.is_empty()
        && name.len() <= longest
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte))
}
