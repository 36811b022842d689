//! Changing a running Envoy's listeners, and knowing what became of it.

use super::{Envoy, EnvoyError, in_directory};
use crate::config::{LISTENERS_FILE, Listener, discovery_text};
use std::fs;
use std::io;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(30);

/// What Envoy made of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// Taken, and in use by every worker.
    Accepted,
    /// Refused; the listeners are as they were.
    Rejected {
        /// Envoy's words.
        reason: String,
    },
}

/// An update whose outcome is not known.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// This Envoy was given its listeners in the bootstrap.
    #[error("this Envoy's listeners cannot be changed: describe it with `Bootstrap::watched`")]
    NotWatched,
    /// The file could not be replaced.
    #[error("cannot replace the listeners' file: {0}")]
    File(#[from] io::Error),
    /// Envoy could not be asked, or did nothing.
    #[error(transparent)]
    Envoy(#[from] EnvoyError),
}

/// What Envoy has counted.
struct Counts {
    accepted: u64,
    rejected: u64,
    changed: u64,
    on_workers: u64,
    warming: u64,
}

impl Envoy {
    /// Replaces all listeners by these and waits for Envoy's answer.
    ///
    /// Accepted means that new connections meet the new listeners; old ones are drained within a second or so.
    pub fn push_listeners(&mut self, listeners: &[Listener]) -> Result<Pushed, PushError> {
        self.version_pushed += 1;
        self.push_listeners_text(&discovery_text(listeners, self.version_pushed))
    }

    /// As [`Envoy::push_listeners`], with the discovery response's text; [`crate::config::DIR`] in it becomes Envoy's directory.
    pub fn push_listeners_text(&mut self, text: &str) -> Result<Pushed, PushError> {
        let folder = self.dir().join("lds");
        if !folder.is_dir() {
            return Err(PushError::NotWatched);
        }
        let before = self.counts()?;
        let mark = self.log_mark();
        let fresh = self.dir().join("next-listeners.json");
        fs::write(&fresh, in_directory(text, self.dir()))?;
        fs::rename(&fresh, folder.join(LISTENERS_FILE))?;
        let accepted = self.wait("Envoy to take or refuse the listeners", WITHIN, || {
            let now = self.counts().ok()?;
            let decided = now.accepted > before.accepted || now.rejected > before.rejected;
            decided.then_some(now.rejected == before.rejected)
        })?;
        if !accepted {
            let reason =
                self.wait_log_since(mark, |line| line.contains("rejected") || line.contains("rror"), WITHIN)?;
            return Ok(Pushed::Rejected { reason });
        }
        let workers = self.stat("server.concurrency")?;
        self.wait("the workers to take the listeners", WITHIN, || {
            let now = self.counts().ok()?;
            let wanted = before.on_workers + (now.changed - before.changed) * workers;
            (now.warming == 0 && now.on_workers >= wanted).then_some(())
        })?;
        Ok(Pushed::Accepted)
    }

    fn counts(&self) -> Result<Counts, EnvoyError> {
        let all = self.stats("listener_manager.")?;
        let of = |name: &str| all.get(&format!("listener_manager.{name}")).copied().unwrap_or(0);
        Ok(Counts {
            accepted: of("lds.update_success"),
            rejected: of("lds.update_rejected"),
            changed: of("listener_added") + of("listener_modified"),
            on_workers: of("listener_create_success"),
            warming: of("total_listeners_warming"),
        })
    }
}
