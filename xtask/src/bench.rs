//! `cargo xtask bench`: what a filter adds to a request's CPU time, ours against their floors, the SDK and Envoy's own; and with
//! `--trace`, that the floors make our host calls and that those are as few as written down.

mod calls;
mod contestant;
mod cpu;
mod floor;
mod floors;
mod life;
mod measure;
mod numbers;
mod outline;
mod policy;
mod result;
mod rules;
mod scene;
mod signature;
mod stages;
mod trace;
mod traced;
mod turns;
mod witness;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Args as Arguments, Subcommand};

use contestant::Contestant;

use crate::envoy::Envoy;
use crate::modules;
use crate::{setup, show};

/// Options of `bench`.
#[derive(Arguments)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// How often each configuration is measured, in turn
    #[arg(long, default_value_t = 240, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Requests per configuration and round
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    requests: u32,
    /// How often all configurations are started anew; the rounds are spread over the starts
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=50))]
    starts: u32,
    /// Measure only these beside "no filter"; ratios of others are left out
    #[arg(long, value_delimiter = ',')]
    only: Vec<Contestant>,
    /// Exit with 1 when a plugin costs more than its ceiling over its floor, or guard over the plugins apart
    #[arg(long)]
    check: bool,
    /// Measure no time: count host calls, compare them with the floors' and with tests/bench/host-calls.toml
    #[arg(long)]
    trace: bool,
    /// With --trace: write fewer host calls down
    #[arg(long, requires = "trace")]
    record: bool,
}

/// What else is measured.
#[derive(Subcommand)]
enum What {
    /// What ten thousand rules cost, in our module and in Envoy's own RBAC filter as istiod configures it
    Authz(rules::Args),
}

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let passed = match &args.what {
        Some(What::Authz(args)) => rules::run(&envoy()?, args)?,
        None if args.trace => host_calls(args.record)?,
        None => cost(args)?,
    };
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Counts host calls; `Ok(false)` when they are not those written down, or not the floors'.
pub(crate) fn host_calls(record: bool) -> Result<bool> {
    let envoy = envoy()?;
    modules::build(&floors::ALL)?;
    let floors = floors::make(&envoy, floors::usual()?)?;
    let equal = calls::are_floors_equal(&floors, &floors::compare(&envoy, &floors)?);
    Ok(calls::compare(&traced::run(&envoy)?, record)? && equal)
}

fn cost(args: &Args) -> Result<bool> {
    let envoy = envoy()?;
    let modules = modules::build(&modules::ALL)?;
    let floors = floors::make(&envoy, floors::usual()?)?;
    ensure!(
        calls::are_floors_equal(&floors, &floors::compare(&envoy, &floors)?),
        "a floor does not make its plugin's host calls: `cargo xtask bench --trace` says more"
    );
    let plan = measure::Plan { rounds: args.rounds, requests: args.requests, starts: args.starts };
    let is_wanted = |one: &Contestant| args.only.is_empty() || args.only.contains(one);
    let others = contestant::ALL.into_iter().filter(|one| *one != Contestant::Nothing && is_wanted(one));
    let contestants: Vec<Contestant> = std::iter::once(Contestant::Nothing).chain(others).collect();
    let measured = measure::run(&envoy, plan, &contestants)?;
    let result = result::Results::new(plan, &modules, measured);
    result.print();
    show::progress(&format!("\nwritten to {}", result.write()?));
    Ok(!args.check || result.within_ceiling())
}

fn envoy() -> Result<PathBuf> {
    setup::ensure(&[setup::Step::Envoy(Envoy::Main)], false)?;
    Envoy::Main.install()
}
