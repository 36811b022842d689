//! What is configured: plugins and the node they run on.

use crate::Module;

/// What becomes of requests when a plugin's VM has failed (Envoy `api/envoy/extensions/wasm/v3/wasm.proto`, `FailurePolicy`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailurePolicy {
    /// Every request gets 503.
    #[default]
    Closed,
    /// Requests skip the plugin; the one whose callback trapped gets 503.
    Open,
    /// The next request after a back-off of one second gets a new VM; until then as `Closed`.
    Reload,
}

/// One plugin of the filter chain.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// Its code.
    pub module: Module,
    /// Its name, as `plugin_name` and in log lines.
    pub name: String,
    /// Which of the module's roots it is.
    pub root_id: String,
    /// Whose shared data it sees. Plugins of the same `vm_id`, `vm_configuration` and code share one VM per worker.
    pub vm_id: String,
    /// The VM's configuration.
    pub vm_configuration: Vec<u8>,
    /// The plugin's configuration.
    pub configuration: Vec<u8>,
    /// What becomes of requests when its VM has failed.
    pub failure_policy: FailurePolicy,
    /// Whether the header callbacks' "pause" stops headers only, and the body's callbacks run meanwhile.
    pub allow_on_headers_stop_iteration: bool,
    /// Environment variables of its VM.
    pub environment: Vec<(String, String)>,
}

impl Plugin {
    /// A plugin with empty configuration that fails closed.
    #[must_use]
    pub fn new(module: Module, name: &str) -> Self {
        Self {
            module,
            name: name.to_owned(),
            root_id: String::new(),
            vm_id: String::new(),
            vm_configuration: Vec::new(),
            configuration: Vec::new(),
            failure_policy: FailurePolicy::default(),
            allow_on_headers_stop_iteration: false,
            environment: Vec::new(),
        }
    }

    /// The same with a configuration.
    #[must_use]
    pub fn configured(mut self, configuration: impl Into<Vec<u8>>) -> Self {
        self.configuration = configuration.into();
        self
    }
}

/// What the proxy says of itself (`xds.node`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// `xds.node.id`.
    pub id: String,
    /// `xds.node.cluster`.
    pub cluster: String,
    /// `xds.node.metadata.NAMESPACE`, as Istio sets it.
    pub namespace: Option<String>,
    /// `xds.node.metadata.WORKLOAD_NAME`, as Istio sets it.
    pub workload: Option<String>,
    /// `xds.node.metadata.LABELS`, as Istio sets it.
    pub labels: Option<Vec<(String, String)>>,
    /// The rest of `xds.node.metadata`: text by key.
    pub metadata: Vec<(String, String)>,
}
