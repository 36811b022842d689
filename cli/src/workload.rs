//! The workload that a policy is for, as the command line names it.

use meshward_cases::native;
use meshward_model::Node;

use crate::failure::Failure;

/// The workload whose proxy decides.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Workload {
    /// The namespace of the workload whose proxy decides, where the policy's documents are for several
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// A label of that workload, which documents choose it by; may be repeated
    #[arg(long = "label", value_name = "NAME=VALUE")]
    labels: Vec<String>,
}

impl Workload {
    /// The proxy of the workload that this policy (JSON text) is for.
    ///
    /// # Errors
    /// [`Failure::Usage`] for a label that is none, and where the policy is for several namespaces and none is named.
    pub(crate) fn node(&self, policy: &str) -> Result<Node, Failure> {
        let node = match &self.namespace {
            Some(namespace) => Node { namespace: namespace.clone(), ..native::node() },
            None => native::node_of(policy).map_err(|namespaces| {
                Failure::usage(
                    format!("the policy is for the namespaces {namespaces}"),
                    "say by `--namespace` where the workload is",
                )
            })?,
        };
        let labels: Option<Vec<(String, String)>> = match self.labels.as_slice() {
            [] => None,
            labels => Some(labels.iter().map(|label| pair(label)).collect::<Result<_, _>>()?),
        };
        Ok(Node { labels, ..node })
    }
}

fn pair(label: &str) -> Result<(String, String), Failure> {
    let pair = label.split_once('=').filter(|(name, _)| !name.is_empty());
    let pair = pair.map(|(name, value)| (name.to_owned(), value.to_owned()));
    pair.ok_or_else(|| Failure::usage(format!("`{label}` is no label"), "write `--label app=orders`"))
}
