//! The modules' own counters against what the script saw: that each decision was made by a module, the allowed ones too.

use anyhow::Result;
use meshward_pipeline::{ALLOWED, DENIED, SHADOW_DENIED};

use super::mesh::Mesh;
use super::play::{Played, Row};
use super::script::Outcome;
use super::table::{BAD, GOOD};
use super::workload::Workload;

/// Decisions, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    allowed: u64,
    denied: u64,
}

/// The counters of all modules, the script's own tally, and how many requests a shadow document would have refused.
pub(super) struct Tally {
    counted: Counts,
    seen: Counts,
    shadow_denied: u64,
}

impl Tally {
    /// Reads the counters.
    pub(super) fn take(mesh: &Mesh, scenes: &[Played]) -> Result<Self> {
        let mut counted = Counts::default();
        let mut shadow_denied = 0_u64;
        for workload in Workload::ALL {
            let stats = mesh.member(workload)?.envoy().stats("wasmcustom.meshward_authz_")?;
            let of = |name: &str| stats.get(&format!("wasmcustom.{name}")).copied().unwrap_or(0);
            counted.allowed = counted.allowed.saturating_add(of(ALLOWED.name));
            counted.denied = counted.denied.saturating_add(of(DENIED.name));
            shadow_denied = shadow_denied.saturating_add(of(SHADOW_DENIED.name));
        }
        Ok(Self { counted, seen: seen(scenes), shadow_denied })
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
            "the modules counted {style}{} allowed, {} denied{style:#}; shadow documents would have refused {shadow_denied}",
            counted.allowed,
            counted.denied
        );
        if !self.agrees() {
            anstream::println!(
                "{BAD}the calls add up to {} allowed, {} denied: some were not decided by a module{BAD:#}",
                seen.allowed,
                seen.denied
            );
        }
    }
}

fn seen(scenes: &[Played]) -> Counts {
    let rows = || scenes.iter().flat_map(|scene| &scene.rows);
    let refused = |row: &&Row| matches!(row.made.got, Ok(Outcome::Denied(_) | Outcome::DeniedGrpc(_)));
    let denied = u64::try_from(rows().filter(refused).count()).unwrap_or(u64::MAX);
    // What passes the gateway is decided a second time, by web.
    let hops = |row: &Row| if row.call.to == Workload::Gateway { 2 } else { 1 };
    let allowed = rows().map(|row| row.made.arrived.saturating_mul(hops(row))).sum();
    Counts { allowed, denied }
}
