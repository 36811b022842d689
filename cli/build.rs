//! Takes the module into the binary, when `cargo xtask install` says where it is.

use std::path::PathBuf;
use std::{env, fs, io};

const VARIABLE: &str = "MESHWARD_EMBED_MODULE";

fn main() -> io::Result<()> {
    say("cargo::rustc-check-cfg=cfg(embedded_module)")?;
    say(&format!("cargo::rerun-if-env-changed={VARIABLE}"))?;
    let Some(module) = env::var_os(VARIABLE).filter(|module| !module.is_empty()).map(PathBuf::from) else {
        return Ok(());
    };
    say(&format!("cargo::rerun-if-changed={}", module.display()))?;
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    let bytes = fs::read(&module)
        .map_err(|error| io::Error::new(error.kind(), format!("{VARIABLE}={}: {error}", module.display())))?;
    fs::write(out.join("module.wasm"), bytes)?;
    say("cargo::rustc-cfg=embedded_module")
}

/// What cargo reads.
fn say(line: &str) -> io::Result<()> {
    use io::Write;
    writeln!(io::stdout(), "{line}")
}
