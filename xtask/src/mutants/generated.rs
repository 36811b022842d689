//! `cargo xtask mutants --all`: cargo-mutants on policy, identity and SPIFFE IDs. Nine in ten must be caught, and each
//! survivor must be known, with a reason, in `survivors.txt`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::ground::folder;
use crate::paths;
use crate::process::{self, Call};
use crate::show::{self, Mark, Table};

const VERSION: &str = "27.1.0";
const PACKAGES: [&str; 4] = ["meshward-decide", "meshward-policy", "meshward-identity", "meshward-model"];
const FILES: [&str; 4] = [
    "shared/decide/src/**",
    "shared/policy/src/**",
    "shared/identity/src/**",
    "shared/model/src/spiffe_id.rs",
];

/// The survivors that are known: `<mutant> # <reason>`, a line each; the mutant as cargo-mutants names it, without line and
/// column.
const SURVIVORS: &str = include_str!("survivors.txt");

/// What cargo-mutants counted.
#[derive(Deserialize)]
struct Counts {
    caught: usize,
    missed: usize,
    timeout: usize,
    unviable: usize,
}

/// Runs cargo-mutants and compares its survivors with those that are known.
pub(crate) fn run() -> Result<ExitCode> {
    let program = program()?;
    fs::create_dir_all(folder()).context("could not create .work/mutants")?;
    let named = PACKAGES.iter().flat_map(|package| ["--package", *package]);
    // What decides is tested through the documents that it is compiled from, which is another package.
    let tested = PACKAGES.iter().flat_map(|package| ["--test-package", *package]);
    let files = FILES.iter().flat_map(|file| ["--file", *file]);
    show::heading("cargo-mutants on policy, identity and SPIFFE IDs (long)");
    // Its exit code says that mutants survived; which ones may is for the list to say.
    Call::new(program)
        .arg("mutants")
        .args(named)
        .args(tested)
        .args(files)
        .args(["--jobs", "1", "--minimum-test-timeout", "60", "--no-shuffle", "--output"])
        .arg(folder())
        .args(["--", "--lib", "--tests"])
        .env("PROPTEST_CASES", "32")
        .env("RUST_BACKTRACE", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .without_env("CARGO_TARGET_DIR")
        .passes()?;
    judge()
}

/// cargo-mutants: on PATH, or installed under `.work` now.
fn program() -> Result<PathBuf> {
    let own = paths::work().join("bin/cargo-mutants");
    if let Some(found) = process::on_path("cargo-mutants").or_else(|| own.is_file().then(|| own.clone())) {
        return Ok(found);
    }
    show::progress("cargo-mutants: missing, installing (some minutes)");
    process::cargo()
        .args(["install", "cargo-mutants", "--locked", "--version", VERSION, "--root"])
        .arg(paths::work())
        .logged("cargo-mutants")
        .context("cargo-mutants could not be installed; install it by hand and run this again")?;
    Ok(own)
}

fn judge() -> Result<ExitCode> {
    let out = folder().join("mutants.out");
    let read = |name: &str| {
        fs::read_to_string(out.join(name)).with_context(|| format!("cargo-mutants left no {name}; see above"))
    };
    let counts: Counts =
        serde_json::from_str(&read("outcomes.json")?).context("outcomes.json reads otherwise")?;
    let missed: BTreeSet<String> = read("missed.txt")?.lines().filter_map(without_place).collect();
    let known: BTreeSet<String> = known().map(|(mutant, _)| mutant.to_owned()).collect();
    let mut table = Table::default();
    for mutant in missed.difference(&known) {
        table.row(Mark::Bad, ["unknown survivor", mutant]);
    }
    for (mutant, reason) in known_reasons(&missed) {
        table.row(Mark::Good, ["known survivor", &format!("{mutant} ({reason})")]);
    }
    for mutant in known.difference(&missed) {
        table.row(Mark::Todo, ["no longer survives", mutant]);
    }
    table.print();
    let seen = counts.caught.saturating_add(counts.timeout);
    let all = seen.saturating_add(counts.missed);
    let percent = seen.saturating_mul(100).checked_div(all).unwrap_or_default();
    show::progress(&format!(
        "{seen} of {all} caught ({percent} %; {} of them by a time-out), {} survive, {} did not compile",
        counts.timeout, counts.missed, counts.unviable
    ));
    let good = percent >= 90 && missed.is_subset(&known);
    if !good {
        show::error(
            "a survivor wants a test, or a reason in xtask/src/mutants/survivors.txt; 90 % must be caught",
        );
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn known() -> impl Iterator<Item = (&'static str, &'static str)> {
    SURVIVORS.lines().filter_map(|line| line.split_once(" # "))
}

fn known_reasons(missed: &BTreeSet<String>) -> impl Iterator<Item = (&'static str, &'static str)> {
    known().filter(|(mutant, _)| missed.contains(*mutant))
}

/// `file:line:column: what` without line and column, which change with every edit.
fn without_place(line: &str) -> Option<String> {
    let (file, rest) = line.split_once(':')?;
    let (_, what) = rest.split_once(": ")?;
    Some(format!("{file}: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_known_by_file_and_change_and_not_by_its_line() {
        let line = "shared/decide/src/set.rs:87:9: replace Set::combine -> Decision with Default::default()";
        let name = "shared/decide/src/set.rs: replace Set::combine -> Decision with Default::default()";
        assert_eq!(without_place(line).as_deref(), Some(name));
    }

    #[test]
    fn every_known_survivor_has_a_reason_and_a_file() {
        for line in SURVIVORS.lines().filter(|line| !line.is_empty()) {
            let (mutant, reason) = line.split_once(" # ").unwrap_or_default();
            let file = mutant.split(": ").next().unwrap_or_default();
            assert!(!reason.is_empty() && paths::root().join(file).is_file(), "{line}");
        }
    }
}
