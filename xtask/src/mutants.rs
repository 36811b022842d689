//! `cargo xtask mutants`: plants faults in a copy of the workspace and asks whether the tests see them. With `--all`, what
//! cargo-mutants can think of; without, faults that people would make, each with a name.

mod faults;
mod generated;
mod ground;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};
use clap::Args as Arguments;

use crate::show::{self, Mark, Table};
use faults::Fault;
use ground::{Ground, Seen};

/// Options of `mutants`.
#[derive(Arguments)]
pub(crate) struct Args {
    /// Run cargo-mutants on policy, identity and SPIFFE IDs instead of the named faults (about an hour)
    #[arg(long, conflicts_with_all = ["only", "corpus", "list"])]
    all: bool,
    /// Plant only the faults whose name holds this text (may be repeated)
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Ask the corpus alone, natively, and not the crates' own tests
    #[arg(long)]
    corpus: bool,
    /// List the faults
    #[arg(long)]
    list: bool,
}

/// The packages whose tests are asked about a fault, after those of the package that it is planted in.
const PACKAGES: [&str; 5] =
    ["meshward-model", "meshward-http", "meshward-identity", "meshward-decide", "meshward-policy"];

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.all {
        return generated::run();
    }
    let faults: Vec<&Fault> = faults::all().filter(|fault| is_selected(args, fault)).collect();
    if faults.is_empty() {
        bail!("no fault has such a name; `cargo xtask mutants --list` names them");
    }
    if args.list {
        list(&faults);
        return Ok(ExitCode::SUCCESS);
    }
    let start = Instant::now();
    let ground = Ground::prepare(&faults)?;
    show::heading("Without a fault, everything passes");
    ground.check_sound(&[if args.corpus { CORPUS.to_vec() } else { unit(&PACKAGES) }])?;
    show::heading(&format!("{} faults, one at a time", faults.len()));
    let mut table = Table::default();
    let mut survivors = Vec::new();
    for (at, fault) in faults.iter().enumerate() {
        let began = Instant::now();
        let seen = plant(&ground, fault, args.corpus)?;
        let (mark, sign, what) = match &seen {
            Some(Seen { test, .. }) => (Mark::Good, "✓", test.as_str()),
            None => (Mark::Bad, "✗", "NOTHING SAW IT"),
        };
        let place = format!("[{}/{}]", at.saturating_add(1), faults.len());
        show::progress(&format!(
            "{place} {sign} {}: {what} ({})",
            fault.name,
            show::duration(began.elapsed())
        ));
        let file = fault.file.replace("shared/", "").replace("src/", "");
        table.row(mark, [sign.to_owned(), fault.name.to_owned(), file, told(seen.as_ref())]);
        if seen.is_none() {
            survivors.push(fault.name);
        }
    }
    show::heading("Faults and the first test that saw each");
    table.print();
    Ok(summary(faults.len(), &survivors, start))
}

fn is_selected(args: &Args, fault: &Fault) -> bool {
    args.only.is_empty() || args.only.iter().any(|text| fault.name.contains(text.as_str()))
}

fn list(faults: &[&Fault]) {
    let mut table = Table::default();
    for fault in faults {
        table.row(Mark::Good, [fault.name, fault.file]);
    }
    table.print();
}

/// The corpus through the native core.
const CORPUS: [&str; 4] = ["--package", "meshward-corpus", "--test", "native"];

/// The packages' own tests: one call of `cargo test`.
fn unit(packages: &[&'static str]) -> Vec<&'static str> {
    let named = packages.iter().flat_map(|package| ["--package", *package]);
    ["--lib", "--tests"].into_iter().chain(named).collect()
}

/// Which test sees the fault: of the package that it is planted in, of the others, of the corpus. The corpus builds long and
/// sees most of what the others see, so it is asked last, or alone.
fn plant(ground: &Ground, fault: &Fault, corpus_alone: bool) -> Result<Option<Seen>> {
    if !corpus_alone {
        ground.plant(fault)?;
        let (own, others): (Vec<_>, Vec<_>) = PACKAGES.into_iter().partition(|name| *name == fault.package());
        for packages in [own, others] {
            if let Some(seen) = ground.ask(&unit(&packages), fault.name)? {
                ground.heal(fault)?;
                return Ok(Some(seen));
            }
        }
        ground.heal(fault)?;
        ground.check_sound(&[CORPUS.to_vec()])?;
    }
    ground.plant(fault)?;
    let seen = ground.ask(&CORPUS, fault.name)?;
    ground.heal(fault)?;
    Ok(seen)
}

fn told(seen: Option<&Seen>) -> String {
    match seen {
        Some(Seen { test, more: 0 }) => test.clone(),
        Some(Seen { test, more }) => format!("{test} (and {more} more)"),
        None => "NOTHING SAW IT".to_owned(),
    }
}

fn summary(count: usize, survivors: &[&str], start: Instant) -> ExitCode {
    let took = show::duration(start.elapsed());
    if survivors.is_empty() {
        show::progress(&format!("\nall {count} faults were seen, in {took}"));
        return ExitCode::SUCCESS;
    }
    show::error(&format!(
        "{} of {count} faults survived ({took}): {}; write a test that fails with each",
        survivors.len(),
        survivors.join(", ")
    ));
    ExitCode::FAILURE
}
