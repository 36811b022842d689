//! For whom a configuration is, for those who look at it without a proxy.

use std::collections::BTreeSet;

use meshward_config::{RawEnvelope, audiences, namespaces};
use meshward_model::Node;

/// Workloads of which each document of a configuration is for at least one: who checks it for all of these has checked all of it.
/// There is always one, and where the envelope cannot be read it does not matter which.
///
/// ```
/// let configuration = br#"{"apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport", "documents": [
///     {"kind": "AccessPolicy", "metadata": {"name": "a", "namespace": "shop"}},
///     {"kind": "AccessPolicy", "metadata": {"name": "b", "namespace": "bank"}, "spec": {"selector": {"matchLabels": {"app": "till"}}}}
/// ]}"#;
/// let workloads = meshward_pipeline::workloads(configuration);
/// assert_eq!(workloads.iter().map(|node| node.namespace.as_str()).collect::<Vec<_>>(), ["bank", "shop"]);
/// ```
pub fn workloads(configuration: &[u8]) -> Vec<Node> {
    match RawEnvelope::read(configuration) {
        Ok(envelope) => audiences(&envelope.documents, envelope.root_namespace.as_deref()),
        Err(_) => vec![Node::default()],
    }
}

/// The namespaces whose workloads a configuration is for; none where it is for all.
pub fn homes(configuration: &[u8]) -> BTreeSet<String> {
    let envelope = RawEnvelope::read(configuration).ok();
    envelope
        .map(|envelope| namespaces(&envelope.documents, envelope.root_namespace.as_deref()))
        .unwrap_or_default()
}
