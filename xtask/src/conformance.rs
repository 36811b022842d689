//! `cargo xtask conformance`: our engine against the engines of others, on cases that chance makes.

mod rbac;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args as Arguments, Subcommand};

/// Options of `conformance`.
#[derive(Arguments)]
pub(crate) struct Args {
    #[command(subcommand)]
    against: Against,
}

/// What we are compared with.
#[derive(Subcommand)]
enum Against {
    /// Envoy's own RBAC filter, configured by istiod's own translator; takes Go
    Rbac(rbac::Args),
}

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    match &args.against {
        Against::Rbac(args) => rbac::run(args),
    }
}
