//! Envoy's configuration as typed values: what a test wants to say, and nothing of the two hundred lines around it.
//!
//! Everything becomes JSON, which Envoy reads as YAML. The token [`DIR`] in any text stands for the directory of the Envoy
//! that runs it. Where no field says what a test needs, [`Filter::Raw`] and the `patch` fields take JSON as it is.

mod cluster;
mod filter;
mod listener;
mod tls;

pub use cluster::{Cluster, UpstreamTls};
pub use filter::{FailurePolicy, Filter, Wasm};
pub use listener::{AccessLog, Action, Http, Listener, LogFormat, Route};
pub use tls::{ClientCert, DownstreamTls, TlsVersion};

use serde_json::{Map, Value, json};

/// Stands for the directory of the Envoy that runs the configuration.
pub const DIR: &str = "@DIR@";

/// The file in [`DIR`] that Envoy takes its listeners from when they can be changed.
pub(crate) const LISTENERS_FILE: &str = "listeners.json";

/// A whole configuration.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// Who this Envoy is.
    pub node: Node,
    /// Its listeners.
    pub listeners: Vec<Listener>,
    /// Where it sends requests.
    pub clusters: Vec<Cluster>,
    /// Whether listeners can be changed while it runs.
    pub delivery: Delivery,
    /// Merged over the rest, for what has no field here.
    pub patch: Value,
}

/// How Envoy is given its listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// In the bootstrap: a listener that Envoy refuses makes it exit with 1.
    #[default]
    Static,
    /// Through a file that Envoy watches: [`crate::envoy::Envoy::push_listeners`] changes them; a refused one changes nothing.
    Watched,
}

/// Envoy's node: what a module can read as `xds.node.…`.
#[derive(Debug, Clone)]
pub struct Node {
    /// `node.id`
    pub id: String,
    /// `node.cluster`
    pub cluster: String,
    /// `node.metadata`, such as `NAMESPACE` and `WORKLOAD_NAME`.
    pub metadata: Map<String, Value>,
}

impl Node {
    /// A workload as Istio describes it: metadata `NAMESPACE` and `WORKLOAD_NAME`.
    #[must_use]
    pub fn workload(namespace: &str, name: &str) -> Self {
        let mut metadata = Map::new();
        metadata.insert("NAMESPACE".to_owned(), json!(namespace));
        metadata.insert("WORKLOAD_NAME".to_owned(), json!(name));
        Self { id: format!("{name}.{namespace}"), cluster: name.to_owned(), metadata }
    }

    /// The same, with labels as Istio writes them.
    #[must_use]
    pub fn labelled<'l>(mut self, labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> Self {
        let labels: Map<String, Value> =
            labels.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        self.metadata.insert("LABELS".to_owned(), Value::Object(labels));
        self
    }
}

impl Bootstrap {
    /// One listener, static, on a node `orders` in the namespace `shop`.
    #[must_use]
    pub fn of(listener: Listener) -> Self {
        Self::new(vec![listener])
    }

    /// These listeners, static, on a node `orders` in the namespace `shop`.
    #[must_use]
    pub fn new(listeners: Vec<Listener>) -> Self {
        Self {
            node: Node::workload("shop", "orders"),
            listeners,
            clusters: Vec::new(),
            delivery: Delivery::Static,
            patch: Value::Null,
        }
    }

    /// One more cluster.
    #[must_use]
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.clusters.push(cluster);
        self
    }

    /// Another node.
    #[must_use]
    pub fn node(mut self, node: Node) -> Self {
        self.node = node;
        self
    }

    /// Lets listeners be changed while Envoy runs.
    #[must_use]
    pub fn watched(mut self) -> Self {
        self.delivery = Delivery::Watched;
        self
    }

    /// The bootstrap as JSON text (which is YAML, too), with [`DIR`] still in it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut all = json!({
            "node": {"id": self.node.id, "cluster": self.node.cluster, "metadata": self.node.metadata},
            "static_resources": {"clusters": self.clusters.iter().map(Cluster::to_json).collect::<Vec<_>>()},
        });
        let delivered = match self.delivery {
            Delivery::Static => {
                let listeners: Vec<_> = self.listeners.iter().map(Listener::to_json).collect();
                json!({"static_resources": {"listeners": listeners}})
            }
            Delivery::Watched => json!({"dynamic_resources": {"lds_config": {
                "resource_api_version": "V3",
                "path_config_source": {
                    "path": format!("{DIR}/lds/{LISTENERS_FILE}"),
                    "watched_directory": {"path": format!("{DIR}/lds")},
                },
            }}}),
        };
        merge(&mut all, &delivered);
        merge(&mut all, &self.patch);
        format!("{all:#}")
    }
}

/// The listeners as the text of a discovery response, with [`DIR`] still in it.
pub(crate) fn discovery_text(listeners: &[Listener], version: u64) -> String {
    let resources: Vec<_> = listeners
        .iter()
        .map(|listener| {
            let mut resource = listener.to_json();
            let kind = json!({"@type": "type.googleapis.com/envoy.config.listener.v3.Listener"});
            merge(&mut resource, &kind);
            resource
        })
        .collect();
    format!("{:#}", json!({"version_info": version.to_string(), "resources": resources}))
}

/// Lays `over` on `base`: objects are merged field by field, anything else replaces, null leaves as it is.
pub(crate) fn merge(base: &mut Value, over: &Value) {
    match (base, over) {
        (_, Value::Null) => {}
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                merge(base.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Bootstrap, Listener, merge};
    use serde_json::{Value, json};

    #[test]
    fn merging_keeps_what_is_not_named() {
        let mut base = json!({"a": {"b": 1, "c": 2}, "d": [1]});
        merge(&mut base, &json!({"a": {"c": 3}, "d": [], "e": null}));
        assert_eq!(base, json!({"a": {"b": 1, "c": 3}, "d": [], "e": null}));
    }

    #[test]
    fn watched_listeners_are_not_in_the_bootstrap() -> Result<(), serde_json::Error> {
        let bootstrap = Bootstrap::of(Listener::on("127.0.0.1:0"));
        let fixed: Value = serde_json::from_str(&bootstrap.to_text())?;
        assert!(fixed.pointer("/static_resources/listeners/0/address").is_some());
        let watched: Value = serde_json::from_str(&bootstrap.watched().to_text())?;
        assert!(watched.pointer("/static_resources/listeners").is_none());
        assert!(watched.pointer("/dynamic_resources/lds_config/path_config_source/path").is_some());
        Ok(())
    }
}
