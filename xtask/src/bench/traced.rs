//! Runs modules as they ship in a real Envoy that logs every call, and gives what a request of each takes, case by case.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshward_harness::config::{Bootstrap, Filter};
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;

use super::contestant::wasm;
use super::life::{self, Request};
use super::policy::{self, Kind, configuration, configuration_with};
use super::scene::{self, Scene};
use super::{floors, trace};
use crate::modules::Plugin;

/// Requests per case.
const REQUESTS: usize = 20;
const WITHIN: Duration = Duration::from_secs(20);

/// What one request of a case takes.
pub(super) struct Traced {
    /// The name in `host-calls.toml`.
    pub(super) case: &'static str,
    /// The calls of one request.
    pub(super) request: Request,
}

/// One listener of the traced Envoy.
struct Case {
    name: &'static str,
    filters: Vec<Filter>,
    /// The status that the caller gets.
    status: u16,
}

/// The cases; each has an address of its own.
fn cases(port: u16) -> Result<Vec<Case>> {
    let ours = |configuration: &str| vec![wasm(Plugin::Authz, configuration)];
    let case = |name, filters| Case { name, filters, status: 200 };
    let whole = |plugin: Plugin| -> Result<Case> {
        Ok(case(plugin.name(), vec![wasm(plugin, &floors::configuration(plugin)?)]))
    };
    let caller = policy::caller_only();
    let on_connection = [("peerVerifiedBy", "connection")];
    let in_state = [("peerFrom", "filterState")];
    let waypoint = || {
        vec![
            Filter::peer_principal_from_header("x-peer"),
            wasm(Plugin::Authz, &configuration_with(Kind::Access, &caller, &in_state)),
        ]
    };
    Ok(vec![
        case("ten-rules", ours(&policy::ten_rules(Kind::Access))),
        case("ten-rules-istio", ours(&policy::ten_rules(Kind::Istio))),
        case("caller-only", ours(&configuration(Kind::Access, &caller))),
        case(
            "caller-verified-by-connection",
            ours(&configuration_with(Kind::Access, &caller, &on_connection)),
        ),
        case("caller-at-waypoint", waypoint()),
        case("operation-only", ours(&configuration(Kind::Access, &policy::operation_only()))),
        case("port-only", ours(&configuration(Kind::Access, &policy::port_only(port)))),
        Case { name: REFUSED, filters: ours(&policy::ten_rules(Kind::Access)), status: 403 },
        whole(Plugin::Authn)?,
        whole(Plugin::Ratelimit)?,
        whole(Plugin::Sentinel)?,
        whole(Plugin::Guard)?,
    ])
}

const REFUSED: &str = "ten-rules-refused";

/// Runs all cases in one Envoy.
pub(super) fn run(binary: &Path) -> Result<Vec<Traced>> {
    let scene = Scene::new()?;
    let count = cases(0)?.len();
    let ports = Reserved::loopbacks(u8::try_from(count)?).context("no ports")?;
    let cases = cases(ports.port())?;
    let listeners = cases
        .iter()
        .zip(ports.addresses())
        .map(|(case, address)| scene.listener(address, case.filters.clone()).named(case.name));
    let bootstrap = Bootstrap::new(listeners.collect());
    let builder = Envoy::builder(binary).concurrency(1).component_log_level("wasm:trace");
    let envoy = builder.bootstrap(&bootstrap).start()?;
    let mut traced = Vec::new();
    for (case, address) in cases.iter().zip(ports.addresses()) {
        let request = one(&envoy, &scene, case, address).with_context(|| format!("case `{}`", case.name))?;
        traced.push(Traced { case: case.name, request });
    }
    Ok(traced)
}

/// Sends a case's requests one after another and gives what each of the last ones took.
fn one(envoy: &Envoy, scene: &Scene, case: &Case, address: SocketAddr) -> Result<Request> {
    let mark = envoy.log_mark();
    let mut client = if case.name == REFUSED { scene.stranger(address)? } else { scene.client(address)? };
    let request = scene::request().header("x-peer", scene::CALLER);
    for _ in 0..REQUESTS {
        let status = client.send(&request)?.status;
        ensure!(status == case.status, "answered {status}, expected {}", case.status);
    }
    // The log is behind the answers; what cannot be read is an error at once.
    let requests = envoy.wait("the last request's trace", WITHIN, || {
        let read = trace::callbacks(&envoy.log_since(mark)).and_then(|threads| served(&threads));
        let complete = read.as_ref().map_or(true, |requests| requests.len() >= REQUESTS);
        complete.then_some(read)
    })??;
    life::steady(&requests)
}

fn served(threads: &[Vec<trace::Callback>]) -> Result<Vec<Request>> {
    life::serving(threads).map_or_else(|| Ok(Vec::new()), life::requests)
}
