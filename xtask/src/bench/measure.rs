//! The measurement: all configurations side by side, in turn, round after round.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use meshward_harness::client::{Client, RawRequest, spread};
use meshward_harness::config::Bootstrap;
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use serde::Serialize;

use super::contestant::{ALL, Contestant};
use super::cpu::{self, Cpus};
use super::scene::{self, Scene};
use crate::show;

/// How many connections carry the load: enough to keep one worker busy.
const CONNECTIONS: usize = 32;
/// Requests before the first round, so that connections, caches and metrics are warm.
const WARM_UP: u32 = 1_000;
/// How often it says that it lives.
const PROGRESS: Duration = Duration::from_secs(10);

/// How much is measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Plan {
    pub(super) rounds: u32,
    pub(super) requests: u32,
    pub(super) starts: u32,
}

/// What was measured of one configuration.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) contestant: Contestant,
    /// CPU of Envoy per request, in µs, round by round.
    pub(super) per_request: Vec<f64>,
    /// From spawning to ready, in ms, start by start.
    pub(super) start_wall: Vec<f64>,
    /// CPU until ready, in ms, start by start.
    pub(super) start_cpu: Vec<f64>,
}

/// A running Envoy with its clients.
struct Running {
    envoy: Envoy,
    clients: Vec<Client>,
    _port: Reserved,
    measured: Measured,
}

/// Measures all configurations with this Envoy.
pub(super) fn run(binary: &Path, plan: Plan) -> Result<Vec<Measured>> {
    let cpus = Cpus::choose()?;
    match cpus {
        Some(cpus) => cpus.bind_load().context("the load could not be bound to a CPU")?,
        None => show::progress("only one CPU: Envoy and the load share it, expect noise"),
    }
    let scene = Scene::new()?;
    show::progress(&format!("starting {} Envoys, {} times each …", ALL.len(), plan.starts));
    let mut running = start_all(binary, cpus, &scene, plan.starts)?;
    let request = scene::request();
    for one in &mut running {
        one.load(&request, WARM_UP)?;
    }
    let (start, mut said) = (Instant::now(), Instant::now());
    for round in 1..=plan.rounds {
        for one in &mut running {
            let spent = one.load(&request, plan.requests)?;
            one.measured.per_request.push(spent);
        }
        if said.elapsed() >= PROGRESS {
            said = Instant::now();
            show::progress(&format!("round {round} of {}, {}", plan.rounds, show::duration(start.elapsed())));
        }
        // Nobody is always first, nor always after the same one.
        running.rotate_left(1);
        if round % 2 == 0 {
            running.reverse();
        }
    }
    let mut measured: Vec<Measured> = running.into_iter().map(|one| one.measured).collect();
    measured.sort_by_key(|one| ALL.iter().position(|contestant| *contestant == one.contestant));
    Ok(measured)
}

/// Starts each configuration several times, in turn; the last of each stays.
fn start_all(binary: &Path, cpus: Option<Cpus>, scene: &Scene, starts: u32) -> Result<Vec<Running>> {
    let mut last: Vec<Option<Running>> = ALL.map(|_| None).into();
    for _ in 0..starts {
        for (contestant, slot) in ALL.into_iter().zip(&mut last) {
            let mut measured = match slot.take() {
                Some(before) => before.measured,
                None => Measured {
                    contestant,
                    per_request: Vec::new(),
                    start_wall: Vec::new(),
                    start_cpu: Vec::new(),
                },
            };
            let port = Reserved::loopback().context("no port")?;
            let bootstrap = Bootstrap::of(scene.listener(port.address(), contestant.filters()));
            let builder = Envoy::builder(binary).concurrency(1).bootstrap(&bootstrap);
            let builder = cpus.map_or_else(|| builder.clone(), |cpus| builder.clone().cpu(cpus.envoy));
            let start = Instant::now();
            let envoy = builder.start().with_context(|| format!("`{}`", contestant.title()))?;
            measured.start_wall.push(milliseconds(start.elapsed()));
            measured.start_cpu.push(milliseconds(envoy.cpu_time()?));
            let client = scene.client(port.address())?;
            let clients = vec![client; CONNECTIONS];
            *slot = Some(Running { envoy, clients, _port: port, measured });
        }
    }
    Ok(last.into_iter().flatten().collect())
}

impl Running {
    /// Sends requests and gives the CPU that Envoy spent on each, in µs. Every answer must be 200.
    fn load(&mut self, request: &RawRequest, count: u32) -> Result<f64> {
        let before = cpu::nanoseconds(self.envoy.pid())?;
        let requests = std::iter::repeat_n(request, usize::try_from(count)?).cloned();
        let mut refused = None;
        spread(&mut self.clients, requests, |answer| {
            if answer.status != 200 {
                refused = Some(answer.status);
            }
        })
        .with_context(|| format!("`{}`", self.measured.contestant.title()))?;
        let spent = cpu::nanoseconds(self.envoy.pid())?.saturating_sub(before);
        let title = self.measured.contestant.title();
        ensure!(refused.is_none(), "`{title}` answered {refused:?}, the bench's request must be allowed");
        Ok(spent as f64 / 1_000.0 / f64::from(count))
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
