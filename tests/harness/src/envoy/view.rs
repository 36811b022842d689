//! What can be seen of an Envoy from outside, whoever started it: its files and its admin interface.

use super::{EnvoyError, logs};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The directory and the admin address of an Envoy that runs: as a process of ours, in a container, or elsewhere.
#[derive(Debug, Clone)]
pub struct View {
    dir: PathBuf,
    admin: SocketAddr,
}

impl View {
    /// Of an Envoy whose log is `envoy.log` in `dir`, and whose statistics are served at `admin`.
    #[must_use]
    pub fn new(dir: PathBuf, admin: SocketAddr) -> Self {
        Self { dir, admin }
    }

    /// Its files: `envoy.json`, `envoy.log`, access logs.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The admin interface's address.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin
    }

    /// Waits until the probe gives a value; the error carries the log's tail.
    pub fn wait<T>(
        &self,
        what: &str,
        within: Duration,
        probe: impl FnMut() -> Option<T>,
    ) -> Result<T, EnvoyError> {
        crate::poll::until(what, within, probe).map_err(|timed_out| EnvoyError::TimedOut {
            timed_out,
            dir: self.dir().to_owned(),
            log_tail: logs::tail(self.dir()),
        })
    }
}
