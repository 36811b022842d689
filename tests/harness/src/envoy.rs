//! One Envoy process on loopback: started, watched, updated, measured, ended.
//!
//! Every Envoy has a directory of its own with its configuration, its log and its access logs. Dropping the value kills the
//! process by its id and waits for it; should our own process die first, a small watchdog does. An [`Envoy`] in a `static`
//! is never dropped, and then only the watchdog ends it.

mod admin;
mod builder;
mod logs;
mod process;
mod update;
mod view;

pub use builder::{Builder, StartError};
pub use logs::LogMark;
pub use update::{PushError, Pushed};
pub use view::View;

use crate::client::ClientError;
use crate::config::DIR;
use crate::poll::TimedOut;
use process::Process;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// A running Envoy.
#[derive(Debug)]
pub struct Envoy {
    process: Process,
    dir: Directory,
    view: View,
    version_pushed: u64,
}

/// The environment variable that names the Envoy for tests.
pub const BINARY_VARIABLE: &str = "MESHWARD_ENVOY";

/// Something asked of a running Envoy failed.
#[derive(Debug, thiserror::Error)]
pub enum EnvoyError {
    /// The admin interface did not answer.
    #[error("Envoy's admin interface: {0}")]
    Admin(#[from] ClientError),
    /// It answered something unexpected.
    #[error("Envoy's admin interface answered {status} to `{path}`: {body}")]
    AdminAnswer {
        /// The path asked for.
        path: String,
        /// The status.
        status: u16,
        /// What it said.
        body: String,
    },
    /// A file of this Envoy or of /proc.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A condition did not come true.
    #[error("{timed_out}; {dir} holds Envoy's files; its log ends:\n{log_tail}", dir = dir.display())]
    TimedOut {
        /// What was waited for.
        timed_out: TimedOut,
        /// Envoy's directory.
        dir: PathBuf,
        /// The last lines of its log.
        log_tail: String,
    },
}

/// Where an Envoy keeps its files: removed at the end unless kept.
#[derive(Debug)]
pub(crate) enum Directory {
    Temporary(tempfile::TempDir),
    Kept(PathBuf),
}

impl Directory {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Temporary(dir) => dir.path(),
            Self::Kept(path) => path,
        }
    }
}

/// The Envoy binary that tests run with. Fails, with the remedy, when the variable is not set.
pub fn binary_from_environment() -> Result<PathBuf, String> {
    std::env::var_os(BINARY_VARIABLE).map(PathBuf::from).ok_or_else(|| {
        format!("{BINARY_VARIABLE} is not set: run `cargo xtask test`, which sets it, or set it to an Envoy binary")
    })
}

impl Envoy {
    /// Begins to describe an Envoy from this binary.
    #[must_use]
    pub fn builder(binary: &Path) -> Builder {
        Builder::new(binary)
    }

    /// The process's id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.process.exited()
    }

    /// User and system time that the process has used, to a hundredth of a second.
    pub fn cpu_time(&self) -> Result<Duration, EnvoyError> {
        self.process.cpu_time()
    }

    /// Resident memory in bytes.
    pub fn memory_rss(&self) -> Result<u64, EnvoyError> {
        self.process.memory_rss()
    }

    /// Lets it run on without us, with its files: its process id and its directory. Whoever calls this must end it.
    pub fn detach(self) -> io::Result<(u32, PathBuf)> {
        let pid = self.process.detach()?;
        let dir = match self.dir {
            Directory::Temporary(dir) => dir.keep(),
            Directory::Kept(path) => path,
        };
        Ok((pid, dir))
    }
}

impl Deref for Envoy {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

/// Puts the directory in for [`DIR`].
pub(crate) fn in_directory(text: &str, dir: &Path) -> String {
    text.replace(DIR, &dir.display().to_string())
}
