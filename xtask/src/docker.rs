//! A Docker engine and compose: the ones that run here, else an engine of our own for as long as it is needed.

mod dockerd;
mod needs;
mod rules;

pub(crate) use needs::{Ability, Skipped, ability, install};

use anyhow::{Context, Result};

use crate::process::{self, Call};
use crate::show;
use dockerd::Dockerd;

/// Compose, as it is called here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compose {
    /// `docker compose`, version 2.
    Plugin,
    /// `docker-compose`, version 1.29 as Debian has it, or a binary of version 2.
    Standalone,
}

/// An engine that answers. Dropping it ends the engine, where it is ours.
pub(crate) struct Engine {
    compose: Compose,
    own: Option<Dockerd>,
    version: String,
}

impl Engine {
    /// The engine that runs, or one of our own.
    pub(crate) fn get() -> Result<Self> {
        let compose = compose().context("there is no compose")?;
        if let Some(version) = running() {
            return Ok(Self { compose, own: None, version });
        }
        show::progress("      no Docker engine runs: starting one in .work/docker …");
        let own = Dockerd::start()?;
        let version = own.version()?;
        Ok(Self { compose, own: Some(own), version })
    }

    /// What it is, in words.
    pub(crate) fn describe(&self) -> String {
        let compose = match self.compose {
            Compose::Plugin => "docker compose",
            Compose::Standalone => "docker-compose",
        };
        let whose = if self.own.is_some() { ", started for this run" } else { "" };
        format!("Docker {}{whose}, {compose}", self.version)
    }

    /// `docker …`
    pub(crate) fn docker(&self) -> Call {
        self.reached(Call::new("docker"))
    }

    /// `docker compose …`
    pub(crate) fn compose(&self) -> Call {
        self.reached(match self.compose {
            Compose::Plugin => Call::new("docker").arg("compose"),
            Compose::Standalone => Call::new("docker-compose"),
        })
    }

    /// The command that a person types, up to compose's own arguments.
    pub(crate) fn compose_words(&self) -> String {
        let host = self.own.as_ref().map_or_else(String::new, |own| format!("DOCKER_HOST={} ", own.host()));
        match self.compose {
            Compose::Plugin => format!("{host}docker compose"),
            Compose::Standalone => format!("{host}docker-compose"),
        }
    }

    /// `docker build …`: by BuildKit where its client is there, else by the engine alone.
    pub(crate) fn build(&self) -> Call {
        let has_buildkit = self.docker().args(["buildx", "version"]).output().is_ok();
        let call = self.docker().arg("build");
        if has_buildkit { call } else { call.env("DOCKER_BUILDKIT", "0") }
    }

    /// Whether the engine's root is somebody else outside (rootless Docker).
    pub(crate) fn is_rootless(&self) -> bool {
        let options = self.docker().args(["info", "--format", "{{.SecurityOptions}}"]).output();
        options.is_ok_and(|options| options.contains("rootless"))
    }

    /// The variable by which children find an engine of ours.
    pub(crate) fn host(&self) -> Option<String> {
        self.own.as_ref().map(Dockerd::host)
    }

    fn reached(&self, call: Call) -> Call {
        match self.host() {
            Some(host) => call.env("DOCKER_HOST", host),
            None => call,
        }
    }
}

/// The version of the engine that the client reaches by itself.
fn running() -> Option<String> {
    process::on_path("docker")?;
    let version = Call::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output().ok()?;
    Some(version.trim().to_owned())
}

fn compose() -> Option<Compose> {
    if process::on_path("docker").is_some()
        && Call::new("docker").args(["compose", "version"]).output().is_ok()
    {
        return Some(Compose::Plugin);
    }
    process::on_path("docker-compose").map(|_| Compose::Standalone)
}
