//! `cargo xtask bench authz`: what a request costs with one rule and with ten thousand, in our module and in Envoy's own RBAC filter
//! configured as istiod writes it; the floor module and the SDK's empty one run beside them.

mod configuring;
mod documents;
mod entrant;
mod native;
mod promises;
mod report;
mod shape;

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args as Arguments;

use super::{calls, floors, measure};
use crate::{modules, show};
use shape::Shape;

/// Options of `bench authz`.
#[derive(Arguments)]
pub(crate) struct Args {
    /// How often each configuration is measured, in turn
    #[arg(long, default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Requests per configuration and round; the slow ones get fewer
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    requests: u32,
    /// How often all configurations are started anew; the rounds are spread over the starts
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=50))]
    starts: u32,
    /// Only rules that are told apart so
    #[arg(long, value_delimiter = ',')]
    only: Vec<Shape>,
    /// Exit with 1 when something is over its ceiling
    #[arg(long)]
    check: bool,
}

/// Measures, prints, writes; `Ok(false)` when `--check` found something over its ceiling.
pub(super) fn run(envoy: &Path, args: &Args) -> Result<bool> {
    modules::build(&modules::ALL)?;
    let floors = floors::make(envoy, vec![entrant::floor()])?;
    ensure!(
        calls::are_floors_equal(&floors, &floors::compare(envoy, &floors)?),
        "a floor does not make its plugin's host calls: `cargo xtask bench --trace` says more"
    );
    let configured = configuring::measure(envoy)?;
    let plan = measure::Plan { rounds: args.rounds, requests: args.requests, starts: args.starts };
    let shapes: Vec<Shape> = if args.only.is_empty() { shape::ALL.to_vec() } else { args.only.clone() };
    let measured = measure::run(envoy, plan, &entrant::of(&shapes))?;
    let report = report::Report::new(plan, configured, measured);
    report.print();
    show::progress(&format!("\nwritten to {}", report.write()?));
    Ok(!args.check || report.is_within_ceilings())
}
