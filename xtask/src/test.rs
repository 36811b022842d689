//! `cargo xtask test`: everything that CI asks, in one command. Runs all steps, says at the end which failed.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args as Arguments;

use crate::docker::Skipped;
use crate::show::{self, Mark, Table};
use crate::{checks, setup};

/// Options of `test`.
#[derive(Arguments)]
pub(crate) struct Args {
    /// Run only this step (may be repeated)
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Leave this step out (may be repeated)
    #[arg(long, value_name = "STEP")]
    skip: Vec<String>,
    /// List the steps and what they check
    #[arg(long)]
    list: bool,
}

/// One step of the test.
pub(crate) struct Check {
    /// What `--only` and `--skip` call it.
    pub(crate) name: &'static str,
    /// What it checks, for the heading.
    pub(crate) about: &'static str,
    /// What must be set up first.
    pub(crate) needs: &'static [setup::Step],
    /// Runs it, its output shown; `Ok(false)` when it found something.
    pub(crate) run: fn() -> Result<bool>,
}

/// How a step went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Not asked for.
    LeftOut,
    /// It cannot run on this machine, and has said why.
    Skipped,
    /// It found nothing, or something.
    Ran(bool, Duration),
}

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    check_names(args)?;
    if args.list {
        return Ok(list());
    }
    let start = Instant::now();
    let selected: Vec<&Check> = checks::ALL.iter().filter(|check| is_selected(args, check.name)).collect();
    set_up(&selected)?;
    let outcomes: Vec<(&Check, Outcome)> = checks::ALL
        .iter()
        .map(|check| (check, if is_selected(args, check.name) { timed(check) } else { Outcome::LeftOut }))
        .collect();
    Ok(summary(args, &outcomes, start.elapsed()))
}

fn check_names(args: &Args) -> Result<()> {
    let names: Vec<&str> = checks::ALL.iter().map(|check| check.name).collect();
    match args.only.iter().chain(&args.skip).find(|name| !names.contains(&name.as_str())) {
        Some(name) => bail!("there is no step `{name}`; the steps are {}", names.join(", ")),
        None => Ok(()),
    }
}

fn is_selected(args: &Args, name: &str) -> bool {
    let wanted = args.only.is_empty() || args.only.iter().any(|only| only == name);
    wanted && !args.skip.iter().any(|skip| skip == name)
}

fn list() -> ExitCode {
    let mut table = Table::default();
    for check in &checks::ALL {
        table.row(Mark::Good, [check.name, check.about]);
    }
    table.print();
    ExitCode::SUCCESS
}

fn set_up(selected: &[&Check]) -> Result<()> {
    show::heading("Set-up");
    let needed = setup::EVERYTHING
        .into_iter()
        .filter(|step| selected.iter().any(|check| check.needs.iter().any(|need| need == step)));
    setup::ensure(&needed.collect::<Vec<_>>(), true)
}

fn timed(check: &Check) -> Outcome {
    show::heading(&format!("{}: {}", check.name, check.about));
    let start = Instant::now();
    let passed = match (check.run)() {
        Err(error) if error.is::<Skipped>() => {
            show::progress(&format!("{} {error:#}", check.name));
            return Outcome::Skipped;
        }
        Err(error) => {
            show::error(&format!("{error:#}"));
            false
        }
        Ok(passed) => passed,
    };
    let took = start.elapsed();
    show::progress(&format!(
        "{} {} in {}",
        check.name,
        if passed { "passed" } else { "FAILED" },
        show::duration(took)
    ));
    Outcome::Ran(passed, took)
}

fn summary(args: &Args, outcomes: &[(&Check, Outcome)], total: Duration) -> ExitCode {
    show::heading("Summary");
    let mut table = Table::default();
    for (check, outcome) in
        outcomes.iter().filter(|(_, outcome)| *outcome != Outcome::LeftOut || args.only.is_empty())
    {
        let (mark, word, time) = match outcome {
            Outcome::Ran(true, took) => (Mark::Good, "passed", show::duration(*took)),
            Outcome::Ran(false, took) => (Mark::Bad, "FAILED", show::duration(*took)),
            Outcome::Skipped => (Mark::Skipped, "skipped", String::new()),
            Outcome::LeftOut => (Mark::Skipped, "left out", String::new()),
        };
        table.row(mark, [word.to_owned(), check.name.to_owned(), time, check.about.to_owned()]);
    }
    table.print();
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|(_, outcome)| matches!(outcome, Outcome::Ran(false, _)))
        .map(|(c, _)| c.name)
        .collect();
    let total = show::duration(total);
    if failed.is_empty() {
        show::progress(&format!("\nall passed in {total}"));
        return ExitCode::SUCCESS;
    }
    show::progress(&format!(
        "\n{} failed in {total}; again: `cargo xtask test --only {}`",
        failed.join(", "),
        failed.join(" --only ")
    ));
    ExitCode::FAILURE
}
