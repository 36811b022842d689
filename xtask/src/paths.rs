//! Where things are: the checkout, what set-up downloads, what builds leave.

use std::path::PathBuf;
use std::process::ExitCode;

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// What set-up downloads and remembers; never in git, safe to delete.
pub(crate) fn work() -> PathBuf {
    root().join(".work")
}

/// Cargo's target folder for native code (`CARGO_TARGET_DIR` where set).
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Cargo's target folder for wasm code: another compiler may build it, so it never shares native artefacts.
pub(crate) fn wasm_target() -> PathBuf {
    target().join("wasm")
}

/// Where `build` puts the finished modules: `authz.wasm`, `floor.wasm`, `sdk_empty.wasm`.
pub(crate) fn modules() -> PathBuf {
    target().join("modules")
}

/// Prints the folders, one a line.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    for (name, path) in [
        ("root", root()),
        ("work", work()),
        ("target", target()),
        ("wasm", wasm_target()),
        ("modules", modules()),
    ] {
        anstream::println!("{name:8} {}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
