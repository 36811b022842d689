//! `cargo xtask install`: the `meshward` command with the module inside, so that it needs nothing else to try a policy.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args as Arguments;

use crate::modules::{self, Plugin};
use crate::{paths, process, show};

/// What the command's build script reads (cli/build.rs).
const MODULE_VARIABLE: &str = "MESHWARD_EMBED_MODULE";
const PROGRAM: &str = "meshward";

/// Options of `install`.
#[derive(Arguments)]
pub(crate) struct Args {
    /// Where it goes, into `bin`; cargo's own place when left out
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let start = Instant::now();
    let module = modules::build(&[Plugin::Authz])?.pop().context("`authz` was not built")?;
    show::progress(&format!(
        "[1/2] the module: authz.wasm {}, in {}",
        module.size(),
        show::duration(start.elapsed())
    ));
    show::progress("[2/2] the command: cargo install (two to five minutes the first time) …");
    let root = args.root.as_deref().map(|root| std::env::current_dir().unwrap_or_default().join(root));
    let call = process::cargo()
        .args(["install", "--quiet", "--locked", "--force", "--path", "cli", "--bin", PROGRAM]);
    let call = root.iter().fold(call, |call, root| call.arg("--root").arg(root));
    call.env(MODULE_VARIABLE, &module.path).logged("install")?;
    let installed = place(root.as_deref()).context("neither CARGO_HOME nor HOME is set")?;
    let bytes = std::fs::metadata(&installed)
        .with_context(|| format!("cargo installed it, and not as {}", installed.display()))?
        .len();
    show::progress(&format!(
        "      {}: {:.1} MiB, the module inside; all in {}",
        installed.display(),
        bytes as f64 / (1024.0 * 1024.0),
        show::duration(start.elapsed())
    ));
    let is_on_path = process::on_path(PROGRAM).is_some_and(|found| found == installed);
    let word = if is_on_path { PROGRAM.to_owned() } else { installed.display().to_string() };
    show::progress(&format!("next: `{word} run {} --as shop/web`", paths::short(&example())));
    Ok(ExitCode::SUCCESS)
}

fn example() -> PathBuf {
    paths::root().join("policies/default-deny")
}

/// Where cargo puts it.
fn place(root: Option<&Path>) -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let root = root
        .map(Path::to_path_buf)
        .or_else(|| variable("CARGO_INSTALL_ROOT"))
        .or_else(|| variable("CARGO_HOME"))
        .or_else(|| Some(variable("HOME")?.join(".cargo")))?;
    Some(root.join("bin").join(PROGRAM))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_that_is_named_is_where_it_goes() {
        assert_eq!(place(Some(Path::new("/opt/x"))), Some(PathBuf::from("/opt/x/bin/meshward")));
    }

    #[test]
    fn the_policy_that_is_named_next_is_there() {
        assert!(example().join("policy.yaml").is_file());
    }
}
