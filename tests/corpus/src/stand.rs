//! One guarded listener for a test of its own: what the corpus' tables cannot say.

use meshward_harness::config::{
    AccessLog, Bootstrap, Cluster, Filter, Http, Listener, LogFormat, Node, Wasm,
};
use meshward_harness::echo::Echo;
use meshward_harness::envoy::{Builder, Envoy};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The name of the access log of [`Stand::listener`].
pub const ACCESS_LOG: &str = "access";
const UPSTREAM: &str = "echo";

/// Where the module is, and an upstream behind it.
#[derive(Debug)]
pub struct Stand {
    /// The upstream that says what it saw.
    pub echo: Echo,
    module: PathBuf,
}

impl Stand {
    /// With the module that `cargo xtask test` built.
    ///
    /// # Errors
    /// The remedy, when something is not there.
    pub fn new() -> Result<Self, String> {
        let echo = Echo::start().map_err(|error| format!("no upstream: {error}"))?;
        Ok(Self { echo, module: crate::engines::module()? })
    }

    /// A plaintext listener with the module, which gets `configuration` as it is, before the upstream. A line of its access log
    /// reads `id code details`.
    pub fn listener(&self, address: SocketAddr, http: Http, configuration: &str) -> Listener {
        let format = "%REQ(X-REQUEST-ID)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%".to_owned();
        Listener::on(address)
            .http(Http { patch: keeping_ids(), ..http })
            .access_log(AccessLog { name: ACCESS_LOG.to_owned(), format: LogFormat::Text(format) })
            .filter(Filter::Wasm(Wasm::new(&self.module, configuration)))
            .route_to("/", UPSTREAM)
    }

    /// What a whole Envoy is told: a workload `orders` of the namespace `shop`.
    pub fn bootstrap(&self, listeners: Vec<Listener>) -> Bootstrap {
        let upstream = Cluster::plain(UPSTREAM, self.echo.address());
        Bootstrap::new(listeners).node(Node::workload("shop", "orders")).cluster(upstream)
    }

    /// An Envoy with one worker, so that the next request meets the same VM.
    pub fn envoy(&self, binary: &Path, bootstrap: &Bootstrap) -> Builder {
        Envoy::builder(binary).bootstrap(bootstrap).concurrency(1)
    }
}

/// The caller's `x-request-id` is kept, so that a line can be told by it.
pub fn keeping_ids() -> Value {
    json!({"generate_request_id": false, "preserve_external_request_id": true})
}

/// The JSON text of a configuration that is written as YAML.
///
/// # Errors
/// When it is not YAML.
pub fn configuration(yaml: &str) -> Result<String, String> {
    let value: serde_yaml_ng::Value = serde_yaml_ng::from_str(yaml).map_err(|error| error.to_string())?;
    serde_json::to_string(&value).map_err(|error| error.to_string())
}

/// The requests that the module has decided so far: (allowed, denied).
///
/// # Errors
/// When Envoy does not answer.
pub fn decided(envoy: &Envoy) -> Result<(u64, u64), String> {
    let count = |what: &str| {
        envoy.stat(&format!("wasmcustom.meshward_authz_{what}_total")).map_err(|error| error.to_string())
    };
    Ok((count("allowed")?, count("denied")?))
}

/// The events in Envoy's log so far.
pub fn events(envoy: &Envoy) -> Vec<Value> {
    let lines = envoy.log();
    let json = lines.iter().filter_map(|line| line.split_once("meshward.event "));
    json.filter_map(|(_, json)| serde_json::from_str(json).ok()).collect()
}
