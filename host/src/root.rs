//! A plugin's root context in one VM.

use std::collections::HashMap;
use std::sync::Arc;

use crate::Plugin;
use crate::header_map::HeaderMap;
use crate::property::Prototype;

/// The answer of an HTTP call while it is delivered.
#[derive(Debug)]
pub(crate) struct HttpAnswer {
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Vec<u8>,
    /// Its trailers.
    pub(crate) trailers: Option<HeaderMap>,
}

/// A plugin's root context (Envoy `context.h`, a root's `Context`).
#[derive(Debug)]
pub(crate) struct Root {
    /// The plugin as it is configured here.
    pub(crate) plugin: Arc<Plugin>,
    /// Its place in the chain.
    pub(crate) place: usize,
    /// The configuration can be read now (`temp_plugin_`).
    pub(crate) configuring: bool,
    /// `in_vm_context_created_`.
    pub(crate) created: bool,
    /// The timer's period in nanoseconds; 0 is off.
    pub(crate) period: u64,
    /// When the timer fires next.
    pub(crate) next_tick: Option<u64>,
    /// The answer of an HTTP call, while it is delivered.
    pub(crate) http: Option<HttpAnswer>,
    /// The message of a gRPC call, while it is delivered.
    pub(crate) grpc: Option<Vec<u8>>,
    /// Initial metadata of a gRPC stream, while it is delivered.
    pub(crate) grpc_initial: Option<HeaderMap>,
    /// Trailing metadata of a gRPC stream, while it is delivered.
    pub(crate) grpc_trailing: Option<HeaderMap>,
    /// `status_code_`.
    pub(crate) status: u32,
    /// `status_message_`.
    pub(crate) status_message: String,
    /// Properties that were declared (`state_prototypes_`).
    pub(crate) prototypes: HashMap<Vec<u8>, Prototype>,
}

impl Root {
    /// A root in which nothing has happened yet.
    pub(crate) fn new(plugin: Arc<Plugin>, place: usize) -> Self {
        Self {
            plugin,
            place,
            configuring: false,
            created: false,
            period: 0,
            next_tick: None,
            http: None,
            grpc: None,
            grpc_initial: None,
            grpc_trailing: None,
            status: 0,
            status_message: String::new(),
            prototypes: HashMap::new(),
        }
    }
}
