//! What a module sees of its host: the same scripts in real Envoys and in the embedded host, the same transcripts.
//!
//! A behaviour (`behaviours/*.yaml`) is a script for the probe module, what a client does, and the transcript that every door
//! must give: what the module wrote, what the client got, what upstream and callouts' target saw.
//!
//! * [`behaviour`]: the form of the files; [`files`]: reading them, and writing what Envoy 1.40 gave (`MESHWARD_BLESS=1`)
//! * [`answer`]: what upstream and target answer
//! * [`envoy`]: the doors that are real Envoys; [`host`]: the embedded host's
//! * [`transcript`]: what is compared

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test tool, not shipped: an overflow here stops a test, it does not open a door"
)]

pub mod answer;
pub mod behaviour;
pub mod differences;
pub mod engines;
pub mod envoy;
pub mod files;
pub mod grpc;
pub mod host;
// The module's own reader of scripts, here to find mistakes before a proxy does.
#[path = "../module/src/script.rs"]
mod script;
pub mod server;
pub mod transcript;
pub mod wire;

/// A door that could not be run, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ProbeError(String);

impl ProbeError {
    /// Of this text.
    pub fn new(text: impl ToString) -> Self {
        Self(text.to_string())
    }
}
