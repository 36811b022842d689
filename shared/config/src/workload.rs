//! The workload that a configuration is compiled for, and which documents it keeps.
//!
//! Istio's rules (`pilot/pkg/model/policyattachment.go`, `ShouldAttachPolicy`). What Istio knows of a workload and a proxy does not
//! (the services behind a waypoint, the Gateways of Istio's own kind) cannot be decided here, and is refused.

use meshward_model::{Code, Node, Problem};

use crate::parse::fault;
use crate::select::{Choice, Head, not_text};
use crate::tree::Tree;

/// Where Istio keeps what is for all namespaces, unless it is told otherwise.
pub(crate) const ROOT_NAMESPACE: &str = "istio-system";
/// The label by which a workload is known as an instance of a gateway.
pub(crate) const GATEWAY_LABEL: &str = "gateway.networking.k8s.io/gateway-name";
const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
const WAYPOINT_CLASS: &str = "istio-waypoint";

/// What is known of the workload.
#[derive(Debug)]
pub(crate) struct Workload<'a> {
    namespace: Option<&'a str>,
    labels: Labels<'a>,
    root: &'a str,
    role: Role,
}

/// The workload's labels.
#[derive(Debug, Clone, Copy)]
enum Labels<'a> {
    /// Nobody says them.
    Unsaid,
    /// The proxy says them.
    Own(&'a [(String, String)]),
    /// The configuration says them.
    Said(&'a [(String, Tree)]),
}

impl<'a> Labels<'a> {
    fn get(self, name: &str) -> Option<&'a str> {
        match self {
            Self::Unsaid => None,
            Self::Own(labels) => {
                labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
            }
            Self::Said(labels) => {
                labels.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.text())
            }
        }
    }
}

/// What kind of proxy it is: the first part of Istio's node IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Sidecar,
    Router,
    Waypoint,
    /// Not Istio's.
    Unsaid,
}

impl<'a> Workload<'a> {
    /// What `said` (`workload` of the envelope) says of it, else the proxy itself. `root`: the root namespace.
    ///
    /// # Errors
    /// Something else than a namespace and labels is said.
    #[inline(never)]
    pub(crate) fn new(
        node: &'a Node,
        said: Option<&'a Tree>,
        root: Option<&'a str>,
    ) -> Result<Self, Problem> {
        if let Some(said) = said
            && !is_workload(said)
        {
            return Err(fault(
                Code::BadWorkload,
                format_args!("workload"),
                format_args!("this is no workload"),
                "write `workload: {namespace: …, labels: {…}}`, or one of the two; labels are texts",
            ));
        }
        let own = Some(node.namespace.as_str()).filter(|namespace| !namespace.is_empty());
        let labels = match (said.and_then(|said| said.get("labels")), &node.labels) {
            (Some(said), _) => Labels::Said(said.fields()),
            (None, Some(own)) => Labels::Own(own),
            (None, None) => Labels::Unsaid,
        };
        Ok(Self {
            namespace: said.and_then(|said| said.get("namespace")?.text()).or(own),
            labels,
            root: root.unwrap_or(ROOT_NAMESPACE),
            role: match node.id.split_once('~').map(|(role, _)| role) {
                Some("sidecar") => Role::Sidecar,
                Some("router") => Role::Router,
                Some("waypoint") => Role::Waypoint,
                Some(_) | None => Role::Unsaid,
            },
        })
    }

    /// Whether a document is for this workload.
    pub(crate) fn keeps(&self, head: &Head<'_>) -> Result<bool, Problem> {
        if let Some(problem) = &head.unclear {
            // Whom it is for cannot be told: it stops all that it might be for.
            let stops = head.namespace().is_none() || self.is_in(head)?;
            return if stops { Err(problem.clone()) } else { Ok(false) };
        }
        match head.choice() {
            Choice::Targets(targets) => self.is_target(head, targets),
            Choice::Labels(labels) => Ok(self.is_in(head)? && self.has(head, labels)?),
        }
    }

