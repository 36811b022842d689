//! One embedded proxy with the asking probe, and short words to drive it.

use meshward_host::{
    Attributes, Callout, CalloutAnswer, CalloutKind, FailurePolicy, Headers, Module, Plugin, Progress, Proxy,
    Stream,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

/// How long a call may take, in milliseconds.
pub(crate) const TIMEOUT: u64 = 10_000;
/// How long a request waits, in milliseconds.
pub(crate) const DEADLINE: u64 = 5_000;

/// The module of this name, as it was built; compiled once for all tests.
pub(crate) fn shipped(name: &str) -> Module {
    static MODULES: Mutex<BTreeMap<String, Module>> = Mutex::new(BTreeMap::new());
    let compile = || {
        let folder = std::env::var_os("MESHWARD_MODULES");
        let folder = folder.expect("MESHWARD_MODULES is not set: run `cargo xtask test --only probes`");
        let path = PathBuf::from(folder).join(name).with_extension("wasm");
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Module::new(&bytes).expect("a module")
    };
    let mut modules = MODULES.lock().expect("no test panics while it compiles");
    modules.entry(name.to_owned()).or_insert_with(compile).clone()
}

/// A running proxy.
pub(crate) fn proxy(tick_period_millis: u32, failure_policy: FailurePolicy) -> Proxy {
    let plugin = plugin("asking", tick_period_millis, failure_policy);
    Proxy::builder().cluster("answers").cluster("grpc").plugin(plugin).start().expect("it starts")
}

/// The probe as a plugin of this name.
pub(crate) fn plugin(name: &str, tick_period_millis: u32, failure_policy: FailurePolicy) -> Plugin {
    let configuration = json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport",
        "documents": [{
            "apiVersion": "meshward.io/v1alpha1", "kind": "Probe", "metadata": {"name": name},
            "spec": {
                "httpCluster": "answers", "grpcCluster": "grpc", "maxBytes": 1000,
                "timeoutMillis": TIMEOUT, "deadlineMillis": DEADLINE,
                "tickPeriodMillis": tick_period_millis, "tickPath": "/keys",
            },
        }],
    });
    let plain = Plugin::new(shipped("asking"), name);
    Plugin { failure_policy, allow_on_headers_stop_iteration: true, ..plain }
        .configured(configuration.to_string())
}

/// The plain case: no timer of the stage, fails closed.
pub(crate) fn closed() -> Proxy {
    proxy(0, FailurePolicy::Closed)
}

/// A request whose headers say what is asked; `more` comes after them.
pub(crate) fn send(proxy: &mut Proxy, ask: &str, ask_path: &str, more: &[(&str, &str)]) -> Stream {
    send_on(proxy, 0, ask, ask_path, more)
}

/// The same on this worker.
pub(crate) fn send_on(
    proxy: &mut Proxy,
    worker: usize,
    ask: &str,
    ask_path: &str,
    more: &[(&str, &str)],
) -> Stream {
    let stream = proxy.open(worker, Attributes::plaintext());
    let usual = [(":method", "GET"), (":path", "/"), (":authority", "a.test"), (":scheme", "http")];
    let asks = [("x-ask", ask), ("x-ask-path", ask_path)];
    proxy.request_headers(stream, headers(usual.iter().chain(&asks).chain(more)), true);
    stream
}

/// The upstream answers, without a body.
pub(crate) fn respond(proxy: &mut Proxy, stream: Stream, status: u16, more: &[(&str, &str)]) {
    let status = status.to_string();
    proxy.response_headers(stream, headers([(":status", status.as_str())].iter().chain(more)), true);
}

fn headers<'a>(pairs: impl Iterator<Item = &'a (&'a str, &'a str)>) -> Headers {
    pairs.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

/// The one call that waits for an answer.
pub(crate) fn callout(proxy: &Proxy) -> Callout {
    let mut all = proxy.callouts();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// The path that an HTTP call asks for.
pub(crate) fn path(callout: &Callout) -> String {
    let CalloutKind::Http { headers, .. } = &callout.kind else { panic!("{callout:?}") };
    let path = headers.iter().find(|(name, _)| name == b":path").expect("a path");
    String::from_utf8_lossy(&path.1).into_owned()
}

/// An HTTP answer.
pub(crate) fn ok(body: &str) -> CalloutAnswer {
    let headers = vec![(b":status".to_vec(), b"200".to_vec())];
    CalloutAnswer::Http { headers, body: body.as_bytes().to_vec(), trailers: None }
}

/// Answers the one call that waits.
pub(crate) fn answer(proxy: &mut Proxy, answer: CalloutAnswer) {
    let id = callout(proxy).id;
    assert!(proxy.answer(id, answer), "it is open");
}

/// The status and details of a local reply.
pub(crate) fn refused(proxy: &Proxy, stream: Stream) -> (u16, String) {
    match proxy.progress(stream) {
        Progress::Replied(reply) => (reply.status, reply.details),
        other @ (Progress::Paused | Progress::Forwarded(_) | Progress::Responded(_) | Progress::Gone) => {
            panic!("it was not refused: {other:?}")
        }
    }
}

/// Whether the request reached the upstream.
pub(crate) fn forwarded(proxy: &Proxy, stream: Stream) -> bool {
    proxy.forwarded(stream).is_some()
}
