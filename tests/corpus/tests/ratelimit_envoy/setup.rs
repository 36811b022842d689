//! An Envoy with the plugin, and an upstream that answers with the status that the path names.

use meshward_corpus::engines::{self, Modules};
use meshward_harness::client::{Client, RawRequest, Response};
use meshward_harness::config::{Bootstrap, Cluster, FailurePolicy, Filter, Listener, Wasm};
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use meshward_harness::upstream::{HttpUpstream, Reply};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How long anything may take that is waited for.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);

/// What stands in an Envoy.
pub(crate) struct Wanted {
    pub(crate) workers: u32,
    pub(crate) configuration: Value,
    pub(crate) module: PathBuf,
    /// Whether requests are answered by Envoy itself, which is quicker.
    pub(crate) direct: bool,
}

/// A running set.
pub(crate) struct Running {
    pub(crate) envoy: Envoy,
    address: SocketAddr,
    /// The listener of the plugin that writes whatever it is told to into shared data.
    writer: SocketAddr,
    wanted: Wanted,
    upstream: HttpUpstream,
    ports: [Reserved; 2],
}

pub(crate) fn module(name: &str) -> PathBuf {
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    modules.of(name).unwrap_or_else(|remedy| panic!("{remedy}"))
}

/// The configuration of a role with one document.
pub(crate) fn configuration(role: &str, kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "PluginConfig",
        "peerVerifiedBy": "transport",
        "role": role,
        "documents": [{
            "apiVersion": "meshward.io/v1alpha1",
            "kind": kind,
            "metadata": {"name": "slow", "namespace": "shop"},
            "spec": spec,
        }],
    })
}

/// One limit of scope `proxy` by the header `x-key`.
pub(crate) fn by_header(requests: u64, seconds: u64, burst: u64) -> Value {
    let limit = json!({
        "name": "per-key",
        "rate": {"requests": requests, "perSeconds": seconds},
        "burst": burst,
        "key": [{"header": "x-key"}],
        "scope": "proxy",
    });
    configuration("quota", "RateLimit", &json!({"limits": [limit]}))
}

impl Wanted {
    pub(crate) fn new(workers: u32, configuration: Value) -> Self {
        Self { workers, configuration, module: module("ratelimit"), direct: false }
    }

    pub(crate) fn start(self) -> Running {
        let upstream = HttpUpstream::answering("127.0.0.1:0", |seen| {
            let status = seen.path.split('/').nth(1).and_then(|status| status.parse().ok());
            Reply::status(status.unwrap_or(200))
        })
        .expect("an upstream");
        let ports = [(); 2].map(|()| Reserved::loopback().expect("a port"));
        let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
        let [address, writer] = [ports[0].address(), ports[1].address()];
        let writing = json!({
            "apiVersion": "meshward.io/v1alpha1",
            "kind": "PluginConfig",
            "peerVerifiedBy": "transport",
            "documents": [{
                "apiVersion": "meshward.io/v1alpha1",
                "kind": "Probe",
                "metadata": {"name": "writer"},
                "spec": {
                    "httpCluster": "upstream", "grpcCluster": "upstream", "maxBytes": 1_000,
                    "timeoutMillis": 1_000, "deadlineMillis": 1_000, "tickPeriodMillis": 0,
                },
            }],
        });
        let listeners = vec![
            listener(address, &self, ""),
            Listener::on(writer)
                .named("writer")
                .filter(Filter::Wasm(Wasm::new(&module("asking"), &writing.to_string()))),
        ];
        let bootstrap =
            Bootstrap::new(listeners).cluster(Cluster::plain("upstream", upstream.address())).watched();
        let envoy = Envoy::builder(&binary).bootstrap(&bootstrap).concurrency(self.workers).start();
        Running { envoy: envoy.expect("Envoy starts"), address, writer, wanted: self, upstream, ports }
    }
}

/// The listener of the plugin. `vm` makes a VM of its own of it.
fn listener(address: SocketAddr, wanted: &Wanted, vm: &str) -> Listener {
    let mut wasm = Wasm::new(&wanted.module, &wanted.configuration.to_string());
    wasm.failure_policy = FailurePolicy::FailReload;
    wasm.reload_backoff = Some("0.05s".to_owned());
    if !vm.is_empty() {
        let value = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": vm});
        wasm.patch = json!({"vm_config": {"configuration": value}});
    }
    let listener = Listener::on(address).filter(Filter::Wasm(wasm));
    if wanted.direct { listener } else { listener.route_to("/", "upstream") }
}

impl Running {
    pub(crate) fn client(&self) -> Client {
        Client::plain(self.address)
    }

    pub(crate) fn send(&self, request: &RawRequest) -> Response {
        self.client().send(request).expect("an answer")
    }

    /// A request of the caller at `address`, which the upstream answers with `status`.
    pub(crate) fn from(&self, address: &str, status: u16, path: &str) -> Response {
        let request = RawRequest::get(format!("/{status}/{path}")).host("orders");
        // Without `use_remote_address`, what Envoy calls the source address is the last of these.
        self.send(&request.header("x-forwarded-for", address))
    }

    /// A request whose key is `key`.
    pub(crate) fn with_key(&self, key: &str) -> Response {
        self.send(&RawRequest::get("/").host("orders").header("x-key", key))
    }

    /// Has every VM replaced by a new one, which remembers nothing.
    pub(crate) fn replace_vms(&mut self) {
        let writer = self.listeners_of_writer();
        let listeners = [listener(self.address, &self.wanted, "another"), writer];
        let pushed = self.envoy.push_listeners(&listeners).expect("an outcome");
        assert!(matches!(pushed, meshward_harness::envoy::Pushed::Accepted), "{pushed:?}");
    }

    fn listeners_of_writer(&self) -> Listener {
        Listener::on(self.writer).named("writer")
    }

    /// Writes `value` over a slot of shared data, whatever it holds.
    pub(crate) fn overwrite(&self, client: &mut Client, slot: &str, value: &str) {
        let request = RawRequest::get("/write").host("writer").header("x-ask", "store");
        let request = request.header("x-ask-path", slot).header("x-message", value);
        let answer = client.send(&request).expect("an answer");
        assert_eq!(answer.status, 200, "{slot}: {}", answer.text());
    }

    pub(crate) fn writer(&self) -> Client {
        Client::plain(self.writer)
    }

    pub(crate) fn requests_upstream(&self) -> usize {
        self.upstream.seen().len()
    }

    pub(crate) fn counter(&self, name: &str) -> u64 {
        self.envoy.stat(&format!("wasmcustom.{name}")).expect("a statistic")
    }

    /// The changes that findings in Envoy's log tell, with the caller.
    pub(crate) fn findings(&self) -> Vec<(String, Value)> {
        let lines = self.envoy.log();
        let events = lines.iter().filter_map(|line| line.split_once("meshward.event "));
        events
            .filter_map(|(_, json)| serde_json::from_str::<Value>(json).ok())
            .filter(|event| event["class_uid"] == 2004)
            .map(|event| (event["finding_info"]["uid"].as_str().unwrap_or_default().to_owned(), event))
            .collect()
    }

    pub(crate) fn keeps_ports(&self) -> usize {
        self.ports.len()
    }
}

pub(crate) fn text<'a>(response: &'a Response, header: &str) -> &'a str {
    let value = response.header(header).unwrap_or_else(|| panic!("no `{header}`: {response:?}"));
    core::str::from_utf8(value).expect("text")
}