    /// Whether the document's namespace is the workload's, or one that is for all.
    fn is_in(&self, head: &Head<'_>) -> Result<bool, Problem> {
        match (head.namespace().unwrap_or_default(), self.namespace) {
            ("", _) => Ok(true),
            (namespace, _) if namespace == self.root => Ok(true),
            (namespace, Some(own)) => Ok(namespace == own),
            (namespace, None) => Err(fault(
                Code::ProxySilent,
                format_args!("{}.metadata.namespace", head.path),
                format_args!(
                    "this document is for the namespace `{namespace}`, and the proxy does not say which is its own"
                ),
                "let the proxy's node metadata say `NAMESPACE`, as Istio does, or write `workload: {namespace: …}` into the PluginConfig",
            )),
        }
    }

    fn has(&self, head: &Head<'_>, labels: &[(String, Tree)]) -> Result<bool, Problem> {
        // A waypoint has no selectors in Istio, and takes no policy that is not attached to it.
        if self.role == Role::Waypoint && head.is_istios() {
            return Ok(false);
        }
        if !labels.is_empty() && matches!(self.labels, Labels::Unsaid) {
            return Err(silent(head));
        }
        Ok(labels.iter().all(|(name, value)| self.labels.get(name) == value.text()))
    }

    fn is_target(&self, head: &Head<'_>, targets: &[Tree]) -> Result<bool, Problem> {
        if self.role == Role::Sidecar {
            return Ok(false);
        }
        if matches!(self.labels, Labels::Unsaid) {
            return Err(silent(head));
        }
        let gateway = self.labels.get(GATEWAY_LABEL);
        let namespace = head.namespace().unwrap_or_default();
        for (index, target) in targets.iter().enumerate() {
            let field = |name: &str| target.get(name).and_then(Tree::text).unwrap_or_default();
            let (group, kind, name) = (field("group"), field("kind"), field("name"));
            let unseen = match (group, kind) {
                ("" | "core", "Service") | ("networking.istio.io", "ServiceEntry") => {
                    gateway.is_some() && self.role != Role::Router
                }
                ("networking.istio.io", "Gateway") => self.role != Role::Waypoint && self.is_in(head)?,
                _ => false,
            };
            if unseen {
                return Err(fault(
                    Code::TargetUnseen,
                    format_args!("{}.spec.targetRefs[{index}]", head.path),
                    format_args!("whether this proxy serves the {kind} `{name}` cannot be seen from inside"),
                    "attach the plugin to it by the WasmPlugin's own `spec.targetRefs`, with a PluginConfig of its own, and take `targetRefs` away here",
                ));
            }
            let matches = match (group, kind) {
                (GATEWAY_GROUP, "GatewayClass") => {
                    name == WAYPOINT_CLASS && self.role == Role::Waypoint && namespace == self.root
                }
                (GATEWAY_GROUP, "Gateway") => {
                    let near = |other: &str| other.is_empty() || Some(other) == self.namespace;
                    // A gateway is attached to in its own namespace; the root namespace is not for all here.
                    gateway == Some(name) && self.is_in(head)? && near(namespace) && near(field("namespace"))
                }
                _ => false,
            };
            if matches {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn silent(head: &Head<'_>) -> Problem {
    fault(
        Code::ProxySilent,
        format_args!("{}.spec", head.path),
        format_args!(
            "this document chooses workloads by their labels, and the proxy does not say which it has"
        ),
        "let the proxy's node metadata say `LABELS`, as Istio does, or write `workload: {labels: …}` into the PluginConfig",
    )
}

fn is_workload(said: &Tree) -> bool {
    matches!(said, Tree::Map(_))
        && said.fields().iter().all(|(name, value)| match name.as_str() {
            "namespace" => value.text().is_some(),
            "labels" => not_text(value).is_none(),
            _ => false,
        })
}
