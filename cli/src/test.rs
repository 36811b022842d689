//! `meshward test`: the requests that people wrote down, decided by the same core that runs in the proxy.

mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use meshward_cases::case::{Case, Door, Policy};
use meshward_cases::check::differences;
use meshward_cases::coverage::Coverage;
use meshward_cases::native;
use meshward_cases::played::Form;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, Input};

const EXAMPLES: &str = "\
Examples:
  meshward test                       every cases.yaml below this folder
  meshward test policies/default-deny
  meshward test --filter checkout -v  only cases whose name has `checkout`, each on a line
  meshward test --threshold 100       fail when a rule decides no case
  meshward test -o junit > report.xml

A case says who calls, what is asked and what must come of it; the policy is the `policy.yaml` beside the file:

  cases:
    - name: web may read orders
      given: {peer: spiffe://cluster.local/ns/shop/sa/web}
      steps:
        - request: {method: GET, path: /orders/7, host: orders.shop}
          expect: {verdict: allow, rule: \"ns[shop]-policy[orders]-rule[0]\"}

Exit code 0: all passed; 1: a case failed, or coverage is under the threshold; 3: cases or policy cannot be used.";

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// `cases.yaml` files, or folders that have them
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only cases whose name contains this text
    #[arg(short, long, value_name = "TEXT")]
    filter: Option<String>,
    /// Fail when fewer than this percentage of the rules decided a case
    #[arg(short, long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    threshold: Option<u8>,
    /// A line for each case and each rule
    #[arg(short, long)]
    verbose: bool,
    /// How the results are printed
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    output: Format,
}

/// How the results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// JUnit XML, which CI systems show
    Junit,
}

/// What came of one file.
#[derive(Debug)]
pub(crate) struct Suite {
    /// The file.
    pub(crate) file: String,
    /// Its cases, in order.
    pub(crate) results: Vec<CaseResult>,
    /// How often each rule decided, by policy.
    pub(crate) coverage: Vec<(String, Coverage)>,
}

/// What came of one case.
#[derive(Debug)]
pub(crate) struct CaseResult {
    /// The case's name.
    pub(crate) name: String,
    /// How it went.
    pub(crate) end: End,
}

/// How a case went.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As it says.
    Passed,
    /// Otherwise: (step from 1, what differs).
    Failed(Vec<(usize, String)>),
    /// It was not run, and why.
    Skipped(String),
}

pub(crate) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let mut suites = Vec::new();
    for input in files(&args.paths)? {
        let suite = suite(&input, args.filter.as_deref())?;
        suites.extend(Some(suite).filter(|suite| !suite.results.is_empty()));
    }
    if suites.is_empty() {
        let help = "check `--filter`, or write cases: `meshward test --help` shows one";
        return Err(Failure::input("there is no case to run", help));
    }
    match args.output {
        Format::Text => report::text(&suites, args.verbose, console)?,
        Format::Json => report::json(&suites, console)?,
        Format::Junit => report::junit(&suites, console)?,
    }
    let failed =
        suites.iter().flat_map(|suite| &suite.results).any(|result| matches!(result.end, End::Failed(_)));
    let short = args.threshold.is_some_and(|least| report::percent_covered(&suites) < u32::from(least));
    if short {
        let percent = report::percent_covered(&suites);
        let least = args.threshold.unwrap_or_default();
        console.say(format_args!("{percent} % of the rules decided a case, the threshold is {least} %"));
    }
    Ok(if failed || short { Exit::No } else { Exit::Yes })
}

/// A file that was named, and every `cases.yaml` (or `*.cases.yaml`) in the folders that were.
fn files(paths: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    let all = input::read_all(paths)?;
    Ok(all
        .into_iter()
        .filter(|input| input.named || input.path.as_deref().is_some_and(holds_cases))
        .collect())
}

fn holds_cases(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| {
        ["cases.yaml", "cases.yml"].iter().any(|end| name == *end || name.ends_with(&format!(".{end}")))
    })
}

fn suite(input: &Input, filter: Option<&str>) -> Result<Suite, Failure> {
    let own = own_policy(input)?;
    let unusable = |error: meshward_cases::CasesError| {
        Failure::input(error.to_string(), "`meshward test --help` shows how a case is written")
    };
    let cases = meshward_cases::read(&input.name, &input.text, own).map_err(unusable)?;
    let prefix = format!("{}: ", input.name);
    let name = |case: &Case| case.name.strip_prefix(&prefix).unwrap_or(&case.name).to_owned();
    let chosen = |case: &&Case| filter.is_none_or(|text| name(case).contains(text));
    let chosen: Vec<&Case> = cases.iter().filter(chosen).collect();
    let mut results = Vec::with_capacity(chosen.len());
    let mut by_policy: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in chosen {
        let end = match case.skipped_by(Door::Native) {
            Some(reason) => End::Skipped(reason.to_owned()),
            None => {
                by_policy.entry(&case.policy.name).or_default().push(case);
                decided(case).map_err(refused)?
            }
        };
        results.push(CaseResult { name: name(case), end });
    }
    let coverage =
        by_policy.into_iter().map(|(policy, cases)| Ok((policy.to_owned(), Coverage::of(&cases)?)));
    let coverage = coverage.collect::<Result<Vec<_>, _>>().map_err(refused)?;
    Ok(Suite { file: input.name.clone(), results, coverage })
}

fn refused(error: meshward_cases::CasesError) -> Failure {
    let help = format!("`meshward lint {}` shows each place", error.at);
    Failure::input(error.to_string(), help)
}

/// The `policy.yaml` beside the file, where there is one.
fn own_policy(input: &Input) -> Result<Option<Policy>, Failure> {
    let Some(path) = input.path.as_deref().map(|path| path.with_file_name("policy.yaml")) else {
        return Ok(None);
    };
    if !path.is_file() {
        return Ok(None);
    }
    let policy = input::read(&path)?;
    let policy = Policy::from_yaml(&policy.name, &policy.text);
    policy.map(Some).map_err(|error| {
        Failure::input(error.to_string(), format!("`meshward lint {}` shows the place", path.display()))
    })
}

fn decided(case: &Case) -> Result<End, meshward_cases::CasesError> {
    let mut found = Vec::new();
    for (step, expected, seen) in native::run(case, Form::Guard)? {
        found.extend(differences(expected, &seen).into_iter().map(|what| (step, what)));
    }
    Ok(if found.is_empty() { End::Passed } else { End::Failed(found) })
}
