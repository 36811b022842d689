//! The measurement: all configurations side by side, in turn, round after round.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use meshward_harness::client::{Client, RawRequest, spread};
use meshward_harness::config::{Bootstrap, Filter};
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use serde::Serialize;

use super::cpu::{self, Cpus};
use super::scene::Scene;
use super::turns;
use crate::show;

/// How many connections carry the load: enough to keep one worker busy.
const CONNECTIONS: usize = 32;
/// Requests before the first round, so that connections, caches and metrics are warm.
const WARM_UP: u32 = 1_000;
/// Requests before each measurement that do not count: the others' turns have emptied the CPU's caches of this one's code, and a proxy
/// that is busy finds it there.
const SETTLE: u32 = 200;

/// A configuration of Envoy that is measured.
pub(super) trait Entrant: Copy {
    /// What errors call it.
    fn title(self) -> String;
    /// Its filters.
    fn filters(self) -> Result<Vec<Filter>>;
    /// What it is asked.
    fn request(self) -> RawRequest;
    /// What it must answer.
    fn status(self) -> u16;
    /// It gets one of so many of a turn's requests: what is slow must not take the others' time.
    fn share(self) -> u32;
}

/// How much is measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Plan {
    pub(super) rounds: u32,
    pub(super) requests: u32,
    pub(super) starts: u32,
}

/// What was measured of one configuration.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Measured<E> {
    pub(super) contestant: E,
    /// CPU of Envoy per request, in µs, round by round.
    pub(super) per_request: Vec<f64>,
    /// The same for the first requests of each turn, which come to a CPU that has just done something else.
    pub(super) cold: Vec<f64>,
    /// From spawning to ready, in ms, start by start.
    pub(super) start_wall: Vec<f64>,
    /// CPU until ready, in ms, start by start.
    pub(super) start_cpu: Vec<f64>,
}

/// A running Envoy with its clients.
struct Running<E> {
    contestant: E,
    request: RawRequest,
    envoy: Envoy,
    clients: Vec<Client>,
    _port: Reserved,
}

/// Measures these configurations with this Envoy. All are started anew several times, since where a process happens to lie in
/// memory moves its figures by a microsecond for as long as it lives.
pub(super) fn run<E: Entrant>(binary: &Path, plan: Plan, contestants: &[E]) -> Result<Vec<Measured<E>>> {
    let cpus = Cpus::choose()?;
    match cpus {
        Some(cpus) => cpus.bind_load().context("the load could not be bound to a CPU")?,
        None => show::progress("only one CPU: Envoy and the load share it, expect noise"),
    }
    let scene = Scene::new()?;
    let mut measured: Vec<Measured<E>> = contestants.iter().copied().map(Measured::new).collect();
    let begun = Instant::now();
    for start in 1..=plan.starts {
        let mut running = start_all(binary, cpus, &scene, &mut measured)?;
        for one in &mut running {
            one.load(WARM_UP)?;
        }
        let rounds = plan.rounds.div_ceil(plan.starts);
        for round in 0..rounds {
            let begin = start.saturating_sub(1).saturating_mul(rounds);
            for at in turns::of(begin.saturating_add(round), running.len()) {
                let (Some(one), Some(of)) = (running.get_mut(at), measured.get_mut(at)) else { continue };
                of.cold.push(one.load(SETTLE)?);
                of.per_request.push(one.load(plan.requests)?);
            }
        }
        let took = show::duration(begun.elapsed());
        show::progress(&format!("start {start} of {} measured, {took}", plan.starts));
    }
    Ok(measured)
}

/// Starts each configuration and notes what that cost.
fn start_all<E: Entrant>(
    binary: &Path,
    cpus: Option<Cpus>,
    scene: &Scene,
    measured: &mut [Measured<E>],
) -> Result<Vec<Running<E>>> {
    let mut running = Vec::with_capacity(measured.len());
    for Measured { contestant, start_wall, start_cpu, .. } in measured {
        let port = Reserved::loopback().context("no port")?;
        let bootstrap = Bootstrap::of(scene.listener(port.address(), contestant.filters()?));
        let builder = Envoy::builder(binary).concurrency(1).bootstrap(&bootstrap);
        let builder = cpus.map_or_else(|| builder.clone(), |cpus| builder.clone().cpu(cpus.envoy));
        let start = Instant::now();
        let envoy = builder.start().with_context(|| format!("`{}`", contestant.title()))?;
        start_wall.push(milliseconds(start.elapsed()));
        start_cpu.push(milliseconds(envoy.cpu_time()?));
        let clients = vec![scene.client(port.address())?; CONNECTIONS];
        running.push(Running {
            contestant: *contestant,
            request: contestant.request(),
            envoy,
            clients,
            _port: port,
        });
    }
    Ok(running)
}

impl<E> Measured<E> {
    fn new(contestant: E) -> Self {
        let [per_request, cold, start_wall, start_cpu] = Default::default();
        Self { contestant, per_request, cold, start_wall, start_cpu }
    }
}

impl<E: Entrant> Running<E> {
    /// Sends its share of so many requests and gives the CPU that Envoy spent on each, in µs. Every answer must be as expected.
    fn load(&mut self, count: u32) -> Result<f64> {
        let count = count.checked_div(self.contestant.share()).unwrap_or(count).max(1);
        let before = cpu::nanoseconds(self.envoy.pid())?;
        let requests = std::iter::repeat_n(&self.request, usize::try_from(count)?).cloned();
        let mut refused = None;
        spread(&mut self.clients, requests, |answer| {
            if answer.status != self.contestant.status() {
                refused = Some(answer.status);
            }
        })
        .with_context(|| format!("`{}`", self.contestant.title()))?;
        let spent = cpu::nanoseconds(self.envoy.pid())?.saturating_sub(before);
        let title = self.contestant.title();
        let status = self.contestant.status();
        ensure!(refused.is_none(), "`{title}` answered {refused:?} to the bench's request, not {status}");
        Ok(spent as f64 / 1_000.0 / f64::from(count))
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
