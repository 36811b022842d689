//! Whom the probe asks, and how long it waits: the spec of a document of kind `Probe`.

use meshward_config::{RawDocument, parse, problem};
use meshward_model::{Code, Refusal};
use serde::Deserialize;

/// The spec.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where HTTP questions go.
    pub(crate) http_cluster: String,
    /// Where gRPC questions go.
    pub(crate) grpc_cluster: String,
    /// How long a call may take.
    pub(crate) timeout_millis: u32,
    /// How long a request waits.
    pub(crate) deadline_millis: u64,
    /// How often the timer fires; 0: never.
    #[serde(default)]
    pub(crate) tick_period_millis: u32,
    /// What is asked over HTTP at each tick.
    #[serde(default)]
    pub(crate) tick_path: Option<String>,
    /// The longest answer that is read.
    pub(crate) max_bytes: u32,
}

/// Reads the one document.
pub(crate) fn read(documents: &[(String, String, &str)]) -> Result<Settings, Refusal> {
    let [(path, _, json)] = documents else {
        let message = format!("{} documents", documents.len());
        return Err(
            problem(Code::WrongType, "documents", message, "write one document of kind `Probe`").into()
        );
    };
    let document: RawDocument<Settings> = parse(json, path)?;
    document.spec.ok_or_else(|| problem(Code::NoSpec, path.as_str(), "there is no spec", "write one").into())
}
