//! `cargo xtask setup`: gets what building and testing take. Safe to repeat: what is there is left alone.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::Args as Arguments;

use crate::docker::{self, Ability};
use crate::envoy::Envoy;
use crate::toolchain::{self, MODULE_TARGET};
use crate::{bindgen, ocsf, paths, show};

/// Options of `setup`.
#[derive(Arguments)]
pub(crate) struct Args {
    /// Forget which Wasm toolchain was chosen and try rustup again
    #[arg(long)]
    again: bool,
    /// Also build what only `cargo xtask test` needs (wasm-bindgen's test runner, about two minutes)
    #[arg(long)]
    all: bool,
}

/// One thing that set-up provides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// A compiler for the modules' target.
    Toolchain,
    /// One of the two Envoys.
    Envoy(Envoy),
    /// What runs the pure crates' tests on Node.
    NodeRunner,
    /// OCSF's schemas, which records are checked against.
    Ocsf,
    /// Containers: an engine (or what starts one) and compose.
    Docker,
}

/// What everybody needs.
pub(crate) const ORDINARY: [Step; 3] =
    [Step::Toolchain, Step::Envoy(Envoy::Main), Step::Envoy(Envoy::Second)];
/// What `test` needs.
pub(crate) const EVERYTHING: [Step; 5] =
    [Step::Toolchain, Step::Envoy(Envoy::Main), Step::Envoy(Envoy::Second), Step::NodeRunner, Step::Ocsf];

impl Step {
    /// Its name in progress lines and in `doctor`.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Toolchain => format!("Wasm toolchain ({MODULE_TARGET})"),
            Self::Envoy(envoy) => format!("Envoy {}", envoy.version()),
            Self::NodeRunner => "wasm-bindgen test runner".to_owned(),
            Self::Ocsf => "OCSF schemas".to_owned(),
            Self::Docker => "Docker".to_owned(),
        }
    }

    /// What is there already, in words.
    pub(crate) fn found(self) -> Result<Option<String>> {
        match self {
            Self::Toolchain => toolchain::ready()?.map(toolchain::Toolchain::describe).transpose(),
            Self::Envoy(envoy) => Ok(envoy.found()?.map(|path| paths::short(&path))),
            Self::NodeRunner => Ok(bindgen::found()?.map(|path| paths::short(&path))),
            Self::Ocsf => Ok(ocsf::found()?.map(|path| paths::short(&path))),
            Self::Docker => match docker::ability() {
                Ability::Ready(what) => Ok(Some(what)),
                Ability::Install(_) => Ok(None),
                Ability::Never(why) => bail!("{why}"),
            },
        }
    }

    fn install(self) -> Result<String> {
        match self {
            Self::Toolchain => toolchain::install()?.describe(),
            Self::Envoy(envoy) => Ok(paths::short(&envoy.install()?)),
            Self::NodeRunner => Ok(paths::short(&bindgen::install()?)),
            Self::Ocsf => Ok(paths::short(&ocsf::install()?)),
            Self::Docker => docker::install(),
        }
    }
}

/// Provides the steps. Says something about each where `always`, else only about those with work to do.
pub(crate) fn ensure(steps: &[Step], always: bool) -> Result<()> {
    for (index, step) in steps.iter().enumerate() {
        let label = format!("[{}/{}] {}", index.saturating_add(1), steps.len(), step.name());
        if let Some(found) = step.found()? {
            if always {
                show::progress(&format!("{label}: {found}"));
            }
            continue;
        }
        let start = Instant::now();
        show::progress(&format!("{label}: missing, installing"));
        let result = step.install().with_context(|| format!("set-up of `{}` failed", step.name()))?;
        show::progress(&format!("      done in {}: {result}", show::duration(start.elapsed())));
    }
    Ok(())
}

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.again {
        toolchain::forget()?;
    }
    ensure(if args.all { &EVERYTHING } else { &ORDINARY }, true)?;
    show::progress("set-up is complete; next: `cargo xtask demo` or `cargo xtask test`");
    Ok(ExitCode::SUCCESS)
}
