//! What all documents look like: Kubernetes objects.

use meshward_model::Problem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::parse::parse;
use crate::texts::Texts;

/// A document with the `spec` of its kind.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a document")]
pub struct RawDocument<Spec> {
    /// The version of the document's kind.
    pub api_version: String,
    /// The document's kind.
    pub kind: String,
    /// Name, namespace, annotations.
    pub metadata: RawMetadata,
    /// What the document says.
    pub spec: Option<Spec>,
    /// Written by a control plane; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub status: Option<IgnoredAny>,
}

/// Kubernetes object metadata. What a control plane writes there is accepted and not read, so that `kubectl get -o yaml` can be
/// pasted.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "metadata")]
#[cfg_attr(feature = "schema", schemars(extend("additionalProperties" = true)))]
pub struct RawMetadata {
    /// The document's name.
    pub name: String,
    /// The document's namespace.
    #[serde(default)]
    pub namespace: String,
    /// Labels; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub labels: Texts,
    /// Annotations; `istio.io/dry-run` is read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub annotations: Texts,
    /// Written by the API server; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub uid: Option<IgnoredAny>,
    /// Written by the API server; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub resource_version: Option<IgnoredAny>,
    /// Written by the API server; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub generation: Option<IgnoredAny>,
    /// Written by the API server; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub creation_timestamp: Option<IgnoredAny>,
    /// Written by the API server; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub managed_fields: Option<IgnoredAny>,
    /// Written by the API server; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub owner_references: Option<IgnoredAny>,
    /// Written by the API server; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub finalizers: Option<IgnoredAny>,
    /// Written by the API server; not read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub self_link: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(expecting = "a document")]
struct Head {
    kind: String,
}

/// Looks at each document's kind: (path, kind, text).
///
/// # Errors
/// A document without a `kind`.
pub fn split_documents(documents: &[Box<RawValue>]) -> Result<Vec<(String, String, &str)>, Vec<Problem>> {
    let mut split = Vec::with_capacity(documents.len());
    let mut problems = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        let path = format!("documents[{at}]");
        match parse::<Head>(document.get(), &path) {
            Ok(head) => split.push((path, head.kind, document.get())),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(split) } else { Err(problems) }
}
