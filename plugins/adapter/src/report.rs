//! REPORT: writes what the pipeline made of a verdict: counters and log lines.

use meshward_model::{Counter, LogLine, Plugin, Report, Severity};

use crate::drive::Counts;
use crate::hostcalls::{self, MetricId, MetricKind};

/// The metrics of a configured plugin.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// By [`Counter::slot`].
    counters: Vec<Option<MetricId>>,
    /// Of asking, in the order of [`Counts`].
    asking: [Option<MetricId>; 4],
    memory: Option<MetricId>,
    memory_bytes: u64,
}

impl Metrics {
    /// Defines them all. What the host refuses to define is said in its log and then not counted; deciding goes on.
    pub(crate) fn define<P: Plugin>() -> Self {
        let define = |kind, name: &str| match hostcalls::define_metric(kind, name) {
            Ok(id) => Some(id),
            Err(status) => {
                log(
                    Severity::Error,
                    &format!("meshward: the proxy does not define metric `{name}` (status {})", status.0),
                );
                None
            }
        };
        let counter = |name: &str| define(MetricKind::Counter, name);
        let asking = if P::ASKS {
            let names = P::ASKING_COUNTERS;
            [names.questions, names.failed, names.parked, names.late].map(counter)
        } else {
            [None; 4]
        };
        Self {
            counters: by_slot(P::COUNTERS, counter),
            asking,
            memory: define(MetricKind::Gauge, P::MEMORY_GAUGE),
            memory_bytes: 0,
        }
    }

    /// Writes a report. A line that the host does not take has nowhere else to go.
    pub(crate) fn write(&self, report: &Report) {
        self.tally(&report.counters).count();
        self.say(&report.lines);
    }

    /// What there is to count, for later.
    pub(crate) fn tally(&self, counters: &[(Counter, u32)]) -> Tally {
        let metric = |(counter, by): &(Counter, u32)| Some(((*self.counters.get(counter.slot)?)?, *by));
        Tally(counters.iter().filter_map(metric).collect())
    }

    /// Counts one.
    pub(crate) fn one_more(&self, counter: Counter) {
        if let Some(Some(id)) = self.counters.get(counter.slot) {
            let _ = hostcalls::add(*id, 1);
        }
    }

    /// Writes lines to the proxy's log.
    pub(crate) fn say(&self, lines: &[LogLine]) {
        for LogLine { severity, text } in lines {
            log(*severity, text);
        }
    }

    /// Counts what was asked.
    pub(crate) fn count(&self, counts: Counts) {
        let Counts { questions, failed, parked, late } = counts;
        for (id, by) in self.asking.iter().zip([questions, failed, parked, late]) {
            // Envoy takes no 0.
            if let (Some(id), 1..) = (id, by) {
                let _ = hostcalls::add(*id, by);
            }
        }
    }

    /// Says how much memory the worker holds, when that has changed.
    pub(crate) fn measure(&mut self) {
        let bytes = hostcalls::memory_bytes();
        if bytes != self.memory_bytes {
            self.memory_bytes = bytes;
            if let Some(id) = self.memory {
                let _ = hostcalls::record(id, bytes);
            }
        }
    }
}

/// Metrics of the proxy, and by how much each goes up.
#[derive(Debug, Default)]
pub(crate) struct Tally(Vec<(MetricId, u32)>);

impl Tally {
    /// Counts it.
    pub(crate) fn count(&self) {
        for (id, by) in &self.0 {
            // Envoy takes no 0.
            if *by > 0 {
                let _ = hostcalls::add(*id, *by);
            }
        }
    }
}

/// The metrics of `counters`, each at its slot.
fn by_slot(counters: &[Counter], define: impl Fn(&str) -> Option<MetricId>) -> Vec<Option<MetricId>> {
    let mut metrics = Vec::new();
    for counter in counters {
        if metrics.len() <= counter.slot {
            metrics.resize(counter.slot.saturating_add(1), None);
        }
        if let Some(place) = metrics.get_mut(counter.slot) {
            *place = define(counter.name);
        }
    }
    metrics
}

/// Writes a line to the proxy's log.
pub(crate) fn log(severity: Severity, line: &str) {
    let _ = hostcalls::log(severity, line);
}
