//! What happens beside the mesh between two calls, and waiting until the mesh knows of it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use meshward_harness::poll;
use serde_json::Value;

use super::issuer::Generation;
use super::mesh::Mesh;
use super::script::Deed;
use super::services::ISSUER;
use super::workload::Workload;
use crate::show;

/// The modules fetch keys every three seconds here, and a quarantine takes three.
const WITHIN: Duration = Duration::from_secs(20);
/// A little more than `minIntervalMillis`: after that an unknown key is fetched at once.
const QUIET: Duration = Duration::from_millis(300);
/// What the finding is called that says that a caller is let go.
const RELEASED: &str = "penalty.released";

/// Does it; says what was done, and how long that took.
pub(super) fn perform(deed: Deed, mesh: &Mesh) -> Result<String> {
    let start = Instant::now();
    let what = match deed {
        Deed::PublishSecondKey => {
            mesh.services.issuer.publish(&[Generation::First, Generation::Second])?;
            wait_for_quiet(mesh)?;
            "the issuer publishes a second key beside the first"
        }
        Deed::WithdrawFirstKey => {
            mesh.services.issuer.publish(&[Generation::Second])?;
            wait_for_a_fetch(mesh)?;
            "the issuer withdraws its first key, and orders has fetched what is left"
        }
        Deed::AwaitRelease => {
            poll::until("the quarantine's end at the collector", WITHIN, || {
                mesh.services
                    .received()
                    .is_ok_and(|all| all.iter().any(|one| reason(&one.body) == RELEASED))
                    .then_some(())
            })
            .context(
                "no `penalty.released` has arrived: was the module reloaded, or does its tick not run?",
            )?;
            "the quarantine runs out, and the collector is told"
        }
    };
    Ok(format!("{what} ({})", show::duration(start.elapsed())))
}

/// The reason that a record gives.
pub(super) fn reason(record: &Value) -> &str {
    record.pointer("/status_detail").and_then(Value::as_str).unwrap_or_default()
}

/// How many answers orders' Envoy has had from the issuer.
fn fetches(mesh: &Mesh) -> Result<u64> {
    let name = format!("cluster.{ISSUER}.upstream_rq_completed");
    Ok(mesh.member(Workload::Orders)?.envoy().stat(&name)?)
}

/// Waits until the last fetch is so long ago that the next may be made at once.
fn wait_for_quiet(mesh: &Mesh) -> Result<()> {
    let mut last = (fetches(mesh)?, Instant::now());
    poll::until("a pause between two fetches of keys", WITHIN, || {
        let now = fetches(mesh).ok()?;
        if now != last.0 {
            last = (now, Instant::now());
        }
        (last.1.elapsed() >= QUIET).then_some(())
    })?;
    Ok(())
}

/// How many fetches of orders there must be until its worker has surely fetched once and taken the answer: the VM on Envoy's main thread
/// fetches as well, and may do so twice before the worker does.
const FETCHES: u64 = 4;

/// Waits for a fetch that began after this; one may be under way.
fn wait_for_a_fetch(mesh: &Mesh) -> Result<()> {
    let before = fetches(mesh)?;
    poll::until("orders to fetch keys", WITHIN, || {
        fetches(mesh).is_ok_and(|now| now >= before.saturating_add(FETCHES)).then_some(())
    })?;
    Ok(())
}
