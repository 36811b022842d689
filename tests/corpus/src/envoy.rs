//! The Envoy door: the modules that ship, in a real Envoy, with real TLS and real certificates.
//!
//! One Envoy serves all cases of one workload in one form: a listener for each pair of configuration and transport (`layout`), a connection
//! for each case, a request for each step with an `x-request-id` of its own (`ask`). When all were asked, the answers are put
//! beside what Envoy wrote down: access log, events, counters (`evidence`).
//!
//! State is fresh for each case: one that remembers has a listener of its own, whose plugins have a root of their own; where two of
//! them would meet in the shared data, since they have the same caller, they have VMs of their own.

mod ask;
mod evidence;
mod layout;
mod names;

use crate::CorpusError;
use crate::case::{Case, Door, Expect};
use crate::check::{Finding, differences};
use crate::engines::Modules;
use crate::played::Form;
use crate::tally::Tally;
use evidence::Evidence;
use layout::Layout;
use meshward_harness::envoy::Envoy;
use meshward_model::Node;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Runs all cases that this Envoy can run.
///
/// # Errors
/// When Envoy does not start, refuses a configuration, or does not write down what it did.
pub fn run(
    binary: &Path,
    modules: &Modules,
    form: Form,
    cases: &[Case],
) -> Result<(Tally, Vec<Finding>), CorpusError> {
    let mut tally = Tally::new("envoy");
    let mut findings = Vec::new();
    let mut proxies: BTreeMap<&Node, Vec<&Case>> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.forms().any(|of| of == form)) {
        proxies.entry(&case.node).or_default().push(case);
    }
    for (node, cases) in proxies {
        findings.extend(run_proxy(binary, modules, form, node, &cases, &mut tally)?);
    }
    tally.done();
    Ok((tally, findings))
}

/// Runs the cases of one workload's proxy.
fn run_proxy(
    binary: &Path,
    modules: &Modules,
    form: Form,
    node: &Node,
    cases: &[&Case],
    tally: &mut Tally,
) -> Result<Vec<Finding>, CorpusError> {
    let layout = Layout::new(modules, form, cases)?;
    let bootstrap = layout.bootstrap(node)?;
    let envoy = Envoy::builder(binary).bootstrap(&bootstrap).start().map_err(|error| failed(&error))?;
    let (door, version) = version(&envoy)?;
    tally.door = format!("envoy {version}, {}", form.name());
    let mut asked = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        match case.skipped_by(door) {
            Some(reason) => tally.skip(case, reason),
            None => {
                tally.cases += 1;
                asked.push(ask::case(&layout, number, case)?);
            }
        }
    }
    let evidence = Evidence::collect(&envoy, &asked)?;
    let mut findings = Vec::new();
    findings.extend(asked.iter().filter_map(|asked| evidence.beside(asked)));
    for asked in asked.iter().flatten() {
        let found = match &asked.step.expect {
            Expect::Envoy { status, .. } => {
                tally.envoys_own += 1;
                evidence.of_envoys_own(asked, *status)
            }
            Expect::Verdict(expected) => {
                tally.steps += 1;
                evidence.seen(asked).map_or_else(|missing| vec![missing], |seen| differences(expected, &seen))
            }
        };
        let finding = |what| Finding { case: asked.case.name.clone(), step: asked.number + 1, what };
        findings.extend(found.into_iter().map(finding));
    }
    findings.extend(evidence.counters(asked.iter().flatten()));
    Ok(findings)
}

/// The door that this Envoy is, and its version in words.
fn version(envoy: &Envoy) -> Result<(Door, String), CorpusError> {
    let text = envoy.admin_get("/server_info").map_err(|error| failed(&error))?;
    let info: Value = serde_json::from_str(&text).map_err(|error| failed(&error))?;
    let full = info.get("version").and_then(Value::as_str).unwrap_or_default();
    let number = full.split('/').nth(1).unwrap_or_default();
    let mut parts = number.split('.').map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok((Door::Envoy(major, minor), number.to_owned())),
        _ => Err(CorpusError::new("envoy", format!("`{full}` is no version that can be read"))),
    }
}

pub(crate) fn failed(error: &dyn ToString) -> CorpusError {
    CorpusError::new("envoy", error.to_string())
}
