//! What was found: a table for each shape and outcome, where Envoy's own filter becomes dearer than ours, and what is promised.

use anyhow::Result;
use serde::Serialize;

use super::super::contestant::Contestant;
use super::super::measure::{Entrant, Measured, Plan};
use super::super::numbers::{Spread, minus};
use super::super::result::{self, NOISE};
use super::configuring::Configured;
use super::entrant::{Maker, OUTCOMES, One, Outcome, SIZES};
use super::promises::{self, Promise};
use super::shape::{self, Shape};
use crate::show::{self, Mark, Table};

/// Everything that one run found.
#[derive(Serialize)]
pub(super) struct Report {
    plan: Plan,
    configured: Configured,
    baseline_us: Spread,
    found: Found,
    promises: Vec<Promise>,
    measured: Vec<Measured<One>>,
}

/// What each configuration adds to a request, in µs.
#[derive(Serialize)]
pub(super) struct Found {
    added: Vec<(One, Spread)>,
}

impl Found {
    fn new(measured: &[Measured<One>]) -> Self {
        let none = measured.iter().find(|one| one.contestant == One::Beside(Contestant::Nothing));
        let none = none.map(|none| none.per_request.as_slice()).unwrap_or_default();
        let added = measured.iter().map(|one| (one.contestant, Spread::of(minus(&one.per_request, none))));
        Self { added: added.collect() }
    }

    /// What one adds.
    pub(super) fn of(&self, wanted: One) -> Option<Spread> {
        self.added.iter().find(|(one, _)| *one == wanted).map(|(_, added)| *added)
    }

    /// What so many rules add.
    pub(super) fn rules(&self, maker: Maker, shape: Shape, outcome: Outcome, count: u32) -> Option<f64> {
        self.spread(maker, shape, outcome, count).map(|added| added.median)
    }

    fn spread(&self, maker: Maker, shape: Shape, outcome: Outcome, count: u32) -> Option<Spread> {
        self.of(One::Rules { maker, shape, outcome, count })
    }

    /// From how many rules on Envoy's own filter costs more than ours, between the sizes by a straight line.
    pub(super) fn crossing(&self, shape: Shape, outcome: Outcome) -> Option<f64> {
        let lead = |count| {
            let of = |maker| self.rules(maker, shape, outcome, count);
            Some((f64::from(count), of(Maker::Native)? - of(Maker::Ours)?))
        };
        let leads: Vec<(f64, f64)> = SIZES.into_iter().filter_map(lead).collect();
        match leads.first() {
            Some((least, lead)) if *lead >= 0.0 => Some(*least),
            _ => leads.iter().zip(leads.iter().skip(1)).find_map(|((from, before), (to, after))| {
                (*before < 0.0 && *after >= 0.0).then(|| from + (to - from) * -before / (after - before))
            }),
        }
    }
}

impl Report {
    pub(super) fn new(plan: Plan, configured: Configured, measured: Vec<Measured<One>>) -> Self {
        let found = Found::new(&measured);
        let promises = promises::of(&found, &configured);
        let baseline = measured.iter().find(|one| one.contestant == One::Beside(Contestant::Nothing));
        let baseline_us = Spread::of(baseline.into_iter().flat_map(|none| none.per_request.iter().copied()));
        Self { plan, configured, baseline_us, found, promises, measured }
    }

    /// Whether all that was measured is as promised, and something was.
    pub(super) fn is_within_ceilings(&self) -> bool {
        !self.promises.is_empty() && self.promises.iter().all(Promise::holds)
    }

    /// Writes everything, every round included.
    pub(super) fn write(&self) -> Result<String> {
        result::write(self, "-authz")
    }

    pub(super) fn print(&self) {
        let Plan { rounds, requests, starts } = self.plan;
        let [baseline, range] = self.baseline_us.cells(1);
        show::heading(&format!("CPU of Envoy per request without a filter: {baseline} µs {range}"));
        show::progress(&format!(
            "  added to it, median of {rounds} rounds of {requests} requests [middle half]; {starts} starts\n"
        ));
        let mut table = Table::default();
        for (one, added) in &self.found.added {
            if let One::Beside(_) | One::Floor = one {
                let [median, range] = added.cells(2);
                table.row(Mark::Good, [one.title(), median, range]);
            }
        }
        table.print();
        for shape in shape::ALL {
            OUTCOMES.into_iter().for_each(|outcome| self.print_table(shape, outcome));
        }
        show::heading("Promised");
        let mut table = Table::default();
        self.promises.iter().for_each(|promise| promise.row(&mut table));
        table.print();
        let again = self.found.of(One::Beside(Contestant::NothingAgain));
        let noise = again.map(|again| again.median.abs()).filter(|noise| *noise > NOISE);
        if let Some(noise) = noise {
            show::progress(&format!(
                "\nTwo equal Envoys seem {noise:.2} µs apart: the machine is busy, measure again when it is quiet."
            ));
        }
    }

    fn print_table(&self, shape: Shape, outcome: Outcome) {
        let mut table = Table::default();
        table.row(Mark::Skipped, ["rules", "ours, µs", "", "Envoy's, µs", "", "Envoy's / ours"]);
        let mut any = false;
        for count in SIZES {
            let of = |maker| self.found.spread(maker, shape, outcome, count);
            let (Some(ours), Some(native)) = (of(Maker::Ours), of(Maker::Native)) else { continue };
            let ([ours_median, ours_range], [native_median, native_range]) = (ours.cells(2), native.cells(2));
            let ratio = format!("{:.2}", native.median / ours.median);
            let cells = [count.to_string(), ours_median, ours_range, native_median, native_range, ratio];
            table.row(Mark::Good, cells);
            any = true;
        }
        if !any {
            return;
        }
        show::heading(&format!("{}: {}", shape.title(), outcome.title()));
        table.print();
        let crossing = self.found.crossing(shape, outcome).map_or_else(
            || "Envoy's own filter is cheaper throughout".to_owned(),
            |count| format!("Envoy's own filter is dearer from {count:.0} rules on"),
        );
        show::progress(&format!("  {crossing}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(leads: &[(u32, f64, f64)]) -> Found {
        let one =
            |maker, count| One::Rules { maker, shape: Shape::Path, outcome: Outcome::LastAllows, count };
        let rules = leads.iter().flat_map(|(count, ours, native)| {
            let spread = |value: f64| Spread::of([value]);
            [(one(Maker::Ours, *count), spread(*ours)), (one(Maker::Native, *count), spread(*native))]
        });
        Found { added: rules.collect() }
    }

    #[test]
    fn the_crossing_lies_between_the_sizes_around_it() {
        let crossing = |leads| found(leads).crossing(Shape::Path, Outcome::LastAllows);
        assert_eq!(crossing(&[(10, 10.0, 5.0), (100, 10.0, 15.0)]), Some(55.0));
        assert_eq!(crossing(&[(10, 10.0, 20.0), (100, 10.0, 30.0)]), Some(10.0));
        assert_eq!(crossing(&[(10, 10.0, 5.0), (100, 10.0, 6.0)]), None);
    }
}
