//! What is written down of a decision.
//!
//! An [`Event`](meshward_model::Event) becomes one line of OCSF 1.8.0 JSON ([`ocsf::line`]) and, for a refusal, the text that
//! Envoy's access log shows as `%RESPONSE_CODE_DETAILS%` ([`details::of`]). Whatever a caller sent passes through
//! [`text::printable`] first.

pub mod details;
pub mod native;
pub mod ocsf;
mod recorder;
pub mod text;

pub use recorder::{LogOnly, Recorder};
