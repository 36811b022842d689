//! The only translation between the proxy-wasm ABI and meshward's words.
//!
//! Five rooms, one door between neighbours: [`read`](crate) host bytes into a `Head`, let the plugin decide, drive its steps,
//! act on the verdict, write the report. The adapter knows the trait [`Plugin`] and no feature. It has
//! one fallback, and that denies. Only `hostcalls.rs` talks to the host: bytes, and every status a `Result`.
//!
//! A plugin is one line: [`plugin!`].

mod act;
mod alarm;
mod asked;
mod configured;
mod drive;
#[doc(hidden)]
pub mod exports;
pub mod hostcalls;
mod moment;
mod parked;
mod read;
mod report;
mod root;
mod streams;
mod wire;
mod worker;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod drive_tests;

pub use act::{Acts, Stuck};
pub use meshward_model::Plugin;
pub use worker::{Action, Worker, refuse_internal};
