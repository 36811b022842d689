//! The `meshward` command: checks, explains, tests and tries policies, offline, on files and standard input.
//!
//! One file per subcommand: each holds its `Args` and a `run(args, console)` that ends with an [`Exit`]. What is asked for goes to
//! standard output, everything else that is said to standard error.

mod arguments;
mod caller;
mod can_i;
mod completion;
mod console;
mod exclude;
mod exit;
mod explain;
mod failure;
mod finding;
mod fmt;
mod input;
mod lint;
mod near;
mod policy;
mod run;
mod target;
mod test;
mod workload;
mod yaml;

use std::io::Write;
use std::panic::catch_unwind;
use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Verb};
use console::Console;
use exit::Exit;
use failure::Failure;

fn main() -> ExitCode {
    // A panic is a bug of ours: the default hook has said where, this says what it means.
    match catch_unwind(start) {
        Ok(exit) => exit.into(),
        Err(_) => {
            let _ = writeln!(
                std::io::stderr(),
                "meshward: this is a bug in meshward; please report it with the lines above"
            );
            Exit::Bug.into()
        }
    }
}

fn start() -> Exit {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // `--help` and `--version` come this way, too, and are no mistake.
        Err(asked) => {
            let _ = asked.print();
            return if asked.use_stderr() { Exit::Usage } else { Exit::Yes };
        }
    };
    let mut console = Console::new(arguments.color, arguments.quiet);
    let end = dispatch(arguments.verb, &mut console).and_then(|exit| {
        console.flush()?;
        Ok(exit)
    });
    end.unwrap_or_else(|failure| console.fail(&failure))
}

fn dispatch(verb: Verb, console: &mut Console) -> Result<Exit, Failure> {
    match verb {
        Verb::Lint(args) => lint::run(args, console),
        Verb::CanI(args) => can_i::run(args, console),
        Verb::Test(args) => test::run(args, console),
        Verb::Run(args) => run::run(args, console),
        Verb::Explain(args) => explain::run(args, console),
        Verb::Fmt(args) => fmt::run(args, console),
        Verb::Completion(args) => completion::run(args, console),
    }
}
