//! Debian's Wasm toolchain: which packages, how they are installed, and how their cargo is called.

use anyhow::{Context, Result, bail};

use crate::process::{self, Call};
use crate::show;

/// Debian's compiler, by path: `rustc` on `PATH` is rustup's.
pub(crate) const RUSTC: &str = "/usr/bin/rustc";
const CARGO: &str = "/usr/bin/cargo";
const BIN: &str = "/usr/bin";
/// What rustup's cargo leaves in the environment of what it runs.
const RUSTUPS: [&str; 3] = ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER"];
const LINKER: &str = "wasm-ld-22";
const LIBC: &str = "/usr/lib/wasm32-wasi";

/// Checked and installed by name, each one: a newer `rustc-web` brings another `lld`, which is then named here.
const PACKAGES: [&str; 6] =
    ["rustc-web", "cargo-web", "rust-web-src", "wasi-libc", "lld-22", "rust-web-clippy"];

/// The packages that are not installed.
///
/// # Errors
///
/// Where there is no `dpkg-query`, which is where there is no Debian.
pub(crate) fn missing() -> Result<Vec<&'static str>> {
    if process::on_path("dpkg-query").is_none() {
        bail!("this is not Debian (no `dpkg-query`)");
    }
    Ok(PACKAGES.into_iter().filter(|name| !is_installed(name)).collect())
}

fn is_installed(package: &str) -> bool {
    let query = Call::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]);
    query.output().is_ok_and(|status| status == "installed")
}

/// Installs what is missing, as root or with a `sudo` that asks nothing.
pub(crate) fn install() -> Result<()> {
    let Ok(missing) = missing() else { bail!("{}", remedy_elsewhere()) };
    install_packages(&missing)
}

/// Installs these packages, as root or with a `sudo` that asks nothing.
pub(crate) fn install_packages(missing: &[&'static str]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let Some(root) = as_root() else { bail!("{} needs root: run `{}`", missing.join(", "), remedy(missing)) };
    if !all_known(missing) {
        show::progress("      apt-get update …");
        root("apt-get").arg("update").logged("apt-update").context("apt's lists could not be refreshed")?;
    }
    if !all_known(missing) {
        bail!(
            "apt knows no {}: enable the suites that carry it (bookworm: main and security)",
            missing.join(", ")
        );
    }
    show::progress(&format!("      apt-get install {} …", missing.join(" ")));
    let call = root("apt-get").args(["install", "-y", "--no-install-recommends"]).args(missing);
    let done = call.env("DEBIAN_FRONTEND", "noninteractive").logged("apt-install");
    done.with_context(|| format!("the packages could not be installed; by hand: `{}`", remedy(missing)))
}

/// What a person may type instead.
pub(crate) fn remedy(missing: &[&str]) -> String {
    format!("apt-get update && apt-get install -y --no-install-recommends {}", missing.join(" "))
}

fn remedy_elsewhere() -> String {
    "no Wasm target: rustup could not add it and this machine has no Debian packages; reach the Rust release server \
     and run `rustup target add wasm32-wasip1 wasm32-unknown-unknown`, then `cargo xtask setup --again`"
        .to_owned()
}

fn all_known(packages: &[&str]) -> bool {
    packages
        .iter()
        .all(|name| Call::new("apt-cache").args(["show", "--no-all-versions", name]).output().is_ok())
}

/// How to call a program as root, if that is possible without asking.
pub(crate) fn as_root() -> Option<fn(&str) -> Call> {
    if Call::new("id").arg("-u").output().is_ok_and(|id| id.trim() == "0") {
        return Some(|program| Call::new(program));
    }
    let sudo = process::on_path("sudo").is_some() && Call::new("sudo").args(["-n", "true"]).output().is_ok();
    sudo.then_some(|program| Call::new("sudo").args(["-n", program]))
}

/// Debian's `cargo <verb>`, which builds the standard library too. Rustup's variables would lead it astray, and so would
/// a `PATH` on which rustup's `cargo-clippy` comes first.
pub(crate) fn cargo(verb: &str) -> Call {
    let call = Call::new(CARGO).arg(verb).arg("-Zbuild-std=std,panic_abort");
    let call = RUSTUPS.iter().fold(call, |call, name| call.without_env(name));
    let path = std::env::var("PATH").map_or_else(|_| BIN.to_owned(), |path| format!("{BIN}:{path}"));
    call.env("PATH", path).env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1")
}

/// The linker and the C library, which rustup's targets carry inside.
pub(crate) fn link_flags(std_with_libc: bool) -> Vec<String> {
    let mut flags = vec![format!("-Clinker={LINKER}"), "-Clink-self-contained=no".to_owned()];
    if std_with_libc {
        flags.push(format!("-L{LIBC}"));
    }
    flags
}
