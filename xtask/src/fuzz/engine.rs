//! The targets as programs: libFuzzer around them, and the compiler's coverage in them. A stable compiler will do.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use meshward_fuzz::Target;

use crate::process::{self, Call};
use crate::{paths, show};

/// LLVM's own coverage pass: a counter for each edge, a table of them, and every comparison told to the engine.
const COVERAGE: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// The folder of the built programs.
pub(super) struct Engine {
    folder: PathBuf,
}

impl Engine {
    /// Builds the programs of these targets, in a target folder of their own: the flags are for nothing else.
    pub(super) fn build(targets: &[&Target]) -> Result<Self> {
        let compilers = ["c++", "g++", "clang++"];
        if std::env::var_os("CXX").is_none()
            && !compilers.into_iter().any(|name| process::on_path(name).is_some())
        {
            bail!(
                "libFuzzer is C++ and there is no compiler for it; install one (Debian: `apt-get install g++`) or name it in CXX"
            );
        }
        let host = host()?;
        let target = paths::target().join("fuzz");
        let call = process::cargo()
            .args([
                "build",
                "--quiet",
                "--package",
                "meshward-fuzz",
                "--features",
                "engine",
                "--profile",
                "fuzz",
            ])
            // With a target named, the flags are not those of build scripts and macros.
            .args(["--target", &host])
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"));
        let call = targets.iter().fold(call, |call, target| call.args(["--bin", &program(target)]));
        if !call.passes()? {
            bail!("the targets do not build");
        }
        show::progress(&format!("  {} built for {host}", targets.len()));
        Ok(Self { folder: target.join(host).join("fuzz") })
    }

    /// A call of the target's program.
    pub(super) fn call(&self, target: &Target) -> Call {
        Call::new(self.folder.join(program(target)))
    }
}

fn program(target: &Target) -> String {
    format!("fuzz-{}", target.name)
}

/// The triple that the compiler runs on.
fn host() -> Result<String> {
    let said = Call::new("rustc").arg("-vV").output()?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc does not say its host")
}
