//! `cargo xtask fuzz`: looks for bytes of which something does not hold that must hold of any (`tests/fuzz`).

mod engine;
mod outcome;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args as Arguments;
use meshward_fuzz::{ALL, Target, find, seeds};

use crate::show::{self, Mark, Table};
use crate::{interrupt, paths};
use engine::Engine;
use outcome::Outcome;

/// Options of `fuzz`.
#[derive(Arguments)]
pub(crate) struct Args {
    /// Only these targets; all of them, one after another, when none is named
    targets: Vec<String>,
    /// How long each is fuzzed, in minutes
    #[arg(long, default_value_t = 1.0, value_parser = minutes)]
    minutes: f64,
    /// Run one target once, on the bytes of this file: what a finding says to do
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// List the targets and what they hold to what
    #[arg(long)]
    list: bool,
}

/// The longest that is taken for an answer: a week.
const MOST_MINUTES: f64 = 10_080.0;

fn minutes(text: &str) -> Result<f64, String> {
    let minutes: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if minutes > 0.0 && minutes <= MOST_MINUTES {
        Ok(minutes)
    } else {
        Err(format!("more than 0 and at most {MOST_MINUTES}"))
    }
}

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.list {
        list();
        return Ok(ExitCode::SUCCESS);
    }
    let targets = selected(&args.targets)?;
    if let Some(input) = &args.input {
        return repeat(&targets, input);
    }
    show::heading("Building the targets, with coverage");
    let engine = Engine::build(&targets)?;
    let mut outcomes = Vec::new();
    for target in targets {
        show::heading(&format!("{}: {}", target.name, target.about));
        let outcome = fuzz(&engine, target, Duration::from_secs_f64(args.minutes * 60.0))?;
        show::progress(&format!("  {}", outcome.line()));
        outcomes.push((target, outcome));
        if interrupt::is_asked() {
            break;
        }
    }
    Ok(summary(&outcomes))
}

fn list() {
    let mut table = Table::default();
    for target in ALL {
        table.row(Mark::Good, [target.name, target.about]);
    }
    table.print();
}

fn selected(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.is_empty() {
        return Ok(ALL.iter().collect());
    }
    let known = || ALL.map(|target| target.name).join(", ");
    let one = |name: &String| {
        find(name).with_context(|| format!("there is no target `{name}`; they are {}", known()))
    };
    names.iter().map(one).collect()
}

fn repeat(targets: &[&'static Target], input: &Path) -> Result<ExitCode> {
    let [target] = targets else {
        bail!("`--input` goes with one target: `cargo xtask fuzz path --input FILE`")
    };
    let input = std::path::absolute(input).with_context(|| format!("no such file: {}", input.display()))?;
    ensure!(input.is_file(), "no such file: {}", input.display());
    let held = Engine::build(targets)?.call(target).arg(&input).passes()?;
    let said = if held { "everything holds of it" } else { "something does not hold of it: see above" };
    show::progress(&format!("{}: {said}", target.name));
    Ok(if held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where a target's inputs and findings are kept from run to run.
struct Ground {
    corpus: PathBuf,
    seeds: PathBuf,
    findings: PathBuf,
    words: Option<PathBuf>,
}

impl Ground {
    /// Makes the folders and writes the seeds, of the checkout as it is now.
    fn prepare(target: &Target) -> Result<Self> {
        let folder = paths::work().join("fuzz").join(target.name);
        let [corpus, own, findings] = ["corpus", "seeds", "findings"].map(|name| folder.join(name));
        if own.is_dir() {
            std::fs::remove_dir_all(&own).with_context(|| format!("could not empty {}", own.display()))?;
        }
        for folder in [&corpus, &own, &findings] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("could not make {}", folder.display()))?;
        }
        let found = seeds::of(target.name, &paths::root()).context("could not read the seeds")?;
        for (at, seed) in found.iter().enumerate() {
            std::fs::write(own.join(format!("{at:05}")), seed).context("could not write a seed")?;
        }
        let known = seeds::words(&found);
        let words = folder.join("words.dict");
        let text: Vec<String> = known.iter().map(|word| format!("{word:?}\n")).collect();
        std::fs::write(&words, text.concat()).context("could not write the dictionary")?;
        Ok(Self { corpus, seeds: own, findings, words: (!known.is_empty()).then_some(words) })
    }

    fn found(&self) -> Result<Vec<PathBuf>> {
        seeds::files(&self.findings).with_context(|| format!("could not read {}", self.findings.display()))
    }
}

fn fuzz(engine: &Engine, target: &Target, time: Duration) -> Result<Outcome> {
    let ground = Ground::prepare(target)?;
    let before = ground.found()?;
    let regressions = paths::root().join("tests/fuzz/regressions").join(target.name);
    let mut call = engine.call(target).arg(&ground.corpus).arg(&ground.seeds);
    if regressions.is_dir() {
        call = call.arg(&regressions);
    }
    if let Some(words) = &ground.words {
        call = call.arg(format!("-dict={}", words.display()));
    }
    let call = call
        .arg(format!("-max_total_time={}", time.as_secs().max(1)))
        .arg(format!("-max_len={}", target.longest))
        .arg(format!("-artifact_prefix={}/", ground.findings.display()))
        .args(["-print_final_stats=1", "-timeout=20", "-rss_limit_mb=2048", "-reload=0"]);
    let log = format!("fuzz-{}", target.name);
    let start = Instant::now();
    let ended = call.logged(&log);
    let found: Vec<PathBuf> = ground.found()?.into_iter().filter(|path| !before.contains(path)).collect();
    if let Err(error) = ended
        && found.is_empty()
    {
        return Err(error);
    }
    let log = paths::work().join("log").join(format!("{log}.log"));
    let text = std::fs::read(&log).with_context(|| format!("could not read {}", log.display()))?;
    let corpus = seeds::files(&ground.corpus).map_or(0, |files| files.len());
    Ok(Outcome::read(&String::from_utf8_lossy(&text), corpus, start.elapsed(), found))
}

fn summary(outcomes: &[(&Target, Outcome)]) -> ExitCode {
    show::heading("Summary");
    let mut table = Table::default();
    table.row(Mark::Skipped, ["target", "executions", "a second", "coverage", "corpus", "time", "findings"]);
    for (target, outcome) in outcomes {
        let mark = if outcome.findings.is_empty() { Mark::Good } else { Mark::Bad };
        table.row(mark, core::iter::once(target.name.to_owned()).chain(outcome.cells()));
    }
    table.print();
    let found: Vec<(&Target, &PathBuf)> = outcomes
        .iter()
        .flat_map(|(target, outcome)| outcome.findings.iter().map(move |path| (*target, path)))
        .collect();
    for (target, path) in &found {
        show::progress(&format!(
            "\n  found by {0}: {1}\n  again:   cargo xtask fuzz {0} --input {1}\n  said:    .work/log/fuzz-{0}.log\n  mended?  cp {1} tests/fuzz/regressions/{0}/WHAT_IT_WAS",
            target.name,
            paths::short(path),
        ));
    }
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
