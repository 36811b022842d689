//! Where things are: the checkout, what set-up downloads, what builds leave.

use std::path::{Path, PathBuf};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let manifest = manifest.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// What set-up downloads and remembers; never in git, safe to delete.
pub(crate) fn work() -> PathBuf {
    root().join(".work")
}

/// Cargo's target folder for native code (`CARGO_TARGET_DIR` where set).
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// Cargo's target folder for wasm code: another compiler may build it, so it never shares native artefacts.
pub(crate) fn wasm_target() -> PathBuf {
    target().join("wasm")
}

/// Where `build` puts the finished modules: `authz.wasm`, `sdk_empty.wasm`, `sdk_stripped.wasm`.
pub(crate) fn modules() -> PathBuf {
    target().join("modules")
}

/// A path as people want to read it: relative to the checkout where it lies inside.
pub(crate) fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
