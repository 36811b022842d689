//! Metrics: the process's values, and each VM's numbers for them.

use std::collections::{BTreeMap, HashMap};

use crate::Status;

/// What kind a metric is, by the ABI's number (cpp-host `wasm_vm.h`, `MetricType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MetricKind {
    /// Only goes up.
    Counter,
    /// Has a value.
    Gauge,
    /// Has a distribution.
    Histogram,
}

impl MetricKind {
    /// By the ABI's number.
    pub(crate) const fn of(number: u32) -> Option<Self> {
        match number {
            0 => Some(Self::Counter),
            1 => Some(Self::Gauge),
            2 => Some(Self::Histogram),
            _ => None,
        }
    }
}

/// The process's values, by kind and name.
#[derive(Debug, Default)]
pub(crate) struct Values {
    /// Counters.
    pub(crate) counters: BTreeMap<String, u64>,
    /// Gauges.
    pub(crate) gauges: BTreeMap<String, u64>,
    /// Histograms: what was recorded, in order.
    pub(crate) histograms: BTreeMap<String, Vec<u64>>,
}

/// One VM's numbers. Defining a name again gives another number for the same value (Envoy `context.cc`, `defineMetric`).
#[derive(Debug, Default)]
pub(crate) struct Ids {
    by_id: HashMap<u32, (MetricKind, String)>,
    counters: u32,
    gauges: u32,
    histograms: u32,
}

impl Ids {
    /// A new number: the two low bits are the kind (cpp-host `wasm.h`, `kMetricIdIncrement`).
    pub(crate) fn define(&mut self, kind: MetricKind, name: &str, values: &mut Values) -> u32 {
        let (count, low) = match kind {
            MetricKind::Counter => {
                values.counters.entry(name.to_owned()).or_default();
                (&mut self.counters, 0)
            }
            MetricKind::Gauge => {
                values.gauges.entry(name.to_owned()).or_default();
                (&mut self.gauges, 1)
            }
            MetricKind::Histogram => {
                values.histograms.entry(name.to_owned()).or_default();
                (&mut self.histograms, 2)
            }
        };
        *count = count.saturating_add(1);
        let id = count.wrapping_mul(4).wrapping_add(low);
        self.by_id.insert(id, (kind, name.to_owned()));
        id
    }

    /// Adds to a counter (only upwards) or a gauge (`incrementMetric`).
    pub(crate) fn increment(&self, id: u32, offset: i64, values: &mut Values) -> Status {
        match (id & 3, self.by_id.get(&id)) {
            (0, Some((_, name))) if offset > 0 => {
                let value = values.counters.entry(name.clone()).or_default();
                *value = value.wrapping_add(offset.unsigned_abs());
                Status::Ok
            }
            (0, Some(_)) => Status::BadArgument,
            (1, Some((_, name))) => {
                let value = values.gauges.entry(name.clone()).or_default();
                *value = value.wrapping_add_signed(offset);
                Status::Ok
            }
            (0 | 1, None) => Status::NotFound,
            _ => Status::BadArgument,
        }
    }

    /// Adds to a counter, sets a gauge, notes for a histogram (`recordMetric`).
    pub(crate) fn record(&self, id: u32, recorded: u64, values: &mut Values) -> Status {
        match self.by_id.get(&id) {
            Some((MetricKind::Counter, name)) => {
                let value = values.counters.entry(name.clone()).or_default();
                *value = value.wrapping_add(recorded);
            }
            Some((MetricKind::Gauge, name)) => {
                values.gauges.insert(name.clone(), recorded);
            }
            Some((MetricKind::Histogram, name)) => {
                values.histograms.entry(name.clone()).or_default().push(recorded);
            }
            None => return Status::NotFound,
        }
        Status::Ok
    }

    /// A counter's or a gauge's value (`getMetric`).
    pub(crate) fn get(&self, id: u32, values: &Values) -> Result<u64, Status> {
        match (id & 3, self.by_id.get(&id)) {
            (0, Some((_, name))) => Ok(values.counters.get(name).copied().unwrap_or_default()),
            (1, Some((_, name))) => Ok(values.gauges.get(name).copied().unwrap_or_default()),
            (0 | 1, None) => Err(Status::NotFound),
            _ => Err(Status::BadArgument),
        }
    }
}
