//! For whom documents are: the workloads that must be looked at so that each document is looked at, for whoever checks a configuration
//! without a proxy.

use std::collections::BTreeSet;

use meshward_model::Node;
use serde_json::value::RawValue;

use crate::select::{Choice, Head, heads};
use crate::tree::Tree;
use crate::workload::{GATEWAY_LABEL, ROOT_NAMESPACE};

/// A namespace that stands for any.
const ANY_NAMESPACE: &str = "default";

/// One workload for each choice that a document makes, none twice; each document is for at least one of them. A document that names no
/// namespace is for all, wherever they are.
pub fn audiences(documents: &[Box<RawValue>], root: Option<&str>) -> Vec<Node> {
    let root = root.unwrap_or(ROOT_NAMESPACE);
    let named = namespaces(documents, Some(root));
    let some = named.first().map_or(ANY_NAMESPACE, String::as_str);
    let nodes: BTreeSet<Node> = heads(documents).flat_map(|head| of(&head, some, root)).collect();
    if nodes.is_empty() { vec![node("sidecar", some, Vec::new())] } else { nodes.into_iter().collect() }
}

/// The namespaces that documents name, the root namespace aside.
pub fn namespaces(documents: &[Box<RawValue>], root: Option<&str>) -> BTreeSet<String> {
    let root = root.unwrap_or(ROOT_NAMESPACE);
    let named = heads(documents).filter_map(|head| head.namespace().map(str::to_owned));
    named.filter(|namespace| !namespace.is_empty() && namespace != root).collect()
}

fn of(head: &Head<'_>, some: &str, root: &str) -> Vec<Node> {
    let own = head.namespace().filter(|namespace| !namespace.is_empty()).unwrap_or(some);
    let namespace = if own == root { some } else { own };
    if head.unclear.is_some() {
        return vec![node("sidecar", namespace, Vec::new())];
    }
    let text = |value: &Tree| value.text().unwrap_or_default().to_owned();
    match head.choice() {
        Choice::Labels(labels) => {
            let labels = labels.iter().map(|(name, value)| (name.clone(), text(value)));
            vec![node("sidecar", namespace, labels.collect())]
        }
        Choice::Targets(targets) => {
            let node = |target: &Tree| {
                let is_gateway = target.get("kind").and_then(Tree::text) == Some("Gateway");
                let name = target.get("name").map(text).unwrap_or_default();
                let role = if is_gateway { "router" } else { "waypoint" };
                node(role, own, vec![(GATEWAY_LABEL.to_owned(), name)])
            };
            targets.iter().map(node).collect()
        }
    }
}

fn node(role: &str, namespace: &str, labels: Vec<(String, String)>) -> Node {
    Node { id: format!("{role}~"), namespace: namespace.to_owned(), labels: Some(labels), ..Node::default() }
}
