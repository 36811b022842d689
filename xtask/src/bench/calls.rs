//! The checked-in numbers of host calls: they may only fall.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::floors::Floored;
use super::life::{Difference, Request};
use super::traced::Traced;
use crate::paths;
use crate::show::{self, Mark, Table};

const HEADING: &str = "\
# What one request takes between Envoy and a plugin, case by case: calls into the host, callbacks from it, and
# allocations that the host asks for to hand bytes over. Checked by `cargo xtask bench --trace`; numbers may only fall,
# and `cargo xtask bench --trace --record` writes down that they did. The cases are in xtask/src/bench/traced.rs.
";

/// One case's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    host_calls: usize,
    callbacks: usize,
    allocations: usize,
}

type Written = BTreeMap<String, Calls>;

/// How a case's numbers stand to what was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Same,
    New,
    Fell,
    Rose,
}

impl Calls {
    fn of(request: &Request) -> Self {
        Self {
            host_calls: request.host_calls(),
            callbacks: request.callbacks(),
            allocations: request.allocations(),
        }
    }

    /// One number that rises is a rise, whatever the others do.
    fn since(self, before: Option<Self>) -> Change {
        let Some(before) = before else { return Change::New };
        let pairs = [
            (self.host_calls, before.host_calls),
            (self.callbacks, before.callbacks),
            (self.allocations, before.allocations),
        ];
        if pairs.iter().any(|(now, before)| now > before) {
            Change::Rose
        } else if self == before {
            Change::Same
        } else {
            Change::Fell
        }
    }
}

/// Compares with what is written down; writes down what fell when `record`. `Ok(false)`: not as it must be.
pub(super) fn compare(traced: &[Traced], record: bool) -> Result<bool> {
    let mut written = read()?;
    let mut as_written = true;
    let mut table = Table::default();
    table.row(Mark::Skipped, ["", "host calls", "callbacks", "allocations", ""]);
    for case in traced {
        let now = Calls::of(&case.request);
        let before = written.get(case.case).copied();
        let change = now.since(before);
        let recorded = record && matches!(change, Change::New | Change::Fell);
        if recorded {
            written.insert(case.case.to_owned(), now);
        }
        let good = recorded || change == Change::Same;
        as_written &= good;
        let word = remark(change, before, recorded);
        let numbers = [now.host_calls, now.callbacks, now.allocations].map(|number| number.to_string());
        let [host_calls, callbacks, allocations] = numbers;
        let mark = if good { Mark::Good } else { Mark::Bad };
        table.row(mark, [case.case.to_owned(), host_calls, callbacks, allocations, word]);
    }
    let gone: Vec<String> =
        written.keys().filter(|name| !traced.iter().any(|case| case.case == *name)).cloned().collect();
    show::heading("Calls between Envoy and the plugins, per request");
    table.print();
    for name in &gone {
        show::progress(&format!(
            "  `{name}` is written down but no such case is traced: take it out of {}",
            file_name()
        ));
    }
    if record {
        write(&written)?;
    }
    Ok(as_written && gone.is_empty())
}

fn remark(change: Change, before: Option<Calls>, recorded: bool) -> String {
    let remedy = "run `cargo xtask bench --trace --record`";
    match (change, before) {
        (Change::Same, _) => String::new(),
        (Change::New | Change::Fell, _) if recorded => "written down".to_owned(),
        (Change::New | Change::Fell, None) => format!("not written down yet: {remedy}"),
        (Change::Fell | Change::New, Some(before)) => format!("fell ({before}): {remedy}"),
        (Change::Rose, before) => {
            let before = before.map(|before| before.to_string()).unwrap_or_default();
            format!(
                "ROSE ({before}): read less, or argue for it in docs/decisions/ and change {} by hand",
                file_name()
            )
        }
    }
}

impl std::fmt::Display for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host_calls, callbacks, allocations } = self;
        write!(f, "before: {host_calls} host calls, {callbacks} callbacks, {allocations} allocations")
    }
}

/// Whether every floor lived as its plugin did, said one by one.
pub(super) fn are_floors_equal(floors: &[Floored], differences: &[Option<Difference>]) -> bool {
    for (floor, difference) in floors.iter().zip(differences) {
        let name = floor.model.name;
        match difference {
            None => show::progress(&format!(
                "{name} and its floor make the same {} host calls per request, arguments included",
                floor.life.request.host_calls()
            )),
            Some(Difference { one, other }) => show::error(&format!(
                "the floor of {name} does not do what {name} does: {name} `{one}`, floor `{other}`; see xtask/src/bench/floor.rs"
            )),
        }
    }
    differences.iter().all(Option::is_none)
}

fn file() -> PathBuf {
    paths::root().join("tests/bench/host-calls.toml")
}

fn file_name() -> String {
    paths::short(&file())
}

fn read() -> Result<Written> {
    let text = std::fs::read_to_string(file()).with_context(|| format!("could not read {}", file_name()))?;
    toml::from_str(&text).with_context(|| format!("{} is not valid", file_name()))
}

fn write(written: &Written) -> Result<()> {
    let numbers = toml::to_string(written).context("the numbers could not be written as TOML")?;
    std::fs::write(file(), format!("{HEADING}\n{numbers}"))
        .with_context(|| format!("could not write {}", file_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_that_rises_is_a_rise() {
        let before = Calls { host_calls: 4, callbacks: 3, allocations: 2 };
        let fewer = Calls { host_calls: 3, ..before };
        assert_eq!(before.since(None), Change::New);
        assert_eq!(before.since(Some(before)), Change::Same);
        assert_eq!(fewer.since(Some(before)), Change::Fell);
        assert_eq!(Calls { callbacks: 4, ..fewer }.since(Some(before)), Change::Rose);
    }

    #[test]
    fn a_rise_and_a_fall_say_what_to_do() {
        let before = Calls { host_calls: 4, callbacks: 3, allocations: 2 };
        assert!(remark(Change::Rose, Some(before), false).contains("before: 4 host calls"));
        assert!(remark(Change::Fell, Some(before), false).contains("--record"));
    }
}
