//! One Envoy with `authn` before an echo, and the server of an issuer's keys.

use meshward_cases::mint::{Key, Mint, jwks};
use meshward_corpus::engines::{self, Modules};
use meshward_harness::client::{Client, RawRequest, Response};
use meshward_harness::config::{AccessLog, Bootstrap, Cluster, Filter, Http, Listener, LogFormat, Wasm};
use meshward_harness::echo::Echo;
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use meshward_harness::upstream::{HttpUpstream, Reply};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long anything may take that is waited for.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);
/// Where the keys are served.
pub(crate) const KEYS: &str = "/keys";
const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "shop";
/// The access log that says why: the path, the status, the details.
const WHY: &str = "why";

/// A running set.
pub(crate) struct Running {
    pub(crate) envoy: Envoy,
    pub(crate) id: HttpUpstream,
    address: SocketAddr,
    _echo: Echo,
    _port: Reserved,
}

/// Both Envoys, by their version's name.
pub(crate) fn envoys() -> [(&'static str, PathBuf); 2] {
    let there = |binary: Result<PathBuf, String>| binary.unwrap_or_else(|remedy| panic!("{remedy}"));
    [("main", there(engines::main())), ("second", there(engines::second()))]
}

/// A key by its name.
pub(crate) fn key(name: &str) -> Key {
    Key::named(name).expect("a test key")
}

/// A set of these keys, served.
pub(crate) fn set(keys: &[&Key]) -> Reply {
    Reply::status(200).header("content-type", "application/json").body(jwks(keys.iter().copied()))
}

/// A good token for the next five minutes, whose subject is `subject`.
pub(crate) fn token(key: &Key, subject: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let now = i64::try_from(now).expect("before 292 billion");
    Mint::new(key, ISSUER, AUDIENCE, now).claim("sub", subject).text()
}

/// A request that shows a token.
pub(crate) fn with_token(path: &str, token: &str) -> RawRequest {
    RawRequest::get(path).header("authorization", format!("Bearer {token}"))
}

/// Where keys are fetched: in a second and a half at the most, every minute, not twice in a second, good for an hour.
pub(crate) fn remote() -> Value {
    json!({
        "cluster": "id", "host": "id.example", "path": KEYS, "timeoutMillis": 1500, "refreshMillis": 60_000,
        "minIntervalMillis": 1000, "expireMillis": 3_600_000,
    })
}

fn configuration(jwks: &Value) -> String {
    let issuer = json!({"issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": ["RS256", "ES256", "EdDSA"], "jwks": jwks});
    json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport",
        "documents": [{
            "apiVersion": "meshward.io/v1alpha1", "kind": "Authentication", "metadata": {"name": "callers"},
            "spec": {"jwt": {"required": true, "issuers": [issuer]}},
        }],
    })
    .to_string()
}

/// Starts Envoy; `first` is what the key server answers from the beginning.
pub(crate) fn start(binary: &std::path::Path, jwks: &Value, first: Reply) -> Running {
    let module =
        Modules::built().and_then(|modules| modules.of("authn")).unwrap_or_else(|remedy| panic!("{remedy}"));
    let id = HttpUpstream::start().expect("an upstream");
    id.always(KEYS, first);
    let echo = Echo::start().expect("an upstream");
    let port = Reserved::loopback().expect("a port");
    let format = "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%";
    let listener = Listener::on(port.address().to_string())
        .filter(Filter::Wasm(Wasm::new(&module, &configuration(jwks))))
        .route_to("/", "echo")
        .http(Http::default().stream_idle_timeout("15s"))
        .access_log(AccessLog { name: WHY.to_owned(), format: LogFormat::Text(format.to_owned()) });
    let bootstrap = Bootstrap::of(listener)
        .cluster(Cluster::plain("echo", echo.address()))
        .cluster(Cluster::plain("id", id.address()));
    let envoy = Envoy::builder(binary).bootstrap(&bootstrap).start().expect("Envoy starts");
    Running { envoy, id, address: port.address(), _echo: echo, _port: port }
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

    /// The status of a request to `path` with a token, and the details in the access log.
    pub(crate) fn why(&self, path: &str, token: &str) -> (u16, String) {
        let status = self.send(&with_token(path, token)).status;
        let begin = format!("{path} ");
        let line = self.envoy.wait_access_log(WHY, |line| line.starts_with(&begin), WITHIN).expect("a line");
        (status, line.rsplit(' ').next().unwrap_or_default().to_owned())
    }

    /// Waits until the key server has been asked so often.
    pub(crate) fn asked(&self, times: usize) {
        let what = format!("{times} fetches of keys");
        meshward_harness::poll::until(&what, WITHIN, || (self.id.count(KEYS) >= times).then_some(()))
            .expect("fetches");
    }

    /// Waits for the first fetches, and says how many there are: one of the worker, and one of the VM on Envoy's main thread,
    /// which has a timer, too.
    pub(crate) fn at_first(&self) -> usize {
        self.asked(2);
        2
    }

    /// Nothing trapped, and nothing was said of it in the log.
    pub(crate) fn is_well(&mut self) {
        assert_eq!(self.envoy.exited(), None, "Envoy runs");
        let bad = |line: &String| {
            ["wasm log panicked", "Proxy-Wasm plugin in-VM", "Function: proxy_on", "VM failure"]
                .iter()
                .any(|sign| line.contains(sign))
        };
        let lines: Vec<String> = self.envoy.log().into_iter().filter(bad).collect();
        assert!(lines.is_empty(), "{lines:#?}");
    }
}
