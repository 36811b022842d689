//! The plugin configuration of each workload: read from `envoy/mesh`, checked, handed over as JSON, with one document taken out on request.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use meshward_model::{Node, Plugin};
use meshward_pipeline::Guard;
use serde_json::Value;

use super::workload::Workload;
use crate::paths;

/// What `--sabotage` takes out: the workload and the document's name.
pub(super) const SABOTAGED: (Workload, &str) = (Workload::Orders, "admin-lockdown");

/// Where a workload's policy is written.
pub(super) fn file(workload: Workload) -> PathBuf {
    paths::root().join("envoy/mesh").join(workload.name()).with_extension("yaml")
}

/// The configuration as the module gets it.
pub(super) fn configuration(workload: Workload, sabotage: bool) -> Result<String> {
    let path = file(workload);
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("could not read {}", paths::short(&path)))?;
    let mut envelope: Value = serde_yaml_ng::from_str(&text)
        .with_context(|| format!("{} is not YAML: correct it", paths::short(&path)))?;
    if sabotage && workload == SABOTAGED.0 {
        take_out(&mut envelope, SABOTAGED.1)?;
    }
    let text = envelope.to_string();
    // Envoy would refuse it as well, at the end of a long log.
    match Guard::configure(text.as_bytes(), &Node::default()) {
        Ok(_) => Ok(text),
        Err(refusal) => bail!("{} is refused\n{refusal}", paths::short(&path)),
    }
}

fn take_out(envelope: &mut Value, name: &str) -> Result<()> {
    let documents = envelope.get_mut("documents").and_then(Value::as_array_mut);
    let Some(documents) = documents else { bail!("there is no document `{name}` to sabotage") };
    let before = documents.len();
    documents.retain(|document| document.pointer("/metadata/name").and_then(Value::as_str) != Some(name));
    if before.checked_sub(documents.len()) != Some(1) {
        bail!("`--sabotage` takes out the document `{name}`, and there is not exactly one of that name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_of_the_mesh_is_accepted_sabotaged_or_not() {
        for workload in Workload::ALL {
            for sabotage in [false, true] {
                let configured = configuration(workload, sabotage);
                assert!(configured.is_ok(), "{workload:?}: {configured:?}");
            }
        }
    }

    #[test]
    fn sabotage_takes_exactly_one_document_out() {
        let count = |sabotage| {
            let text = configuration(SABOTAGED.0, sabotage).expect("the policy can be read");
            text.matches("\"kind\":\"AccessPolicy\"").count()
        };
        assert_eq!(count(true) + 1, count(false));
    }
}
