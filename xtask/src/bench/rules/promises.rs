//! What is promised of many rules, and whether it holds.

use serde::Serialize;

use super::configuring::Configured;
use super::entrant::{Maker, One, Outcome, SIZES};
use super::report::Found;
use super::shape::{self, Shape};
use crate::show::{Mark, Table};

/// Ours with ten rules, in what its floor adds.
const TO_FLOOR: f64 = 1.25;
/// Ours with any number of rules, in what it adds with ten.
const FLAT: f64 = 1.2;
/// The size from which ours is cheaper than Envoy's own filter.
const CHEAPER_FROM: u32 = 300;
/// Envoy's own filter in what ours adds: by shape and size, at least.
const DEARER: [(Shape, u32, f64); 4] = [
    (Shape::Path, 1_000, 6.0),
    (Shape::Identity, 1_000, 10.0),
    (Shape::Path, 10_000, 100.0),
    (Shape::Identity, 10_000, 100.0),
];
/// The longest that configuring ten thousand rules takes, in ms.
const CONFIGURED_WITHIN: f64 = 300.0;
/// The most memory that a worker needs for them, in MiB.
const MEMORY: f64 = 24.0;

/// A bound, and what was found.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Promise {
    what: String,
    found: f64,
    bound: Bound,
}

#[derive(Clone, Copy, Debug, Serialize)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Promise {
    pub(super) fn holds(&self) -> bool {
        match self.bound {
            // What is not above zero was divided by noise.
            Bound::AtMost(most) => self.found > 0.0 && self.found <= most,
            Bound::AtLeast(least) => self.found >= least,
        }
    }

    pub(super) fn row(&self, table: &mut Table) {
        let bound = match self.bound {
            Bound::AtMost(most) => format!("at most {most}"),
            Bound::AtLeast(least) => format!("at least {least}"),
        };
        let mark = if self.holds() { Mark::Good } else { Mark::Bad };
        table.row(mark, [self.what.clone(), format!("{:.2}", self.found), bound]);
    }
}

/// All promises about what was measured.
pub(super) fn of(found: &Found, configured: &Configured) -> Vec<Promise> {
    let rules = |count| found.rules(Maker::Ours, Shape::Mixed, Outcome::LastAllows, count);
    let mut promises = Vec::new();
    let to_floor = ratio(rules(10), found.of(One::Floor).map(|added| added.median));
    promises.extend(to_floor.map(|found| Promise {
        what: "ten mixed rules / their floor".to_owned(),
        found,
        bound: Bound::AtMost(TO_FLOOR),
    }));
    for count in SIZES.into_iter().filter(|count| *count > 10) {
        promises.extend(ratio(rules(count), rules(10)).map(|found| Promise {
            what: format!("{count} mixed rules / ten"),
            found,
            bound: Bound::AtMost(FLAT),
        }));
    }
    let against = |shape, count| {
        let of = |maker| found.rules(maker, shape, Outcome::LastAllows, count);
        ratio(of(Maker::Native), of(Maker::Ours))
    };
    let cheaper = shape::ALL.into_iter().map(|shape| (shape, CHEAPER_FROM, 1.0));
    for (shape, count, least) in cheaper.chain(DEARER) {
        promises.extend(against(shape, count).map(|found| Promise {
            what: format!("Envoy's own filter / ours, {count} rules, {}", shape.title()),
            found,
            bound: Bound::AtLeast(least),
        }));
    }
    promises.push(Promise {
        what: format!("{} rules configured, ms", configured.rules),
        found: configured.took().median,
        bound: Bound::AtMost(CONFIGURED_WITHIN),
    });
    promises.push(Promise {
        what: format!("memory of a worker with {} rules, MiB", configured.rules),
        found: configured.mebibytes(),
        bound: Bound::AtMost(MEMORY),
    });
    promises
}

fn ratio(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? / other?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_divided_by_noise_holds_nothing() {
        let promise = |found, bound| Promise { what: String::new(), found, bound }.holds();
        assert!(promise(1.1, Bound::AtMost(1.2)) && !promise(1.3, Bound::AtMost(1.2)));
        assert!(!promise(-1.0, Bound::AtMost(1.2)) && !promise(f64::NAN, Bound::AtMost(1.2)));
        assert!(promise(6.0, Bound::AtLeast(6.0)) && !promise(5.9, Bound::AtLeast(6.0)));
        assert!(!promise(f64::NAN, Bound::AtLeast(6.0)));
    }
}
