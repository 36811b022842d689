//! An embedded proxy-wasm host that behaves as Envoy does, faults included.
//!
//! A [`Proxy`] is driven: nothing happens between two calls. The caller opens streams, hands over bytes, moves the clock and
//! answers callouts; the proxy runs the plugins' callbacks in Envoy's order and says where each stream stands.
#![doc = include_str!("../README.md")]

mod attribute_values;
mod attributes;
mod builder;
mod callout;
mod chain;
mod events;
mod fault;
mod filter;
mod header_map;
mod hostcalls;
mod memory;
mod message;
mod metrics;
mod module;
mod pairs;
mod plugin;
mod progress;
mod property;
mod protobuf;
mod proxy;
mod queue;
mod reply;
mod required;
mod root;
mod shared_data;
mod signature;
mod start;
mod status;
mod stream;
mod view;
mod vm;
mod world;

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
