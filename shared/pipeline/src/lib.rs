//! The order of stages, and what is written down at the end.
//!
//! A [`Pipeline`] is what a plugin is: it is assembled from a configuration ([`Assemble`]), decides a request by its stages, and
//! makes the report. Every plugin is the same pipeline around other stages ([`Chain`]); the `meshward` command enters at the same
//! door.

mod assemble;
mod audience;
mod authn;
mod authz;
mod chain;
mod conclude;
mod guard;
mod handover;
mod note;
mod pipeline;
mod ratelimit;
mod report;
#[cfg(feature = "schema")]
mod schema;
mod sentinel;
#[cfg(feature = "split")]
pub mod split;

pub use assemble::{Assemble, Documents, Takes};
pub use audience::{homes, workloads};
pub use authn::Authn;
pub use authz::{ALLOWED, Authz, DENIED, MEMORY_GAUGE, SHADOW_DENIED};
pub use chain::{Chain, Owns};
pub use guard::Guard;
pub use meshward_event::LogOnly;
pub use meshward_model::{AskingCounters, Counter};
pub use pipeline::Pipeline;
pub use ratelimit::Ratelimit;
pub use report::Names;
#[cfg(feature = "schema")]
pub use schema::schema;
pub use sentinel::{Sentinel, Watch};
