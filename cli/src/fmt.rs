//! `meshward fmt`: policies in one layout; comments stay, and so does the meaning.

mod layout;
mod write;

use std::io::Write;
use std::path::PathBuf;

use similar::TextDiff;

use crate::console::{Console, Ink};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, Input};
use crate::lint;

/// Arguments of `fmt`.
#[derive(Debug, clap::Args)]
#[command(long_about = "\
Format policies: indentation, spaces, quotes and the breaking of lines. Comments stay, and what the file says stays the same: it is \
read again and compared before anything is written.

In folders, files with policies or with cases of policies are formatted and all others left alone; a file that is named is always \
formatted. JSON is left alone.")]
#[command(after_help = "\
Examples:
  meshward fmt policies/               rewrite what is not formatted
  meshward fmt --check policies/       show what would change; ends with 1 if anything would
  meshward fmt - < policy.yaml         from standard input to standard output")]
pub(crate) struct Args {
    /// Files, folders, or `-` for standard input
    #[arg(default_value = ".", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write nothing; show the differences, and end with 1 if there are any
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let mut changed = 0_usize;
    let mut same = 0_usize;
    let mut left = 0_usize;
    let mut broken = None;
    for input in input::read_all(&args.paths)? {
        if !input.named && !is_ours(&input) {
            left = left.saturating_add(1);
            continue;
        }
        let formatted = match layout::format(&input) {
            Ok(formatted) => formatted,
            // The other files are formatted all the same.
            Err(failure) => {
                console.fail(&failure);
                broken.get_or_insert(failure.exit());
                continue;
            }
        };
        let differs = formatted != input.text;
        let count = if differs { &mut changed } else { &mut same };
        *count = count.saturating_add(1);
        match &input.path {
            _ if args.check => difference(&input, &formatted, console)?,
            None => write!(console.out(), "{formatted}")?,
            Some(path) if differs => {
                write::replace(path, &formatted)?;
                console.say(format_args!("formatted {}", input.name));
            }
            Some(_) => {}
        }
    }
    let verb = if args.check { "would change" } else { "changed" };
    console.say(format_args!("{changed} {verb}, {same} as they should be, {left} left alone"));
    Ok(match broken {
        Some(exit) => exit,
        None if args.check && changed > 0 => Exit::No,
        None => Exit::Yes,
    })
}

/// Whether a file found in a folder is a policy's: other people's YAML has other people's layout.
fn is_ours(input: &Input) -> bool {
    input.path.as_ref().is_some_and(|path| path.extension().is_some_and(|ext| ext != "json"))
        && lint::holds_policies(input)
}

fn difference(input: &Input, formatted: &str, console: &mut Console) -> Result<(), Failure> {
    let diff = TextDiff::from_lines(input.text.as_str(), formatted);
    let mut unified = diff.unified_diff();
    let text = unified.context_radius(2).header(&input.name, "formatted").to_string();
    for line in text.lines() {
        let line = match line.as_bytes().first() {
            Some(b'+') => console.ink(Ink::Good, line),
            Some(b'-') => console.ink(Ink::Bad, line),
            Some(_) | None => line.to_owned(),
        };
        writeln!(console.out(), "{line}")?;
    }
    Ok(())
}
