//! What can be typed after `meshward`.

use clap::{Parser, Subcommand};

use crate::console::Color;
use crate::{can_i, completion, explain, fmt, lint, run, test};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "meshward",
    version,
    about = "Check, explain, test and try the access policies of a service mesh, without a cluster.",
    after_help = AFTER_HELP,
    max_term_width = 100,
    infer_subcommands = false
)]
pub(crate) struct Arguments {
    /// When to color what is printed
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Say nothing but what was asked for: no summary, no hint
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const AFTER_HELP: &str = "\
Examples:
  meshward lint policies/                    every mistake, with its place and what to write instead
  kubectl get authorizationpolicy -A -o yaml | meshward lint -
  meshward explain MW0403                    what a code means
  meshward fmt --check policies/             would formatting change anything?

Exit codes:
  0   yes, or nothing found          3   input that cannot be read or used
  1   no, or something found         4   cannot be decided from what is given
  2   the command line is wrong      70  a bug in meshward";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Find what is wrong with policies before a proxy does
    Lint(lint::Args),
    /// Ask whether a caller may make a request
    CanI(can_i::Args),
    /// Check a policy against the requests written down in its cases.yaml
    Test(test::Args),
    /// Serve a policy with the real module, without any proxy
    Run(run::Args),
    /// Explain a code that lint printed or a reason that an event names
    Explain(explain::Args),
    /// Format policies; comments stay, and so does the meaning
    Fmt(fmt::Args),
    /// Print a completion script for a shell
    Completion(completion::Args),
}
