//! What the bench found: added cost, ratios, start cost, sizes; as a table and as JSON.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::Serialize;

use super::contestant::Contestant;
use super::floors;
use super::measure::{Measured, Plan};
use super::numbers::{Spread, minus};
use crate::modules::{Module, Plugin};
use crate::paths;
use crate::show::{self, Mark, Table};

/// What a plugin may cost, in what its floor costs.
const CEILING: f64 = 1.4;
/// Two equal configurations that seem further apart (in µs) make the rest doubtful.
pub(super) const NOISE: f64 = 0.5;

/// What `guard` may cost, in what the plugins apart cost.
const GUARD_CEILING: f64 = 0.6;
/// Who is compared with whom, and the most that it may be.
const PAIRS: [(Contestant, Contestant, Option<f64>); 14] = [
    (Contestant::AuthzAccess, Contestant::AuthzFloor, Some(CEILING)),
    (Contestant::AuthzIstio, Contestant::AuthzFloor, Some(CEILING)),
    (Contestant::Authn, Contestant::AuthnFloor, Some(CEILING)),
    (Contestant::Quota, Contestant::QuotaFloor, Some(CEILING)),
    (Contestant::Sentinel, Contestant::SentinelFloor, Some(CEILING)),
    (Contestant::Guard, Contestant::GuardFloor, None),
    (Contestant::Guard, Contestant::Apart, Some(GUARD_CEILING)),
    (Contestant::AuthzAccess, Contestant::SdkStripped, None),
    (Contestant::AuthzAccess, Contestant::SdkEmpty, None),
    (Contestant::AuthzIstio, Contestant::SdkEmpty, None),
    (Contestant::Authn, Contestant::SdkEmpty, None),
    (Contestant::Quota, Contestant::SdkEmpty, None),
    (Contestant::Sentinel, Contestant::SdkEmpty, None),
    (Contestant::Guard, Contestant::SdkEmpty, None),
];

/// Everything that one run found.
#[derive(Serialize)]
pub(super) struct Results {
    plan: Plan,
    baseline_us: Spread,
    added: Vec<Added>,
    ratios: Vec<Ratio>,
    measured: Vec<Measured<Contestant>>,
}

/// What one configuration adds to Envoy without a filter.
#[derive(Clone, Copy, Debug, Serialize)]
struct Added {
    contestant: Contestant,
    per_request_us: Spread,
    /// The same when the CPU has just done something else.
    cold_us: f64,
    start_wall_ms: f64,
    start_cpu_ms: f64,
    module_bytes: Option<usize>,
}

/// What ours adds, in what another one adds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Ratio {
    ours: Contestant,
    to: Contestant,
    /// The most that it may be, where there is such a number.
    ceiling: Option<f64>,
    /// Median added over median added; the quartiles are those of single starts.
    ratio: Spread,
}

impl Results {
    pub(super) fn new(plan: Plan, modules: &[Module], measured: Vec<Measured<Contestant>>) -> Self {
        let baseline = measured.iter().find(|one| one.contestant == Contestant::Nothing);
        let rounds = |one: &Measured<Contestant>| {
            baseline.map_or_else(Vec::new, |none| minus(&one.per_request, &none.per_request))
        };
        let cold =
            |one: &Measured<Contestant>| baseline.map_or_else(Vec::new, |none| minus(&one.cold, &none.cold));
        let others = || measured.iter().filter(|one| one.contestant != Contestant::Nothing);
        let added = others().map(|one| Added {
            contestant: one.contestant,
            per_request_us: Spread::of(rounds(one)),
            cold_us: Spread::of(cold(one)).median,
            start_wall_ms: baseline.map_or(0.0, |none| median_minus(&one.start_wall, &none.start_wall)),
            start_cpu_ms: baseline.map_or(0.0, |none| median_minus(&one.start_cpu, &none.start_cpu)),
            module_bytes: module_bytes(one.contestant, modules),
        });
        let of = |contestant| others().find(|one| one.contestant == contestant).map(rounds);
        let ratios = PAIRS.into_iter().filter_map(|(ours, to, ceiling)| {
            let ratio = ratio(&of(ours)?, &of(to)?, plan.starts);
            Some(Ratio { ours, to, ceiling, ratio })
        });
        Self {
            plan,
            baseline_us: Spread::of(baseline.into_iter().flat_map(|none| none.per_request.iter().copied())),
            added: added.collect(),
            ratios: ratios.collect(),
            measured,
        }
    }

    /// Whether each plugin to its floor is at most [`CEILING`], and `guard` to the plugins apart [`GUARD_CEILING`]. Where nothing was
    /// measured that has a ceiling, nothing is within it.
    pub(super) fn within_ceiling(&self) -> bool {
        let mut held = self.ratios.iter().filter(|ratio| ratio.ceiling.is_some()).peekable();
        held.peek().is_some() && held.all(|ratio| ratio.is_within_ceiling())
    }

