//! What is written down.
//!
//! An [`Event`](meshward_model::Event) becomes one OCSF 1.8.0 record ([`ocsf::json`]), which a [`Recorder`] sees off: as a line of
//! the proxy's log ([`LogOnly`]), or to what an `EventSink` names, a collector among them ([`Sinks`]). A refusal also becomes the
//! text that Envoy's access log shows as `%RESPONSE_CODE_DETAILS%` ([`details::of`]). Whatever a caller sent passes through an
//! allow-list first ([`Shown`]).

pub mod details;
mod json;
pub mod native;
pub mod ocsf;
mod recorder;
mod shown;
pub mod sinks;
pub mod text;

pub use recorder::{LogOnly, Recorder};
pub use shown::{Shown, is_host, is_path, words};
pub use sinks::Sinks;
