//! From a configuration's bytes to its envelope, and to the documents in it that are for a workload.
//!
//! Here and not where they are used, since reading text is built for size in this crate.

use meshward_model::{Code, Node, Problem};

use crate::envelope::RawEnvelope;
use crate::parse::{MAX_CONFIGURATION_BYTES, fault, parse, problem};
use crate::select::select;
use crate::tree::Tree;
use crate::workload::Workload;

/// (path, kind, text) of a document.
pub type Selected<'a> = (String, String, &'a str);

impl RawEnvelope {
    /// Reads a configuration.
    ///
    /// # Errors
    /// What is no envelope.
    #[inline(never)]
    pub fn read(configuration: &[u8]) -> Result<Self, Problem> {
        if configuration.len() > MAX_CONFIGURATION_BYTES {
            return Err(fault(
                Code::TooLarge,
                format_args!(""),
                format_args!("{} bytes, at most {MAX_CONFIGURATION_BYTES} are read", configuration.len()),
                "split the configuration by workload",
            ));
        }
        if configuration.is_empty() {
            let help = "give the plugin a PluginConfig; `policies/` has examples to copy";
            return Err(problem(Code::NothingThere, "", "there is no configuration", help));
        }
        let text = core::str::from_utf8(configuration).map_err(|error| {
            fault(
                Code::NotUtf8,
                format_args!(""),
                format_args!("not UTF-8: {error}"),
                "save the configuration as UTF-8",
            )
        })?;
        parse(text, "").map_err(|mut wrong| {
            if wrong.message == "missing field `peerVerifiedBy`" || wrong.path == "peerVerifiedBy" {
                wrong.help = "write `peerVerifiedBy: transport` on Istio (STRICT or PERMISSIVE) and Consul; `connection` only where the listener accepts unverified client certificates (needs Envoy 1.40 and no TLS session resumption)".to_owned();
            }
            wrong
        })
    }

    /// The documents that are for the workload of this proxy, in their order.
    ///
    /// # Errors
    /// What is wrong with `workload`; with documents of which it cannot be told whether they are for this one; with documents that
    /// are and do not say their kind.
    #[inline(never)]
    pub fn documents_for(&self, node: &Node) -> Result<Vec<Selected<'_>>, Vec<Problem>> {
        let said = self.workload.as_ref().map(|said| parse::<Tree>(said.get(), "workload")).transpose();
        let said = said.map_err(|problem| vec![problem])?;
        let workload = Workload::new(node, said.as_ref(), self.root_namespace.as_deref());
        select(&self.documents, &workload.map_err(|problem| vec![problem])?)
    }
}
