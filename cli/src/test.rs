//! `meshward test`.

use std::path::PathBuf;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, folders, or `-` for standard input
    paths: Vec<PathBuf>,
}

pub(crate) fn run(args: Args, _console: &mut Console) -> Result<Exit, Failure> {
    Err(Failure::usage(format!("test {:?} is not built into this version", args.paths), ""))
}
