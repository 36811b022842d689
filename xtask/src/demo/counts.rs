//! The modules' own counters against what the script saw: that each decision was made by a module, the allowed ones too.

use std::collections::BTreeMap;

use anyhow::Result;

use super::mesh::Mesh;
use super::play::{Played, Row, Try};
use super::script::Outcome;
use super::table::{BAD, GOOD};
use super::workload::Workload;

/// What Envoy writes before the names of a module's counters.
const PREFIX: &str = "wasmcustom.meshward_";
/// The stages that may refuse.
const STAGES: [&str; 4] = ["penalty", "authn", "authz", "ratelimit"];

/// All modules' counters of one moment, added up: `authz_denied_total` and so on.
pub(super) struct Counters(BTreeMap<String, u64>);

/// Decisions of the policies: how many were let through, and how many each stage refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    allowed: u64,
    denied: BTreeMap<&'static str, u64>,
}

/// The counters of all modules, the script's own tally, and how many requests a shadow document would have refused.
pub(super) struct Tally {
    counted: Counts,
    seen: Counts,
    shadow_denied: u64,
}

impl Counters {
    /// Reads them.
    pub(super) fn read(mesh: &Mesh) -> Result<Self> {
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        for workload in Workload::ALL {
            for (name, count) in mesh.member(workload)?.envoy().stats(PREFIX)? {
                let name = name.strip_prefix(PREFIX).unwrap_or(&name);
                let sum = all.entry(name.to_owned()).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        Ok(Self(all))
    }

    /// One of them; one that is not there counts as 0.
    pub(super) fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }
}

impl Counts {
    fn refused(&self) -> u64 {
        self.denied.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    fn words(&self) -> String {
        let by_stage = self.denied.iter().filter(|(_, count)| **count > 0);
        let by_stage: Vec<String> = by_stage.map(|(stage, count)| format!("{stage} {count}")).collect();
        format!("{} allowed, {} denied ({})", self.allowed, self.refused(), by_stage.join(", "))
    }
}

impl Tally {
    /// Reads the counters.
    pub(super) fn take(counters: &Counters, scenes: &[Played]) -> Self {
        let denied = STAGES.map(|stage| (stage, counters.of(&format!("{stage}_denied_total"))));
        let counted = Counts { allowed: counters.of("authz_allowed_total"), denied: denied.into() };
        Self { counted, seen: seen(scenes), shadow_denied: counters.of("authz_shadow_denied_total") }
    }

    /// Whether every decision that the script saw was counted by a module, and no other.
    pub(super) fn agrees(&self) -> bool {
        self.counted == self.seen
    }

    /// Prints both where they differ.
    pub(super) fn print(&self) {
        let Self { counted, seen, shadow_denied } = self;
        let style = if self.agrees() { GOOD } else { BAD };
        anstream::println!(
            "the modules counted {style}{}{style:#}; shadow documents would have refused {shadow_denied}",
            counted.words()
        );
        if !self.agrees() {
            anstream::println!(
                "{BAD}the calls add up to {}: some were not decided by a module{BAD:#}",
                seen.words()
            );
        }
    }
}

/// What the counters must be.
fn seen(scenes: &[Played]) -> Counts {
    let mut counts = Counts { allowed: 0, denied: STAGES.map(|stage| (stage, 0)).into() };
    for row in scenes.iter().flat_map(|scene| &scene.rows) {
        for one in &row.tries {
            add(&mut counts, row, one);
        }
    }
    counts
}

fn add(counts: &mut Counts, row: &Row, one: &Try) {
    // What passes the gateway is decided a second time, by web.
    let hops = if row.call.to == Workload::Gateway { 2 } else { 1 };
    counts.allowed = counts.allowed.saturating_add(one.made.arrived.saturating_mul(hops));
    if !matches!(one.made.got, Ok(Outcome::Denied(_) | Outcome::DeniedGrpc(_))) {
        return;
    }
    let reason = one.evidence.event.as_ref().map(|event| event.reason()).unwrap_or_default();
    let stage = reason.split('.').next().unwrap_or_default();
    if let Some(count) = counts.denied.get_mut(stage) {
        *count = count.saturating_add(1);
    }
    // Quotas come after the policy, which has let it through.
    if stage == "ratelimit" {
        counts.allowed = counts.allowed.saturating_add(1);
    }
}
