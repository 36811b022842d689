//! One Envoy with the asking probe before an echo, and the two upstreams that it asks.

use meshward_harness::client::{Client, RawRequest, Response};
use meshward_harness::config::{
    AccessLog, Bootstrap, Cluster, FailurePolicy, Filter, Http, Listener, LogFormat, Wasm,
};
use meshward_harness::echo::Echo;
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use meshward_harness::upstream::{GrpcUpstream, HttpUpstream};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How long anything may take that is waited for.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);
/// The access log that says why: the path, the status, the details.
pub(crate) const WHY: &str = "why";

/// The access log with the note.
pub(crate) const NOTE: &str = "note";

/// What one test wants of its Envoy.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) timeout_millis: u32,
    pub(crate) deadline_millis: u64,
    pub(crate) tick_period_millis: u32,
    pub(crate) tick_path: Option<&'static str>,
    pub(crate) stops_at_headers: bool,
    pub(crate) failure_policy: FailurePolicy,
    pub(crate) idle: &'static str,
    pub(crate) clusters: Vec<Cluster>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            timeout_millis: 10_000,
            deadline_millis: 10_000,
            tick_period_millis: 0,
            tick_path: None,
            stops_at_headers: true,
            failure_policy: FailurePolicy::FailClosed,
            idle: "15s",
            clusters: Vec::new(),
        }
    }
}

/// A running set.
pub(crate) struct Running {
    pub(crate) envoy: Envoy,
    pub(crate) answers: HttpUpstream,
    pub(crate) grpc: GrpcUpstream,
    pub(crate) echo: Echo,
    pub(crate) address: SocketAddr,
    _ports: [Reserved; 2],
}

/// Both Envoys, by their version's name.
pub(crate) fn engines() -> [(&'static str, PathBuf); 2] {
    [("main", "MESHWARD_ENVOY"), ("second", "MESHWARD_ENVOY_SECOND")].map(|(name, variable)| {
        let binary = std::env::var_os(variable);
        (
            name,
            binary
                .map(PathBuf::from)
                .unwrap_or_else(|| panic!("{variable} is not set: run `cargo xtask test --only probes`")),
        )
    })
}

fn module() -> PathBuf {
    let folder = std::env::var_os("MESHWARD_MODULES");
    let folder = folder.expect("MESHWARD_MODULES is not set: run `cargo xtask test --only probes`");
    PathBuf::from(folder).join("asking.wasm")
}

impl Wanted {
    fn configuration(&self) -> String {
        let mut spec = json!({
            "httpCluster": "answers", "grpcCluster": "grpc", "maxBytes": 1000,
            "timeoutMillis": self.timeout_millis, "deadlineMillis": self.deadline_millis,
            "tickPeriodMillis": self.tick_period_millis,
        });
        if let (Some(path), Some(fields)) = (self.tick_path, spec.as_object_mut()) {
            fields.insert("tickPath".to_owned(), Value::from(path));
        }
        json!({
            "apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport",
            "documents": [{
                "apiVersion": "meshward.io/v1alpha1", "kind": "Probe", "metadata": {"name": "probe"}, "spec": spec,
            }],
        })
        .to_string()
    }

    /// The listener with the probe.
    pub(crate) fn listener(&self, address: &str) -> Listener {
        let format = "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%";
        let wasm = Wasm {
            failure_policy: self.failure_policy,
            reload_backoff: (self.failure_policy == FailurePolicy::FailReload).then(|| "0.1s".to_owned()),
            allow_on_headers_stop_iteration: self.stops_at_headers,
            ..Wasm::new(&module(), &self.configuration())
        };
        Listener::on(address)
            .filter(Filter::Wasm(wasm))
            .route_to("/shut", "shut")
            .route_to("/", "echo")
            .http(Http::default().stream_idle_timeout(self.idle))
            .access_log(AccessLog { name: WHY.to_owned(), format: LogFormat::Text(format.to_owned()) })
            .access_log(AccessLog {
                name: NOTE.to_owned(),
                format: LogFormat::Text("%REQ(:PATH)% %FILTER_STATE(wasm.meshward:PLAIN)%".to_owned()),
            })
    }

    /// Starts it in this Envoy.
    pub(crate) fn start(&self, binary: &std::path::Path) -> Running {
        let answers = HttpUpstream::start().expect("an upstream");
        let grpc = GrpcUpstream::start().expect("an upstream");
        let echo = Echo::start().expect("an upstream");
        let port = Reserved::loopback().expect("a port");
        let shut = Reserved::loopback().expect("a port");
        let mut bootstrap = Bootstrap::of(self.listener(&port.address().to_string()))
            .cluster(Cluster::plain("echo", echo.address()))
            .cluster(Cluster::plain("answers", answers.address()))
            .cluster(Cluster::plain("shut", shut.address()))
            .cluster(Cluster::plain("grpc", grpc.address()).http2())
            .watched();
        bootstrap.clusters.extend(self.clusters.iter().cloned());
        let envoy = Envoy::builder(binary).bootstrap(&bootstrap).start().expect("Envoy starts");
        let address = port.address();
        Running { envoy, answers, grpc, echo, address, _ports: [port, shut] }
    }
}

impl Running {
    /// A client with a connection of its own.
    pub(crate) fn client(&self) -> Client {
        Client::plain(self.address).patience(WITHIN)
    }

    /// Sends one request over a connection of its own.
    pub(crate) fn send(&self, request: &RawRequest) -> Response {
        self.client().send(request).expect("an answer")
    }

    /// What the access log says of the request to this path, once it is there: status and details.
    pub(crate) fn why(&self, path: &str) -> String {
        let begin = format!("{path} ");
        let line = self.envoy.wait_access_log(WHY, |line| line.starts_with(&begin), WITHIN).expect("a line");
        line.strip_prefix(&begin).unwrap_or_default().to_owned()
    }
}

/// A request to `path` that makes the probe ask for `ask` at `ask_path`.
pub(crate) fn asking(path: &str, ask: &str, ask_path: &str) -> RawRequest {
    RawRequest::get(path).header("x-ask", ask).header("x-ask-path", ask_path)
}
