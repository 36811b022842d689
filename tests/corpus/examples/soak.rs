//! "10^6 requests through one worker, each with its own path, headers and caller: Wasm memory (the module's own gauge) after
//! them equals that after 10^4."
//!
//! `cargo xtask soak` runs it; by hand: `cargo run --package meshward-corpus --example soak -- 1000000`. It says what it
//! measured and exits with 1 when the memory has grown.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program that people run and read")]

use meshward_corpus::engines;
use meshward_corpus::stand::{self, Stand};
use meshward_harness::client::{Client, RawRequest, spread};
use meshward_harness::config::{Filter, Http, Listener};
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use std::process::ExitCode;
use std::time::Instant;

const DEFAULT_COUNT: u64 = 1_000_000;
/// After these the memory must not grow.
const WARM_UP: u64 = 10_000;
/// So many requests are on their way at once.
const CLIENTS: usize = 32;
/// One request in so many is denied: each denial is a line of half a KiB in Envoy's log.
const DENIED: u64 = 50;
const GAUGE: &str = "wasmcustom.meshward_authz_memory_bytes";
const PEER_HEADER: &str = "x-soak-peer";

/// It looks at callers, paths, hosts and headers, so that each request's own text goes through all of them.
const POLICY: &str = r#"
apiVersion: meshward.io/v1alpha1
kind: PluginConfig
peerFrom: filterState
peerVerifiedBy: transport
documents:
  - apiVersion: meshward.io/v1alpha1
    kind: AccessPolicy
    metadata: {name: soak, namespace: shop}
    spec:
      rules:
        - from: [{source: {namespaces: ["team-*"], notPrincipals: [cluster.local/ns/team-x/sa/none]}}]
          to: [{operation: {methods: [GET], paths: ["/orders/{*}/items/{**}"], notHosts: ["*.evil.test"]}}]
          when: [{key: "request.headers[x-tenant]", values: ["t-*"], notValues: ["t-none"]}]
  - apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {name: soak, namespace: shop}
    spec:
      action: DENY
      rules:
        - from: [{source: {namespaces: ["*-x-*"]}}]
          to: [{operation: {paths: ["*/none"]}}]
"#;

fn main() -> ExitCode {
    match soak() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn soak() -> Result<bool, String> {
    let count = match std::env::args().nth(1) {
        None => DEFAULT_COUNT,
        Some(text) => text.parse().map_err(|error| format!("`{text}` is no count of requests: {error}"))?,
    };
    if count <= WARM_UP {
        return Err(format!("{count} requests show nothing; ask for more than {WARM_UP}"));
    }
    let stand = Stand::new()?;
    let port = Reserved::loopback().map_err(|error| format!("no port: {error}"))?;
    let listener = listener(&stand, &port)?;
    let builder = stand.envoy(&engines::main()?, &stand.bootstrap(vec![listener]));
    let envoy = builder.start().map_err(|error| error.to_string())?;
    let mut clients = vec![Client::plain(port.address()); CLIENTS];
    let start = Instant::now();
    send(&mut clients, 0..WARM_UP)?;
    let early = measure(&envoy, WARM_UP, start)?;
    let middle = count / 2;
    send(&mut clients, WARM_UP..middle.max(WARM_UP))?;
    measure(&envoy, middle.max(WARM_UP), start)?;
    send(&mut clients, middle.max(WARM_UP)..count)?;
    let late = measure(&envoy, count, start)?;
    let (allowed, denied) = stand::decided(&envoy)?;
    let decided = allowed.checked_add(denied) == Some(count) && denied == count.div_ceil(DENIED);
    println!(
        "{allowed} allowed, {denied} denied: {}",
        if decided { "all as expected" } else { "NOT as expected" }
    );
    println!("memory {early} bytes, then {late}: {}", if early == late { "the same" } else { "IT GREW" });
    Ok(decided && early == late && early > 0)
}

/// A waypoint's inner listener that answers by itself: the upstream is not what is measured.
fn listener(stand: &Stand, port: &Reserved) -> Result<Listener, String> {
    let configuration = stand::configuration(POLICY)?;
    let mut listener = stand.listener(port.address(), Http::default(), &configuration);
    listener.filters.insert(0, Filter::peer_principal_from_header(PEER_HEADER));
    listener.access_logs.clear();
    listener.routes.clear();
    Ok(listener)
}

fn send(clients: &mut [Client], numbers: std::ops::Range<u64>) -> Result<(), String> {
    let requests = numbers.clone().map(request);
    let mut wrong = None;
    let mut number = numbers.start;
    spread(clients, requests, |answer| {
        let expected = if number.is_multiple_of(DENIED) { 403 } else { 200 };
        if answer.status != expected && wrong.is_none() {
            wrong = Some(format!("request {number} was answered {}, expected {expected}", answer.status));
        }
        number = number.wrapping_add(1);
    })
    .map_err(|error| error.to_string())?;
    wrong.map_or(Ok(()), Err)
}

/// Each has its own path, headers and caller.
fn request(number: u64) -> RawRequest {
    let namespace = if number.is_multiple_of(DENIED) { "other" } else { "team" };
    RawRequest::get(format!("/orders/{number}/items/{}?page={number}", number.wrapping_mul(7919)))
        .host(format!("orders-{number}.shop"))
        .header(PEER_HEADER, format!("spiffe://cluster.local/ns/{namespace}-{number}/sa/caller-{number}"))
        .header("x-request-id", format!("soak-{number}"))
        .header("x-tenant", format!("t-{number}"))
        .header(format!("x-own-{number}"), format!("value-{number}"))
}

fn measure(envoy: &Envoy, after: u64, start: Instant) -> Result<u64, String> {
    let memory = envoy.stat(GAUGE).map_err(|error| error.to_string())?;
    let rss = envoy.memory_rss().map_err(|error| error.to_string())?;
    let took = start.elapsed().as_secs_f64();
    println!("after {after} requests: {memory} bytes of Wasm memory, Envoy holds {rss} bytes, {took:.1} s");
    Ok(memory)
}
