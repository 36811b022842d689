//! What a door did, in numbers, and what it left out and why.

use crate::case::Case;
use std::fmt;
use std::time::{Duration, Instant};

/// What a door did.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Which door.
    pub door: String,
    /// Cases that were run.
    pub cases: usize,
    /// Steps whose verdict was compared.
    pub steps: usize,
    /// Steps that Envoy answers by itself: compared in Envoy, passed over natively.
    pub envoys_own: usize,
    /// Cases that were not run: name and reason.
    pub skipped: Vec<(String, String)>,
    /// How long it took.
    pub took: Duration,
    start: Instant,
}

impl Tally {
    /// The watch starts now.
    pub fn new(door: impl ToString) -> Self {
        Self {
            door: door.to_string(),
            cases: 0,
            steps: 0,
            envoys_own: 0,
            skipped: Vec::new(),
            took: Duration::ZERO,
            start: Instant::now(),
        }
    }

    /// Whether at most one case in twenty was left out.
    pub fn ran_nearly_all(&self) -> bool {
        self.skipped.len() * 19 <= self.cases
    }

    pub(crate) fn skip(&mut self, case: &Case, reason: &str) {
        self.skipped.push((case.name.clone(), reason.to_owned()));
    }

    pub(crate) fn done(&mut self) {
        self.took = self.start.elapsed();
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { door, cases, steps, envoys_own, skipped, took, .. } = self;
        write!(
            f,
            "{door}: {cases} cases, {steps} verdicts, {envoys_own} answers of Envoy's own, {} skipped, {:.2} s",
            skipped.len(),
            took.as_secs_f64()
        )?;
        for (case, reason) in skipped {
            write!(f, "\n  skipped: {case}: {reason}")?;
        }
        Ok(())
    }
}
