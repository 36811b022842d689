//! `cargo xtask`: set-up, build, test, and whatever a Justfile line cannot say. This file only dispatches:
//! one subcommand is one file beside it.

mod paths;

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
    /// Say where this checkout and its build products are
    Paths,
    // demo:    Demo(demo::Args),
    // bench:   Bench(bench::Args),
    // mutants: Mutants(mutants::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Paths => paths::run(),
        // demo:    Command::Demo(args) => demo::run(&args),
        // bench:   Command::Bench(args) => bench::run(&args),
        // mutants: Command::Mutants(args) => mutants::run(&args),
    };
    done.unwrap_or_else(|error| {
        anstream::eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
