//! The compiler of the Wasm modules: rustup's target where the Rust release server can be reached, else Debian's
//! `rustc-web` (docs/decisions/0002-wasm-toolchain.md). Both give the same module, not the same bytes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::process::{self, Call};
use crate::{debian, paths, show};

/// What modules are built for: Envoy's Wasm has a clock and randomness through WASI.
pub(crate) const MODULE_TARGET: &str = "wasm32-wasip1";
/// What pure crates are tested on, on Node.
pub(crate) const NODE_TARGET: &str = "wasm32-unknown-unknown";

/// Set to `rustup` or `debian` to choose by hand; nothing is remembered then.
const CHOICE: &str = "MESHWARD_WASM_TOOLCHAIN";
/// The longest that `rustup target add` may take before Debian's packages are tried.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// Who compiles to Wasm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Toolchain {
    /// The pinned toolchain with rustup's prebuilt standard library for the targets.
    Rustup,
    /// Debian's packages, building the standard library from `rust-web-src`.
    Debian,
}

impl Toolchain {
    /// A compiler and its version, as digests are named after: `rustup, rustc 1.95.0 (…)`.
    pub(crate) fn describe(self) -> Result<String> {
        let (name, call) = match self {
            Self::Rustup => ("rustup", Call::new("rustc")),
            Self::Debian => ("debian", Call::new(debian::RUSTC)),
        };
        Ok(format!("{name}, {}", call.arg("--version").output()?.trim()))
    }

    /// `cargo <verb> --target <target>` with this compiler; what is inherited from `cargo xtask` is cleaned away.
    pub(crate) fn cargo(self, verb: &str, target: &str) -> Call {
        let call = match self {
            Self::Rustup => process::cargo().arg(verb),
            Self::Debian => debian::cargo(verb),
        };
        let call = call.arg("--target").arg(target).env("CARGO_TARGET_DIR", paths::wasm_target());
        let flags = self.rust_flags(target).join("\x1f");
        INHERITED.iter().fold(call, |call, name| call.without_env(name)).env("CARGO_ENCODED_RUSTFLAGS", flags)
    }

    /// Flags for rustc: a linker where the toolchain brings none, and paths that do not depend on the machine.
    fn rust_flags(self, target: &str) -> Vec<String> {
        let mut flags = match self {
            Self::Rustup => Vec::new(),
            Self::Debian => debian::link_flags(target == MODULE_TARGET),
        };
        flags.extend(
            crate_folders().iter().map(|folder| format!("--remap-path-prefix={}=/crates", folder.display())),
        );
        flags.push(format!("--remap-path-prefix={}=/meshward", paths::root().display()));
        flags
    }
}

/// Where cargo unpacks crates, one folder per registry or mirror of it.
fn crate_folders() -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    let Some(home) = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home) else { return Vec::new() };
    let folders = std::fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = folders.map(|folder| folder.path()).collect();
    folders.sort();
    folders
}

/// What `cargo xtask` (a cargo inside a cargo) leaves in the environment, and what would change a module's bytes.
const INHERITED: [&str; 12] = [
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_NAME",
    "CARGO_PKG_VERSION",
    "LD_LIBRARY_PATH",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_PROFILE_RELEASE_OPT_LEVEL",
    "RUST_RECURSION_COUNT",
];

/// The toolchain to use, when that needs no work: chosen by hand, remembered, or simply there.
pub(crate) fn ready() -> Result<Option<Toolchain>> {
    let wanted = match chosen()? {
        Some(toolchain) => Some(toolchain),
        None => remembered(),
    };
    let candidates = wanted.map_or_else(|| vec![Toolchain::Rustup, Toolchain::Debian], |one| vec![one]);
    for toolchain in candidates {
        let there = match toolchain {
            Toolchain::Rustup => has_rustup_targets(),
            Toolchain::Debian => {
                debian::missing().is_ok_and(|missing| missing.is_empty()) && wanted.is_some()
            }
        };
        if there {
            return Ok(Some(toolchain));
        }
    }
    Ok(None)
}

/// Gives the toolchain, installing what it takes.
pub(crate) fn install() -> Result<Toolchain> {
    if let Some(toolchain) = ready()? {
        remember(toolchain)?;
        return Ok(toolchain);
    }
    let by_hand = chosen()?;
    // What was remembered of rustup is a hope: its targets go with each new pinned version.
    let debian_only = by_hand.or_else(remembered) == Some(Toolchain::Debian);
    let toolchain = match (!debian_only).then(add_rustup_targets) {
        Some(Ok(())) => Toolchain::Rustup,
        Some(Err(error)) if by_hand == Some(Toolchain::Rustup) => return Err(error),
        Some(Err(error)) => {
            show::progress(&format!("      rustup has no target to give ({})", first_line(&error)));
            debian::install().map(|()| Toolchain::Debian)?
        }
        None => debian::install().map(|()| Toolchain::Debian)?,
    };
    remember(toolchain)?;
    Ok(toolchain)
}

/// Forgets the choice, so that the next set-up tries rustup again.
pub(crate) fn forget() -> Result<()> {
    let file = paths::work().join("toolchain");
    match std::fs::remove_file(&file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not delete {}", file.display()))
        }
        _ => Ok(()),
    }
}

/// What the environment says, if anything.
pub(crate) fn chosen() -> Result<Option<Toolchain>> {
    match std::env::var(CHOICE).as_deref() {
        Ok("rustup") => Ok(Some(Toolchain::Rustup)),
        Ok("debian") => Ok(Some(Toolchain::Debian)),
        Ok("") | Err(_) => Ok(None),
        Ok(other) => bail!("`{CHOICE}={other}`: write `rustup` or `debian`, or leave it unset"),
    }
}

fn remembered() -> Option<Toolchain> {
    serde_json::from_slice(&std::fs::read(paths::work().join("toolchain")).ok()?).ok()
}

fn remember(toolchain: Toolchain) -> Result<()> {
    if chosen()?.is_some() || remembered() == Some(toolchain) {
        return Ok(());
    }
    std::fs::create_dir_all(paths::work()).context("could not create .work")?;
    let text = serde_json::to_vec(&toolchain).context("could not write the choice of a toolchain")?;
    std::fs::write(paths::work().join("toolchain"), text).context("could not write .work/toolchain")
}

fn has_rustup_targets() -> bool {
    let Ok(installed) = Call::new("rustup").args(["target", "list", "--installed"]).output() else {
        return false;
    };
    [MODULE_TARGET, NODE_TARGET].iter().all(|target| installed.lines().any(|line| line.trim() == *target))
}

fn add_rustup_targets() -> Result<()> {
    show::progress(&format!("      asking rustup for {MODULE_TARGET} and {NODE_TARGET} …"));
    let call = Call::new("rustup").args(["target", "add", MODULE_TARGET, NODE_TARGET]);
    call.env("RUSTUP_MAX_RETRIES", "1").within(RUSTUP_LIMIT).logged("rustup")
}

fn first_line(error: &anyhow::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
