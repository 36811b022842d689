//! An embedded proxy-wasm host that behaves as Envoy does, faults included.
//!
//! A [`Proxy`] is driven: nothing happens between two calls. The caller opens streams, hands over bytes, moves the clock and
//! answers callouts; the proxy runs the plugins' callbacks in Envoy's order and says where each stream stands.

mod attributes;
mod builder;
mod callout;
mod fault;
mod message;
mod module;
mod plugin;
mod progress;
mod proxy;
mod status;

pub use attributes::{Attributes, Tls, Value};
pub use builder::{Builder, StartError};
pub use callout::{Callout, CalloutAnswer, CalloutId, CalloutKind};
pub use fault::{Fault, FaultKind, Faults};
pub use message::{Headers, Message};
pub use module::{HostError, Module};
pub use plugin::{FailurePolicy, Node, Plugin};
pub use progress::{LocalReply, LogLevel, LogLine, Progress, VmState};
pub use proxy::{Proxy, Refused, Stream};
pub use status::Status;
