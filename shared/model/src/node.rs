//! What the proxy says of itself.

/// The proxy that the plugin runs in, read once, when the plugin is configured. A field is empty where the proxy does not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// `xds.node.id`.
    pub id: String,
    /// `xds.node.metadata.NAMESPACE`, as Istio sets it.
    pub namespace: String,
    /// `xds.node.metadata.WORKLOAD_NAME`, as Istio sets it.
    pub workload: String,
}
