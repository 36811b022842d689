//! `cargo xtask build`: the Wasm modules, always as they ship (release, stripped), with size and digest.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use crate::show::{self, Mark, Table};
use crate::{modules, paths, toolchain};

/// The subcommand.
pub(crate) fn run() -> Result<ExitCode> {
    let start = Instant::now();
    let built = modules::build(&modules::ALL)?;
    let mut table = Table::default();
    for module in &built {
        let ceiling = module.plugin.ceiling_kib().map_or_else(String::new, |kib| format!("of {kib} KiB"));
        table.row(
            Mark::Good,
            [module.plugin.name().to_owned(), module.size(), ceiling, format!("sha256 {}", module.sha256)],
        );
    }
    let compiler = toolchain::install()?.describe()?;
    show::heading(&format!("Modules in {}, by {compiler}", paths::short(&paths::modules())));
    table.print();
    show::progress(&format!("\nbuilt in {}", show::duration(start.elapsed())));
    Ok(ExitCode::SUCCESS)
}
