//! What the proxy says of itself.

/// The proxy that the plugin runs in, read once, when the plugin is configured. A field is empty where the proxy does not say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Node {
    /// `xds.node.id`.
    pub id: String,
    /// `xds.node.metadata.NAMESPACE`, as Istio sets it.
    pub namespace: String,
    /// `xds.node.metadata.WORKLOAD_NAME`, as Istio sets it.
    pub workload: String,
    /// `xds.node.metadata.LABELS`, as Istio sets it: the workload's labels. `None` where the proxy does not say any, which is not the
    /// same as having none.
    pub labels: Option<Vec<(String, String)>>,
}