    pub(super) fn print(&self) {
        let Plan { rounds, requests, starts } = self.plan;
        let [baseline, range] = self.baseline_us.cells(1);
        show::heading(&format!("CPU of Envoy per request without a filter: {baseline} µs {range}"));
        show::progress(&format!(
            "  added to it, median of {rounds} rounds of {requests} requests [middle half]; {starts} starts\n"
        ));
        let mut table = Table::default();
        table.row(Mark::Skipped, ["", "µs", "", "cold", "start, wall", "start, CPU", "module"]);
        self.added.iter().for_each(|added| added.row(&mut table));
        table.print();
        show::heading("Ratios of what is added (ours minus no filter, to theirs minus no filter)");
        let mut table = Table::default();
        self.ratios.iter().for_each(|ratio| ratio.row(&mut table));
        table.print();
        if let Some(noise) = self.noise().filter(|noise| *noise > NOISE) {
            show::progress(&format!(
                "\nTwo equal Envoys seem {noise:.2} µs apart: the machine is busy, measure again when it is quiet."
            ));
        }
    }

    fn noise(&self) -> Option<f64> {
        let again = self.added.iter().find(|added| added.contestant == Contestant::NothingAgain);
        again.map(|again| again.per_request_us.median.abs())
    }

    /// Writes everything, every round included, and gives the file's name.
    pub(super) fn write(&self) -> Result<String> {
        write(self, "")
    }
}

/// Writes what a run found as JSON, under a name that ends so, and gives the file's name.
pub(super) fn write(found: &impl Serialize, ending: &str) -> Result<String> {
    let folder = paths::work().join("bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let file = folder.join(format!("{now}{ending}.json"));
    let text = serde_json::to_vec_pretty(found).context("the results could not be written as JSON")?;
    std::fs::write(&file, text).with_context(|| format!("could not write {}", file.display()))?;
    Ok(paths::short(&file))
}

impl Added {
    fn row(&self, table: &mut Table) {
        let [median, range] = self.per_request_us.cells(2);
        let size =
            self.module_bytes.map_or_else(String::new, |bytes| format!("{:.1} KiB", bytes as f64 / 1024.0));
        let title = self.contestant.title().to_owned();
        let start = |ms: f64| format!("{ms:.0} ms");
        let cold = format!("{:.2}", self.cold_us);
        let cells = [title, median, range, cold, start(self.start_wall_ms), start(self.start_cpu_ms), size];
        table.row(Mark::Good, cells);
    }
}

impl Ratio {
    fn is_within_ceiling(&self) -> bool {
        // What is below zero was divided by noise.
        self.ceiling.is_none_or(|ceiling| self.ratio.median > 0.0 && self.ratio.median <= ceiling)
    }

    fn row(&self, table: &mut Table) {
        let [median, range] = self.ratio.cells(2);
        let ceiling = self.ceiling.map_or_else(String::new, |ceiling| format!("ceiling {ceiling}"));
        let mark = if self.is_within_ceiling() { Mark::Good } else { Mark::Bad };
        let name = format!("{} / {}", self.ours.title(), self.to.title());
        table.row(mark, [name, median, range, ceiling]);
    }
}

fn median_minus(one: &[f64], none: &[f64]) -> f64 {
    Spread::of(one.iter().copied()).median - Spread::of(none.iter().copied()).median
}

/// Medians over medians, since a single round may divide by next to nothing: over the whole run, and start by start to show how
/// far such a ratio is to be trusted.
fn ratio(ours: &[f64], theirs: &[f64], starts: u32) -> Spread {
    let of = |ours: &[f64], theirs: &[f64]| {
        Spread::of(ours.iter().copied()).median / Spread::of(theirs.iter().copied()).median
    };
    let block = ours.len().checked_div(usize::try_from(starts).unwrap_or(1)).unwrap_or(1).max(1);
    let blocks = ours.chunks(block).zip(theirs.chunks(block)).map(|(ours, theirs)| of(ours, theirs));
    Spread { median: of(ours, theirs), ..Spread::of(blocks) }
}

fn module_bytes(contestant: Contestant, modules: &[Module]) -> Option<usize> {
    let of =
        |plugin: &Plugin| modules.iter().find(|module| module.plugin == *plugin).map(|module| module.bytes);
    if let Some(plugin) = contestant.floor_of() {
        let file = std::fs::metadata(floors::file(plugin.name())).ok()?;
        return usize::try_from(file.len()).ok();
    }
    let plugins = contestant.modules();
    if plugins.is_empty() { None } else { plugins.iter().map(of).sum() }
}
