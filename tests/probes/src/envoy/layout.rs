//! The configuration of one Envoy: a listener for each behaviour, the clusters, and one listener without a module.

use super::Servers;
use super::peers::Peers;
use crate::ProbeError;
use crate::behaviour::{Behaviour, Peer, Plugin, Policy};
use meshward_harness::client::Client;
use meshward_harness::config::{
    AccessLog, Bootstrap, Cluster, FailurePolicy, Filter, Http, Listener, LogFormat, Wasm,
};
use meshward_harness::ports::Reserved;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The access log of all listeners.
pub(super) const ACCESS_LOG: &str = "probes";
/// Thread, level and text of a line of Envoy's log.
pub(super) const LOG_FORMAT: &str = "%t|%l|%v";

/// Listeners and what they run.
pub(super) struct Layout {
    module: PathBuf,
    chains: Vec<Vec<Plugin>>,
    clients: Vec<Option<Peer>>,
    peers: Peers,
    ports: Vec<Reserved>,
    fence: Reserved,
}

impl Layout {
    pub(super) fn new(module: &Path, behaviours: &[Behaviour]) -> Result<Self, ProbeError> {
        let port = || Reserved::loopback().map_err(|error| ProbeError::new(format!("no free port: {error}")));
        Ok(Self {
            module: module.to_owned(),
            chains: behaviours.iter().map(Behaviour::chain).collect(),
            clients: behaviours.iter().map(|behaviour| behaviour.peer.clone()).collect(),
            peers: Peers::new()?,
            ports: behaviours.iter().map(|_| port()).collect::<Result<_, _>>()?,
            fence: port()?,
        })
    }

    /// Where a behaviour's listener is.
    pub(super) fn address(&self, number: usize) -> Option<SocketAddr> {
        self.ports.get(number).map(Reserved::address)
    }

    /// Where the worker answers by itself: an answer from there means that it has done everything before.
    pub(super) fn fence(&self) -> SocketAddr {
        self.fence.address()
    }

    /// The TLS client of a behaviour that has one.
    pub(super) fn client(&self, number: usize) -> Option<Result<Client, String>> {
        let peer = self.clients.get(number)?.as_ref()?;
        Some(self.peers.client(self.address(number)?, peer))
    }

    /// How many plugins a behaviour has.
    pub(super) fn plugins(&self, number: usize) -> usize {
        self.chains.get(number).map_or(0, Vec::len)
    }

    /// Another script for a plugin; gives the old one back.
    pub(super) fn change(&mut self, number: usize, plugin: usize, script: &str) -> Option<String> {
        let plugin = self.chains.get_mut(number)?.get_mut(plugin)?;
        Some(std::mem::replace(&mut plugin.script, script.to_owned()))
    }

    pub(super) fn bootstrap(&self, servers: &Servers) -> Bootstrap {
        let trailers = json!({"typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": {"enable_trailers": true}},
            },
        }});
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        Bootstrap::new(self.listeners())
            .cluster(Cluster::plain("upstream", servers.upstream.address()).patched(trailers.clone()))
            .cluster(Cluster::plain("target", servers.target.address()).patched(trailers))
            .cluster(Cluster::plain("grpc", servers.grpc.address()).http2())
            .cluster(Cluster::plain("nobody", nobody))
            .watched()
    }

    pub(super) fn listeners(&self) -> Vec<Listener> {
        let fence = Listener::on(self.fence()).named("fence");
        let behaviours = self.chains.iter().zip(&self.ports).enumerate();
        behaviours
            .map(|(number, (chain, port))| self.listener(number, chain, port))
            .chain(std::iter::once(fence))
            .collect()
    }

    fn listener(&self, number: usize, chain: &[Plugin], port: &Reserved) -> Listener {
        let listener = Listener::on(port.address())
            .named(&format!("behaviour-{number}"))
            .http(http())
            .access_log(access_log(number))
            .route_to("/", "upstream");
        let listener = match self.clients.get(number) {
            Some(Some(peer)) => listener.tls(self.peers.listener(peer)),
            Some(None) | None => listener,
        };
        chain.iter().enumerate().fold(listener, |listener, (place, plugin)| {
            listener.filter(Filter::Wasm(self.wasm(number, place, plugin)))
        })
    }

    fn wasm(&self, number: usize, place: usize, plugin: &Plugin) -> Wasm {
        let mut wasm = Wasm::new(&self.module, &named(&plugin.script, number));
        wasm.name = plugin_name(number, place);
        wasm.root_id.clone_from(&wasm.name);
        wasm.vm_id = vm_id(number, place, plugin);
        wasm.allow_on_headers_stop_iteration = plugin.stops_at_headers;
        wasm.failure_policy = match plugin.failure_policy {
            Policy::Closed => FailurePolicy::FailClosed,
            Policy::Open => FailurePolicy::FailOpen,
            Policy::Reload => FailurePolicy::FailReload,
        };
        let mut vm = Map::new();
        if !plugin.vm_script.is_empty() {
            let text = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": plugin.vm_script});
            vm.insert("configuration".to_owned(), text);
        }
        if !plugin.environment.is_empty() {
            let values: Map<String, Value> =
                plugin.environment.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            vm.insert("environment_variables".to_owned(), json!({"key_values": values}));
        }
        wasm.patch = json!({"vm_config": vm});
        wasm
    }
}

/// The name of a plugin, which no other behaviour's has.
pub(crate) fn plugin_name(number: usize, place: usize) -> String {
    format!("b{number}-{place}")
}

/// The id of a plugin's VM.
pub(crate) fn vm_id(number: usize, place: usize, plugin: &Plugin) -> String {
    let word = if plugin.vm.is_empty() { place.to_string() } else { plugin.vm.clone() };
    format!("b{number}-{word}")
}

/// A script for one behaviour: `@B@` in it begins every name that other behaviours must not share.
pub(crate) fn named(text: &str, number: usize) -> String {
    text.replace("@B@", &format!("b{number}-"))
}

/// The same text for whoever reads transcripts.
pub(crate) fn unnamed(text: &str, number: usize) -> String {
    text.replace(&format!("b{number}-"), "@B@")
}

/// Our request IDs are kept, and trailers of HTTP/1.1 come through.
fn http() -> Http {
    let patch = json!({
        "generate_request_id": false,
        "preserve_external_request_id": true,
        "http_protocol_options": {"enable_trailers": true},
    });
    Http { patch, ..Http::default() }
}

fn access_log(number: usize) -> AccessLog {
    let number = number.to_string();
    let fields = [
        ("behaviour", number.as_str()),
        ("id", "%REQ(X-REQUEST-ID)%"),
        ("details", "%RESPONSE_CODE_DETAILS%"),
        ("note", "%FILTER_STATE(wasm.note:PLAIN)%"),
    ];
    let fields = fields.into_iter().map(|(name, format)| (name.to_owned(), json!(format))).collect();
    AccessLog { name: ACCESS_LOG.to_owned(), format: LogFormat::Json(fields) }
}
