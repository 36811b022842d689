//! What containers take here: whether they can run, what is missing, and getting it.

use std::fmt;

use anyhow::{Result, bail};

use super::{compose, running};
use crate::{debian, process};

/// Debian's packages where there is no engine: engine and client, compose, what publishes ports.
const PACKAGES: [&str; 3] = ["docker.io", "docker-compose", "iptables"];
/// What starting an engine takes beside root, as bits of `CapEff`: CAP_NET_ADMIN and CAP_SYS_ADMIN.
const CAPABILITIES: u64 = (1 << 12) | (1 << 21);

/// Whether containers can run on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ability {
    /// At once; in words.
    Ready(String),
    /// After these packages are installed.
    Install(Vec<&'static str>),
    /// Not here, and why.
    Never(String),
}

/// A step of the tests that cannot run on this machine, and says why.
#[derive(Debug)]
pub(crate) struct Skipped(pub(crate) String);

impl fmt::Display for Skipped {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "skipped: {}", self.0)
    }
}

impl std::error::Error for Skipped {}

/// Looks, and changes nothing.
pub(crate) fn ability() -> Ability {
    let runs = running();
    if let (Some(version), Some(_)) = (&runs, compose()) {
        return Ability::Ready(format!("engine {version} and compose"));
    }
    let missing = missing(runs.is_some());
    if runs.is_none()
        && let Err(why) = may_start()
    {
        return Ability::Never(format!("no Docker engine runs, and none can be started ({why})"));
    }
    if missing.is_empty() {
        return Ability::Ready("no engine runs; one is started for the run".to_owned());
    }
    let programs: Vec<&str> = missing.iter().map(|(_, program)| *program).collect();
    let packages: Vec<&'static str> = missing.iter().map(|(package, _)| *package).collect();
    match debian::missing() {
        Ok(_) if debian::as_root().is_some() => Ability::Install(packages),
        Ok(_) => Ability::Never(format!("no {}: run `{}`", programs.join(", "), debian::remedy(&packages))),
        Err(_) => {
            Ability::Never(format!("no {}: install Docker with its compose plugin", programs.join(", ")))
        }
    }
}

/// Installs what is missing.
pub(crate) fn install() -> Result<String> {
    if let Ability::Install(packages) = ability() {
        debian::install_packages(&packages)?;
    }
    match ability() {
        Ability::Ready(what) => Ok(what),
        Ability::Install(packages) => {
            bail!("{} are installed and their programs are not on PATH", packages.join(", "))
        }
        Ability::Never(why) => bail!("{why}"),
    }
}

/// Packages whose programs are not here, and the programs.
fn missing(engine_runs: bool) -> Vec<(&'static str, &'static str)> {
    let there = [
        (
            process::on_path("docker").is_some() && (engine_runs || process::on_path("dockerd").is_some()),
            "dockerd",
        ),
        (compose().is_some(), "docker compose"),
        (engine_runs || process::on_path("iptables").is_some(), "iptables"),
    ];
    let all = PACKAGES.into_iter().zip(there);
    all.filter(|(_, (there, _))| !there).map(|(package, (_, program))| (package, program)).collect()
}

/// Whether this process may start an engine of its own.
fn may_start() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("only Linux can; start Docker".to_owned());
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let is_root = field("Uid:").is_some_and(|ids| ids.split_whitespace().nth(1) == Some("0"));
    if !is_root {
        return Err("that takes root; start Docker, or run this as root".to_owned());
    }
    let held = field("CapEff:").and_then(|bits| u64::from_str_radix(bits, 16).ok()).unwrap_or(0);
    if held & CAPABILITIES != CAPABILITIES {
        return Err("root lacks CAP_NET_ADMIN or CAP_SYS_ADMIN here, as in a plain container".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_says_what_to_do() {
        match ability() {
            Ability::Ready(what) => assert!(what.contains("engine"), "{what}"),
            Ability::Install(packages) => {
                assert!(packages.iter().all(|name| PACKAGES.contains(name)), "{packages:?}")
            }
            Ability::Never(why) => assert!(why.contains("start") || why.contains("install"), "{why}"),
        }
    }
}
