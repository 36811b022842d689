//! What came of a run, read from libFuzzer's log.

use std::path::PathBuf;
use std::time::Duration;

use crate::show;

/// What came of a run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// How often the body ran.
    pub(super) executions: u64,
    /// How many edges of the program were taken, and how many there are.
    pub(super) coverage: (u64, u64),
    /// How many inputs are kept since each reaches something that no other does.
    pub(super) corpus: usize,
    /// How long it took.
    pub(super) time: Duration,
    /// The inputs of which something does not hold.
    pub(super) findings: Vec<PathBuf>,
}

impl Outcome {
    /// Reads the log.
    pub(super) fn read(log: &str, corpus: usize, time: Duration, findings: Vec<PathBuf>) -> Self {
        let stat = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        let pulse = log
            .lines()
            .rev()
            .find(|line| line.starts_with('#') && line.contains(" cov: "))
            .unwrap_or_default();
        let last: u64 = pulse.trim_start_matches('#').split_whitespace().next().map_or(0, number);
        let edges = log.lines().find_map(|line| line.split_once("INFO: Loaded 1 modules")?.1.split_once('('));
        Self {
            executions: stat.map_or(last, number),
            coverage: (after(pulse, "cov:"), edges.map_or(0, |(_, rest)| number(rest))),
            corpus,
            time,
            findings,
        }
    }

    /// Its cells of the summary.
    pub(super) fn cells(&self) -> [String; 6] {
        let (taken, all) = self.coverage;
        [
            grouped(self.executions),
            grouped(self.a_second()),
            format!("{taken} of {all}"),
            self.corpus.to_string(),
            show::duration(self.time),
            self.findings.len().to_string(),
        ]
    }

    /// The same as a line.
    pub(super) fn line(&self) -> String {
        let [executions, a_second, coverage, corpus, time, findings] = self.cells();
        format!(
            "{executions} executions in {time} ({a_second} a second), {coverage} edges, {corpus} inputs kept, {findings} findings"
        )
    }

    fn a_second(&self) -> u64 {
        let millis = u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX).max(1);
        self.executions.saturating_mul(1000).checked_div(millis).unwrap_or_default()
    }
}

/// The number behind `label`.
fn after(line: &str, label: &str) -> u64 {
    line.split_once(label).map_or(0, |(_, rest)| number(rest))
}

/// The number that a text begins with.
fn number(text: &str) -> u64 {
    let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// `12345678` as `12,345,678`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "INFO: Running with entropic power schedule (0xFF, 100).\n\
        INFO: Loaded 1 modules   (5120 inline 8-bit counters): 5120 [0x1, 0x2), \n\
        #2\tINITED cov: 45 ft: 46 corp: 1/1b exec/s: 0 rss: 30Mb\n\
        #4194304\tpulse  cov: 812 ft: 2400 corp: 310/9Kb lim: 1024 exec/s: 69905 rss: 45Mb\n\
        Done 4200001 runs in 61 second(s)\nstat::number_of_executed_units: 4200001\n";

    #[test]
    fn a_log_is_read_to_its_last_line_of_progress() {
        let outcome = Outcome::read(LOG, 310, Duration::from_secs(60), Vec::new());
        assert_eq!((outcome.executions, outcome.coverage), (4_200_001, (812, 5120)));
        assert_eq!(outcome.cells(), ["4,200,001", "70,000", "812 of 5120", "310", "1 min 00 s", "0"]);
    }

    #[test]
    fn a_log_that_ends_early_says_what_was_done() {
        let cut: String = LOG.lines().take(4).map(|line| format!("{line}\n")).collect();
        let outcome = Outcome::read(&cut, 1, Duration::from_secs(1), vec![PathBuf::from("crash-1")]);
        assert_eq!((outcome.executions, outcome.findings.len()), (4_194_304, 1));
        assert_eq!(Outcome::read("", 0, Duration::ZERO, Vec::new()).coverage, (0, 0));
    }
}
