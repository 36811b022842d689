//! What each case may take: host calls exactly as many as written down or fewer, fuel a little more at most.
//!
//! `tests/corpus/budgets.json` has them; `MESHWARD_BLESS=1` writes down what was measured. Fuel depends on the compiler, and
//! modules have two (docs/decisions/0002): what is over its budget by less than [`SLACK_PERCENT`] is let through.

use crate::CorpusError;
use crate::files;
use crate::host::Spent;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// How much more fuel than written down a case may take, in percent.
pub const SLACK_PERCENT: u64 = 15;
/// How many cases are told at most.
const SHOWN: usize = 20;

/// How what was measured stands to what was written down.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What was measured, over all cases.
    total: Spent,
    /// What was written down, over the same cases.
    written: Spent,
    /// Cases that take more than they may: name, written down, measured.
    over: Vec<(String, Spent, Spent)>,
    /// Cases that nothing is written down for.
    unknown: Vec<String>,
    /// Budgets without a case.
    stale: usize,
}

/// Compares, or writes down when `MESHWARD_BLESS` is set.
///
/// # Errors
/// When the file cannot be read or written.
pub fn check(measured: &BTreeMap<String, Spent>) -> Result<Report, CorpusError> {
    let path = path();
    let fail = |error: &dyn ToString| CorpusError::new(files::short(&path), error.to_string());
    if std::env::var_os("MESHWARD_BLESS").is_some() {
        std::fs::write(&path, text(measured).map_err(|error| fail(&error))?).map_err(|error| fail(&error))?;
    }
    let written: BTreeMap<String, Spent> =
        serde_json::from_str(&files::text(&path)?).map_err(|error| fail(&error))?;
    Ok(compare(&written, measured))
}

fn path() -> PathBuf {
    files::root().join("tests/corpus/budgets.json")
}

/// One line for a case, so that a change shows where it is.
fn text(measured: &BTreeMap<String, Spent>) -> Result<String, serde_json::Error> {
    let lines = measured.iter().map(|(name, spent)| {
        Ok(format!("{}: {}", serde_json::to_string(name)?, serde_json::to_string(spent)?))
    });
    Ok(format!("{{\n{}\n}}\n", lines.collect::<Result<Vec<_>, serde_json::Error>>()?.join(",\n")))
}

fn compare(written: &BTreeMap<String, Spent>, measured: &BTreeMap<String, Spent>) -> Report {
    let mut report = Report {
        stale: written.keys().filter(|name| !measured.contains_key(*name)).count(),
        ..Report::default()
    };
    for (name, now) in measured {
        let Some(before) = written.get(name) else {
            report.unknown.push(name.clone());
            continue;
        };
        add(&mut report.total, *now);
        add(&mut report.written, *before);
        let most = before.fuel.saturating_mul(100 + SLACK_PERCENT) / 100;
        if now.host_calls > before.host_calls || now.fuel > most {
            report.over.push((name.clone(), *before, *now));
        }
    }
    report
}

fn add(sum: &mut Spent, one: Spent) {
    sum.host_calls += one.host_calls;
    sum.fuel += one.fuel;
}

impl Report {
    /// Whether every case has a budget and keeps it.
    pub fn is_kept(&self) -> bool {
        self.over.is_empty() && self.unknown.is_empty() && self.stale == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total, written, over, unknown, stale } = self;
        write!(
            f,
            "budgets: {} host calls (written down {}), {} fuel (written down {})",
            total.host_calls, written.host_calls, total.fuel, written.fuel
        )?;
        for (name, before, now) in over.iter().take(SHOWN) {
            write!(
                f,
                "\n  over: {name}: {} host calls (may {}), {} fuel (may {} and {SLACK_PERCENT} %)",
                now.host_calls, before.host_calls, now.fuel, before.fuel
            )?;
        }
        for name in unknown.iter().take(SHOWN) {
            write!(f, "\n  no budget: {name}")?;
        }
        if *stale > 0 {
            write!(f, "\n  {stale} budgets have no case any more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host_calls: u64, fuel: u64) -> BTreeMap<String, Spent> {
        BTreeMap::from([("a".to_owned(), Spent { host_calls, fuel })])
    }

    #[test]
    fn one_host_call_more_or_much_fuel_more_is_over() {
        assert!(compare(&of(4, 1000), &of(4, 1149)).is_kept());
        assert!(compare(&of(4, 1000), &of(3, 10)).is_kept());
        assert!(!compare(&of(4, 1000), &of(5, 1000)).is_kept());
        assert!(!compare(&of(4, 1000), &of(4, 1151)).is_kept());
    }

    #[test]
    fn a_case_without_a_budget_and_a_budget_without_a_case_are_told() {
        assert!(!compare(&BTreeMap::new(), &of(4, 1)).is_kept());
        assert!(!compare(&of(4, 1), &BTreeMap::new()).is_kept());
    }
}
