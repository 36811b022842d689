//! The order of stages, and what is written down at the end.
//!
//! A [`Pipeline`] is what a plugin is: it is assembled from a configuration ([`Assemble`]), decides a request by its stage, and
//! makes the report. Every plugin is the same pipeline around another stage; the `meshward` command enters at the same door.

mod assemble;
mod authz;
mod pipeline;
mod report;
#[cfg(feature = "schema")]
mod schema;

pub use assemble::{Assemble, Documents};
pub use authz::{ALLOWED, Authz, DENIED, MEMORY_GAUGE, SHADOW_DENIED};
pub use meshward_model::{AskingCounters, Counter};
pub use pipeline::Pipeline;
pub use report::Names;
#[cfg(feature = "schema")]
pub use schema::schema;
