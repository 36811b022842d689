//! `cargo xtask`: set-up, build, test, and whatever a Justfile line cannot say. This file only dispatches:
//! one subcommand is one file beside it.
#![cfg_attr(test, expect(clippy::expect_used, reason = "a test that cannot go on says why and fails"))]

mod bench;
mod bindgen;
mod build;
mod checks;
mod conformance;
mod debian;
mod demo;
mod docker;
mod doctor;
mod envoy;
mod fuzz;
mod house;
mod install;
mod interface;
mod interrupt;
mod modules;
mod mutants;
mod ocsf;
mod packages;
mod paths;
mod process;
mod setup;
mod show;
mod soak;
mod strip;
mod test;
mod toolchain;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Set-up, build and test of meshward.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One arm for each file that is a subcommand; `run` gives the exit code, an `Err` is printed by [`main`].
#[derive(Subcommand)]
enum Command {
    /// Say what is there, what is missing, and what set-up will do
    Doctor,
    /// Get what building and testing take: the Wasm toolchain and two Envoys
    Setup(setup::Args),
    /// Build the Wasm modules, with size and digest
    Build,
    /// Install the `meshward` command with the module inside
    Install(install::Args),
    /// Run everything that CI runs
    Test(test::Args),
    /// Start a small mesh behind real Envoys and show who may call whom
    Demo(demo::Args),
    /// Measure what a filter adds to a request; count host calls with --trace
    Bench(bench::Args),
    /// Plant faults in a copy of the code: every one must be seen by a test
    Mutants(mutants::Args),
    /// Compare our engine with the engines of others, over cases that chance makes
    Conformance(conformance::Args),
    /// Look for bytes of which something does not hold that must hold of any
    Fuzz(fuzz::Args),
    /// Send a million requests through one worker: its memory must not grow
    Soak(soak::Args),
}

/// What a shell makes of Ctrl-C: 128 and the signal's number.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Doctor => doctor::run(),
        Command::Setup(args) => setup::run(&args),
        Command::Build => build::run(),
        Command::Install(args) => install::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Mutants(args) => mutants::run(&args),
        Command::Conformance(args) => conformance::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Soak(args) => soak::run(&args),
    };
    done.unwrap_or_else(|error| {
        show::error(&format!("{error:#}"));
        if interrupt::is_asked() { ExitCode::from(INTERRUPTED) } else { ExitCode::FAILURE }
    })
}
