//! `meshward lint`: what is wrong with policies, before a proxy says it.

mod check;
mod fields;
mod github;
mod indent;
mod json;
mod mend;
mod place;
mod regex;
mod sarif;
mod sort;
mod suspect;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::ValueEnum;

use crate::console::{Console, Ink};
use crate::exclude::Exclude;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::finding::{Finding, Severity};
use crate::input::{self, Input};

/// Arguments of `lint`.
#[derive(Debug, clap::Args)]
#[command(long_about = "\
Find what is wrong with policies before a proxy does.

Reads PluginConfig files, AccessPolicy and AuthorizationPolicy documents as they are kept in Git or come from kubectl (also in a \
List), and WasmPlugin and TrafficExtension manifests whose pluginConfig is meshward's; YAML or JSON, any number of documents in a \
file. What is something else is skipped and counted.

Ends with 0 when nothing was found, 1 on findings, 3 on input that cannot be read.")]
#[command(after_help = "\
Examples:
  meshward lint policies/ deploy/authz.yaml
  kubectl get authorizationpolicy -A -o yaml | meshward lint -
  meshward lint -o sarif policies/ > lint.sarif      upload it to code scanning
  meshward lint policies/ --exclude '**/broken/**'
  meshward lint -o github policies/                  annotations in a GitHub workflow
  meshward explain MW0103                            what a code means")]
pub(crate) struct Args {
    /// Files, folders, or `-` for standard input
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How findings are written
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    output: Format,
    /// Leave out files whose path (or a folder above) fits; may be repeated, and what is left out is counted
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// The least that makes lint end with 1
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = FailOn::Error)]
    fail_on: FailOn,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people: the place, drawn
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands that GitHub shows beside the lines
    Github,
}

/// The least that makes lint end with 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// What a plugin refuses
    Error,
    /// Warnings, too
    Warning,
    /// Nothing
    Never,
}

/// An input, and what was found in it.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) input: Input,
    /// In the order of the text.
    pub(crate) findings: Vec<Finding>,
    /// How many documents were checked.
    pub(crate) policies: usize,
    /// What was passed over, in words such as `kind Deployment`.
    pub(crate) skipped: Vec<String>,
}

pub(crate) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let (inputs, excluded) = input::read_all_but(&args.paths, &Exclude::new(&args.exclude)?)?;
    let checked: Vec<Checked> = inputs.into_iter().map(check).collect();
    match args.output {
        Format::Text => text::write(&checked, console)?,
        Format::Json => json::write(&checked, &excluded, console)?,
        Format::Sarif => sarif::write(&checked, console)?,
        Format::Github => github::write(&checked, console)?,
    }
    summary(&checked, console);
    if !excluded.is_empty() {
        console.say(format_args!("left out by --exclude: {}", plural(excluded.len(), "file")));
    }
    let worst = checked.iter().flat_map(|checked| &checked.findings).map(|finding| finding.severity).max();
    Ok(match (args.fail_on, worst) {
        (FailOn::Never, _) | (_, None) | (FailOn::Error, Some(Severity::Warning)) => Exit::Yes,
        (FailOn::Error | FailOn::Warning, Some(_)) => Exit::No,
    })
}

/// Whether there is a policy, or cases of one, in an input.
pub(crate) fn holds_policies(input: &Input) -> bool {
    let sorted = sort::sort(input);
    sorted.policies > 0 || sorted.skipped.iter().any(|what| what == sort::CASES)
}

/// Everything that is wrong with one input.
pub(crate) fn check(input: Input) -> Checked {
    let sorted = sort::sort(&input);
    let mut findings = sorted.findings;
    for unit in &sorted.units {
        findings.extend(check::findings(unit, &input.text));
    }
    // What is refused need not be suspected, too.
    let refused: BTreeSet<usize> =
        findings.iter().filter(|one| one.severity == Severity::Error).map(|one| one.span.start).collect();
    findings.retain(|one| one.severity == Severity::Error || !refused.contains(&one.span.start));
    for unit in &sorted.units {
        let suspected = suspect::findings(unit, &input.text);
        findings.extend(suspected.into_iter().filter(|one| !refused.contains(&one.span.start)));
    }
    findings.sort_by_key(|finding| (finding.span.start, finding.code));
    Checked { findings, policies: sorted.policies, skipped: sorted.skipped, input }
}

fn summary(checked: &[Checked], console: &mut Console) {
    let count = |severity| {
        checked.iter().flat_map(|c| &c.findings).filter(|finding| finding.severity == severity).count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let policies: usize = checked.iter().map(|checked| checked.policies).sum();
    let files = checked.iter().filter(|checked| checked.policies > 0).count();
    let found = match (errors, warnings) {
        (0, 0) => console.err_ink(Ink::Good, "nothing found"),
        (_, 0) => console.err_ink(Ink::Bad, &plural(errors, "error")),
        (0, _) => console.err_ink(Ink::Note, &plural(warnings, "warning")),
        (_, _) => {
            let both = format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"));
            console.err_ink(Ink::Bad, &both)
        }
    };
    console.say(format_args!("{found} in {} ({})", plural(policies, "document"), plural(files, "file")));
    if let Some(finding) = checked.iter().flat_map(|checked| &checked.findings).next() {
        console.say(format_args!("what a code means: meshward explain {}", finding.code));
    }
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for what in checked.iter().flat_map(|checked| &checked.skipped) {
        let seen = skipped.entry(what).or_default();
        *seen = seen.saturating_add(1);
    }
    if !skipped.is_empty() {
        let all: Vec<_> = skipped.iter().map(|(what, count)| format!("{count} × {what}")).collect();
        console.say(format_args!("skipped, since it is no policy: {}", all.join(", ")));
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
