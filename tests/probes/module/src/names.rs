//! Names for numbers that a host is free to choose, in the order in which they were first seen.

use std::collections::BTreeMap;

/// Numbers of several kinds and their names.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: BTreeMap<(&'static str, u32), usize>,
    counts: BTreeMap<&'static str, usize>,
}

impl Names {
    /// The name of a number: `call1` for the first of the kind `call`. Zero stays `0`.
    pub(crate) fn name(&mut self, kind: &'static str, number: u32) -> String {
        if number == 0 {
            return "0".to_owned();
        }
        let count = self.counts.entry(kind).or_default();
        let place = self.known.entry((kind, number)).or_insert_with(|| {
            *count = count.saturating_add(1);
            *count
        });
        format!("{kind}{place}")
    }
}
