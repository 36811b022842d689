//! The application behind an Envoy, in this process or in a container, and what has arrived at it.

use std::path::PathBuf;

use meshward_harness::echo::Echo;
use serde_json::Value;

/// An application that says what it saw.
pub(super) enum Application {
    /// In this process.
    Here(Echo),
    /// In a container: it writes each request down, a line of JSON, before it answers.
    Recorded(PathBuf),
}

impl Application {
    /// How many requests have arrived.
    pub(super) fn count(&self) -> u64 {
        match self {
            Self::Here(echo) => echo.count(),
            Self::Recorded(file) => u64::try_from(read(file).lines().count()).unwrap_or(u64::MAX),
        }
    }

    /// What arrived last.
    pub(super) fn last(&self) -> Option<Value> {
        match self {
            Self::Here(echo) => echo.last(),
            Self::Recorded(file) => serde_json::from_str(read(file).lines().last()?).ok(),
        }
    }
}

/// A file that is not there yet says that nothing arrived.
fn read(file: &PathBuf) -> String {
    std::fs::read_to_string(file).unwrap_or_default()
}
