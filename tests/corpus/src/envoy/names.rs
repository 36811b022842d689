//! What is called otherwise in the running Envoy than in a policy.
//!
//! A policy may speak of ports, and a fixed port may be taken on the machine that runs the tests. So each port of the corpus
//! stands for a reserved one, and the policy that Envoy gets names that one instead: in `ports`, `notPorts` and the values of
//! `destination.port`, nowhere else. Clusters are those of the case.

use meshward_harness::ports::Reserved;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The names of one listener.
pub(super) struct Names<'a> {
    /// By the corpus's port and the group.
    pub(super) ports: &'a BTreeMap<(u16, usize), Reserved>,
    /// Which of the ports that stand for one of the corpus's.
    pub(super) group: usize,
    pub(super) clusters: &'a BTreeMap<String, String>,
}

impl Names<'_> {
    /// The configuration with the names of the running Envoy.
    pub(super) fn replaced(&self, configuration: &str) -> Result<String, serde_json::Error> {
        let mut value: Value = serde_json::from_str(configuration)?;
        self.replace(&mut value);
        Ok(value.to_string())
    }

    fn replace(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let of_port = fields.get("key").and_then(Value::as_str) == Some("destination.port");
                for (name, value) in fields {
                    let ports = matches!(name.as_str(), "ports" | "notPorts")
                        || of_port && matches!(name.as_str(), "values" | "notValues");
                    match value {
                        Value::Array(values) if ports => values.iter_mut().for_each(|value| self.port(value)),
                        Value::String(cluster) if name == "cluster" => {
                            if let Some(called) = self.clusters.get(cluster) {
                                cluster.clone_from(called);
                            }
                        }
                        Value::Null
                        | Value::Bool(_)
                        | Value::Number(_)
                        | Value::String(_)
                        | Value::Array(_)
                        | Value::Object(_) => self.replace(value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.replace(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn port(&self, value: &mut Value) {
        let port = value.as_str().and_then(|text| text.parse::<u16>().ok());
        let reserved = port.and_then(|port| {
            let of_group = self.ports.get(&(port, self.group));
            of_group.or_else(|| self.ports.get(&(port, 0)))
        });
        if let Some(reserved) = reserved {
            *value = json!(reserved.port().to_string());
        }
    }
}
