//! What an Envoy has written: its own log and its access logs.

use super::{EnvoyError, View};
use std::fs;
use std::path::Path;
use std::time::Duration;

pub(super) const LOG_FILE: &str = "envoy.log";
const TAIL_LINES: usize = 25;

/// A place in the log: what was written before it is of no interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogMark(usize);

impl View {
    /// All complete lines of Envoy's log so far.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log_since(LogMark::default())
    }

    /// Here and now in the log.
    #[must_use]
    pub fn log_mark(&self) -> LogMark {
        LogMark(complete(&read(&self.dir().join(LOG_FILE))).len())
    }

    /// The complete lines since a mark.
    #[must_use]
    pub fn log_since(&self, mark: LogMark) -> Vec<String> {
        lines_from(&read(&self.dir().join(LOG_FILE)), mark.0)
    }

    /// Waits for a line of the log.
    pub fn wait_log(&self, wanted: impl Fn(&str) -> bool, within: Duration) -> Result<String, EnvoyError> {
        self.wait_log_since(LogMark::default(), wanted, within)
    }

    /// Waits for a line of the log after a mark.
    pub fn wait_log_since(
        &self,
        mark: LogMark,
        wanted: impl Fn(&str) -> bool,
        within: Duration,
    ) -> Result<String, EnvoyError> {
        self.wait("a line in Envoy's log", within, || {
            self.log_since(mark).into_iter().find(|line| wanted(line))
        })
    }

    /// All complete lines of the access log of this name; it is written within a tenth of a second after a request.
    #[must_use]
    pub fn access_log(&self, name: &str) -> Vec<String> {
        lines_from(&read(&self.access_log_path(name)), 0)
    }

    /// Waits for a line of an access log.
    pub fn wait_access_log(
        &self,
        name: &str,
        wanted: impl Fn(&str) -> bool,
        within: Duration,
    ) -> Result<String, EnvoyError> {
        let what = format!("a line in the access log `{name}`");
        self.wait(&what, within, || self.access_log(name).into_iter().find(|line| wanted(line)))
    }

    fn access_log_path(&self, name: &str) -> std::path::PathBuf {
        self.dir().join(format!("{name}.log"))
    }
}

/// The last lines of the log in this directory.
pub(super) fn tail(dir: &Path) -> String {
    let text = String::from_utf8_lossy(&read(&dir.join(LOG_FILE))).into_owned();
    let lines: Vec<_> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// All complete lines of the log in this directory.
pub(super) fn whole(dir: &Path) -> Vec<String> {
    lines_from(&read(&dir.join(LOG_FILE)), 0)
}

/// A file that is not there yet has no lines.
fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}

/// Up to and with the last line end.
fn complete(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

fn lines_from(bytes: &[u8], from: usize) -> Vec<String> {
    let fresh = complete(bytes).get(from..).unwrap_or_default();
    String::from_utf8_lossy(fresh).lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::lines_from;

    #[test]
    fn a_line_counts_when_it_is_complete() {
        assert_eq!(lines_from(b"one\ntwo\nthr", 0), ["one", "two"]);
        assert_eq!(lines_from(b"one\ntwo\nthr", 4), ["two"]);
        assert!(lines_from(b"one", 0).is_empty());
    }
}
