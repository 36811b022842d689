//! How a document says which workloads it is for, as it is written: for the schema. What reads it is `tree.rs`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `selector` of a document: workloads with all of these labels. It stands in the document's own namespace, or in the root
/// namespace for all.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RawSelector {
    /// The labels that a workload must have.
    #[serde(default)]
    pub match_labels: BTreeMap<String, String>,
}

/// One of `targetRefs` of a document: a gateway that it is for.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawTargetRef {
    /// `gateway.networking.k8s.io`.
    #[serde(default)]
    pub group: String,
    /// `Gateway`, or for waypoints `GatewayClass`. What else Istio attaches to cannot be seen from inside a proxy.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace: the document's own, or left out.
    #[serde(default)]
    pub namespace: String,
}

/// Whom the configuration is for, where the proxy does not say so itself (plain Envoy, Consul). What is written here counts, whatever
/// the proxy says.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RawWorkload {
    /// The workload's namespace.
    pub namespace: Option<String>,
    /// The workload's labels.
    pub labels: Option<BTreeMap<String, String>>,
}
