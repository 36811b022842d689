//! HTTP filters: a Wasm module, a stand-in for a waypoint's peer, or anything else as JSON.

use super::merge;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// One HTTP filter of a listener, before the router.
#[derive(Debug, Clone)]
pub enum Filter {
    /// A proxy-wasm module.
    Wasm(Wasm),
    /// Sets a filter-state string from a format such as `%REQ(x-peer)%`; an empty result sets nothing.
    FilterState {
        /// The key, such as `io.istio.peer_principal`.
        key: String,
        /// Envoy's command operators.
        format: String,
    },
    /// Any filter: `{"name": …, "typed_config": {"@type": …}}`.
    Raw(Value),
}

impl Filter {
    /// Imitates a waypoint: the peer's principal comes from a request header.
    #[must_use]
    pub fn peer_principal_from_header(header: &str) -> Self {
        Self::FilterState { key: "io.istio.peer_principal".to_owned(), format: format!("%REQ({header})%") }
    }

    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Wasm(wasm) => wasm.to_json(),
            Self::FilterState { key, format } => filter_state(key, format),
            Self::Raw(filter) => filter.clone(),
        }
    }
}

/// What happens to requests when the module's VM has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailurePolicy {
    /// Refused until the configuration changes.
    #[default]
    FailClosed,
    /// Refused until the VM is back; see [`Wasm::reload_backoff`].
    FailReload,
    /// Lets requests through unfiltered.
    FailOpen,
}

/// A proxy-wasm module as an HTTP filter.
#[derive(Debug, Clone)]
pub struct Wasm {
    /// The filter's name; two filters of one listener need two names.
    pub name: String,
    /// The module's file.
    pub module: PathBuf,
    /// The plugin configuration's text, handed over as a `StringValue`; none: no configuration.
    pub configuration: Option<String>,
    /// The root ID, which a module with several roots chooses by.
    pub root_id: String,
    /// Plugins with one VM ID (and one module) share a VM per worker, and the shared data.
    pub vm_id: String,
    /// See [`FailurePolicy`].
    pub failure_policy: FailurePolicy,
    /// How long a failed VM stays away at least under [`FailurePolicy::FailReload`], such as `0.1s` (Envoy's default is 1 s).
    pub reload_backoff: Option<String>,
    /// Lets the module stop at the headers while the body waits.
    pub allow_on_headers_stop_iteration: bool,
    /// Merged over the `PluginConfig`.
    pub patch: Value,
}

impl Wasm {
    /// This module with this configuration: VM `meshward`, root `meshward`, fail closed, may stop at headers.
    #[must_use]
    pub fn new(module: &Path, configuration: &str) -> Self {
        Self {
            name: "meshward".to_owned(),
            module: module.to_owned(),
            configuration: Some(configuration.to_owned()),
            root_id: "meshward".to_owned(),
            vm_id: "meshward".to_owned(),
            failure_policy: FailurePolicy::FailClosed,
            reload_backoff: None,
            allow_on_headers_stop_iteration: true,
            patch: Value::Null,
        }
    }

    fn to_json(&self) -> Value {
        let policy = match self.failure_policy {
            FailurePolicy::FailClosed => "FAIL_CLOSED",
            FailurePolicy::FailReload => "FAIL_RELOAD",
            FailurePolicy::FailOpen => "FAIL_OPEN",
        };
        let mut plugin = json!({
            "name": self.name,
            "root_id": self.root_id,
            "failure_policy": policy,
            "allow_on_headers_stop_iteration": self.allow_on_headers_stop_iteration,
            "vm_config": {
                "vm_id": self.vm_id,
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": self.module}},
            },
        });
        if let (Some(text), Some(fields)) = (&self.configuration, plugin.as_object_mut()) {
            let value = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text});
            fields.insert("configuration".to_owned(), value);
        }
        if let (Some(interval), Some(fields)) = (&self.reload_backoff, plugin.as_object_mut()) {
            fields.insert("reload_config".to_owned(), json!({"backoff": {"base_interval": interval}}));
        }
        merge(&mut plugin, &self.patch);
        json!({"name": self.name, "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": plugin,
        }})
    }
}

fn filter_state(key: &str, format: &str) -> Value {
    json!({"name": format!("set {key}"), "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.set_filter_state.v3.Config",
        "on_request_headers": [{
            "object_key": key,
            "factory_key": "envoy.string",
            "format_string": {"text_format_source": {"inline_string": format}, "omit_empty_values": true},
            "skip_if_empty": true,
        }],
    }})
}
