//! What ten thousand rules cost to configure, and the memory that a worker needs for them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshward_harness::config::Bootstrap;
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use serde::Serialize;

use super::super::contestant;
use super::super::numbers::Spread;
use super::super::scene::{self, Scene};
use super::documents::{self, Action};
use super::shape;
use crate::modules::Plugin;
use crate::show;

/// As many rules, each with a caller, a host and a path of its own.
const COUNT: u32 = 10_000;
/// How often Envoy is started.
const STARTS: u32 = 3;
const WITHIN: Duration = Duration::from_secs(60);
/// The gauge of a worker's memory, which a request's end brings up to date.
const MEMORY: &str = "wasmcustom.meshward_authz_memory_bytes";
const BEGIN: &str = "[host->vm] proxy_on_configure(";
const END: &str = "[host<-vm] proxy_on_configure return: 1";

/// What configuring took.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Configured {
    pub(super) rules: u32,
    /// By the log's clock, each VM of each start, in ms: the canary's first, whose code is not compiled well yet.
    pub(super) milliseconds: Vec<f64>,
    /// The most that a worker's memory came to.
    pub(super) memory_bytes: u64,
}

/// Starts Envoys that log when they configure.
pub(super) fn measure(binary: &Path) -> Result<Configured> {
    let rules = shape::distinct(COUNT);
    let configuration = documents::configuration(Action::Allow, &rules);
    let scene = Scene::new()?;
    let mut configured = Configured { rules: COUNT, milliseconds: Vec::new(), memory_bytes: 0 };
    for _ in 0..STARTS {
        let port = Reserved::loopback().context("no port")?;
        let filter = contestant::wasm(Plugin::Authz, &configuration);
        let bootstrap = Bootstrap::of(scene.listener(port.address(), vec![filter]));
        let builder = Envoy::builder(binary).concurrency(1).component_log_level("wasm:trace");
        let envoy = builder.bootstrap(&bootstrap).start().context("Envoy with ten thousand rules")?;
        let status = scene.client(port.address())?.send(&scene::request())?.status;
        ensure!(status == 200, "answered {status}, the last of ten thousand rules must allow the request");
        let memory = envoy.wait_stat(MEMORY, |bytes| bytes > 0, WITHIN)?;
        configured.memory_bytes = configured.memory_bytes.max(memory);
        configured.milliseconds.extend(spans(&envoy.log())?);
    }
    ensure!(!configured.milliseconds.is_empty(), "Envoy's log says nothing of configuring");
    let [median, range] = configured.took().cells(0);
    let mebibytes = configured.mebibytes();
    show::progress(&format!(
        "{COUNT} rules are configured in {median} ms {range}; {mebibytes:.1} MiB of memory a worker"
    ));
    Ok(configured)
}

impl Configured {
    /// By the wall's clock, which others' work slows as well: the median is of all VMs.
    pub(super) fn took(&self) -> Spread {
        Spread::of(self.milliseconds.iter().copied())
    }

    pub(super) fn mebibytes(&self) -> f64 {
        self.memory_bytes as f64 / 1_048_576.0
    }
}

/// How long each configuring took, thread by thread.
fn spans(log: &[String]) -> Result<Vec<f64>> {
    let mut begun: Vec<(&str, f64)> = Vec::new();
    let mut spans = Vec::new();
    for line in log {
        if !line.contains(BEGIN) && !line.contains(END) {
            continue;
        }
        let (thread, time) = stamp(line).with_context(|| format!("no time in `{line}`"))?;
        if line.contains(BEGIN) {
            begun.push((thread, time));
        } else if let Some(at) = begun.iter().rposition(|(of, _)| *of == thread) {
            spans.push((time - begun.swap_remove(at).1).rem_euclid(DAY));
        }
    }
    Ok(spans)
}

/// Milliseconds of a day.
const DAY: f64 = 86_400_000.0;

/// `[2026-01-01 00:00:01.500][12][trace]…` gives the thread and the milliseconds of the day.
fn stamp(line: &str) -> Option<(&str, f64)> {
    let mut parts = line.strip_prefix('[')?.split("][");
    let (_, time) = parts.next()?.split_once(' ')?;
    let thread = parts.next()?;
    let mut numbers = time.split(':').map(str::parse::<f64>);
    let mut number = || numbers.next()?.ok();
    Some((thread, (number()? * 3_600.0 + number()? * 60.0 + number()?) * 1_000.0))
}

#[cfg(test)]
mod tests {
    use super::spans;

    #[test]
    fn each_thread_has_its_own_time() -> anyhow::Result<()> {
        let line = |time: &str, thread: &str, text: &str| {
            format!("[2026-01-01 {time}][{thread}][trace][wasm] [x.cc:1] {text}")
        };
        let begin = "[host->vm] proxy_on_configure(1, 900)";
        let end = "[host<-vm] proxy_on_configure return: 1";
        let log = [
            line("23:59:59.900", "1", begin),
            line("23:59:59.950", "2", begin),
            line("00:00:00.000", "2", end),
            line("00:00:00.100", "1", end),
            line("00:00:00.200", "1", "[host->vm] proxy_on_tick(1)"),
        ];
        let spans = spans(&log)?;
        assert_eq!(spans.iter().map(|span| span.round()).collect::<Vec<_>>(), [50.0, 200.0]);
        Ok(())
    }
}
