//! `cargo xtask soak`: a million requests through one worker; its Wasm memory must not grow.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args as Arguments;

use crate::{checks, modules, process};

/// Options of `soak`.
#[derive(Arguments)]
pub(crate) struct Args {
    /// How many requests, each with its own path, headers and caller
    #[arg(default_value_t = 1_000_000)]
    requests: u64,
}

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    modules::build(&[modules::Plugin::Authz])?;
    let call =
        process::cargo().args(["run", "--quiet", "--package", "meshward-corpus", "--example", "soak", "--"]);
    let passed = checks::with_engines(call.arg(args.requests.to_string()))?.passes()?;
    Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
