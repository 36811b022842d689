//! `wasm-bindgen-test-runner`, which runs the pure crates' tests on Node: the very version that Cargo.lock names.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::process::{self, Call};
use crate::{paths, show};

/// The version that the runner must have.
pub(crate) fn wanted() -> Result<String> {
    let lock =
        std::fs::read_to_string(paths::root().join("Cargo.lock")).context("could not read Cargo.lock")?;
    version_in(&lock).context(
        "Cargo.lock names no wasm-bindgen; a shared crate needs `wasm-bindgen-test` for its Node tests",
    )
}

fn version_in(lock: &str) -> Option<String> {
    let lock: toml::Table = lock.parse().ok()?;
    let packages = lock.get("package")?.as_array()?;
    let named = packages
        .iter()
        .find(|package| package.get("name").and_then(|name| name.as_str()) == Some("wasm-bindgen"));
    named?.get("version")?.as_str().map(str::to_owned)
}

/// The runner, when the wanted version is installed.
pub(crate) fn found() -> Result<Option<PathBuf>> {
    let runner = paths::work().join("bin/wasm-bindgen-test-runner");
    let version = Call::new(&runner).arg("--version").output().unwrap_or_default();
    let wanted = wanted()?;
    Ok(version.split_whitespace().any(|word| word == wanted).then_some(runner))
}

/// The runner, building it where it is missing. It is not optimised: that would cost two minutes and save ten seconds.
pub(crate) fn install() -> Result<PathBuf> {
    if let Some(runner) = found()? {
        return Ok(runner);
    }
    if process::on_path("node").is_none() {
        bail!("no `node` on PATH: install Node 20 or newer (Debian: `apt-get install nodejs`)");
    }
    let version = wanted()?;
    show::progress(&format!("      cargo install wasm-bindgen-cli {version}, about two minutes …"));
    let call =
        process::cargo().args(["install", "wasm-bindgen-cli", "--version", &version, "--quiet", "--force"]);
    let call = call.args(["--debug", "--bin", "wasm-bindgen-test-runner", "--root"]).arg(paths::work());
    let call = call.env("CARGO_PROFILE_DEV_DEBUG", "0");
    call.env("CARGO_TARGET_DIR", paths::target().join("tools")).logged("wasm-bindgen")?;
    found()?.with_context(|| format!("cargo install left no wasm-bindgen-test-runner {version} in .work/bin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wanted_version_is_the_locks() {
        let lock = "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(version_in(lock).as_deref(), Some("0.2.130"));
        assert_eq!(version_in("version = 4"), None);
    }
}
