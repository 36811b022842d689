//! Playing the script: every call in order, then what the logs say of each.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::call::{self, Made};
use super::evidence::{self, Evidence};
use super::mesh::Mesh;
use super::scenes;
use super::script::{Call, Outcome};
use super::workload::Workload;
use crate::interrupt;

/// One call with all that is known of it.
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) call: Call,
    pub(super) made: Made,
    pub(super) evidence: Evidence,
}

/// The rows of one scene.
pub(super) struct Played {
    pub(super) title: &'static str,
    pub(super) rows: Vec<Row>,
}

impl Row {
    /// Outcome, what decided, and whether it arrived: all as expected.
    pub(super) fn is_as_expected(&self) -> bool {
        self.made.got == Ok(self.call.expected)
            && self.evidence.decided_by == self.call.decided_by
            && (self.made.arrived > 0) == self.may_arrive()
    }

    /// Whether an application may see it.
    pub(super) fn may_arrive(&self) -> bool {
        self.call.expected == Outcome::Reached
    }

    /// How many requests arrived that should not have.
    pub(super) fn arrived_without_permission(&self) -> u64 {
        if self.may_arrive() { 0 } else { self.made.arrived }
    }
}

/// Plays the whole script. All calls come first: logs are written a moment later.
pub(super) fn play(mesh: &Mesh) -> Result<Vec<Played>> {
    let mut number = 0_usize;
    let mut failures: BTreeMap<Workload, usize> = BTreeMap::new();
    let mut scenes = Vec::new();
    for scene in scenes::all() {
        let mut made = Vec::new();
        for call in scene.calls {
            interrupt::check()?;
            number = number.saturating_add(1);
            let one = call::make(mesh, &call, number)
                .with_context(|| format!("call {number} (`{}`) could not be made", call.what()))?;
            let earlier = failures.get(&call.to).copied().unwrap_or(0);
            if one.got == Ok(Outcome::NoTls) {
                failures.insert(call.to, earlier.saturating_add(1));
            }
            made.push((number, call, one, earlier));
        }
        scenes.push((scene.title, made));
    }
    scenes.into_iter().map(|(title, made)| Ok(Played { title, rows: rows(mesh, made)? })).collect()
}

fn rows(mesh: &Mesh, made: Vec<(usize, Call, Made, usize)>) -> Result<Vec<Row>> {
    made.into_iter()
        .map(|(number, call, made, earlier)| {
            let evidence = evidence::gather(mesh, &call, number, &made, earlier)
                .with_context(|| format!("call {number} (`{}`) left no trace", call.what()))?;
            Ok(Row { number, call, made, evidence })
        })
        .collect()
}
