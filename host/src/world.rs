//! What all VMs of a proxy share: clock, log, clusters, streams, shared data, metrics, callouts.
//!
//! It is lent to a VM for the time of a call: [`crate::proxy::Proxy`] swaps it into the VM's store and back.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::callout::Open;
use crate::fault::Plan;
use crate::metrics::Values;
use crate::property::FilterState;
use crate::queue::{Listener, Queues};
use crate::shared_data::SharedData;
use crate::stream::StreamState;
use crate::{LogLevel, LogLine, Node};

/// The world counts nanoseconds, its users milliseconds.
pub(crate) const NANOS_PER_MILLI: u64 = 1_000_000;

/// What all VMs of a proxy share.
#[derive(Debug)]
pub(crate) struct World {
    /// Nanoseconds of Unix time.
    pub(crate) now: u64,
    /// What the proxy says of itself.
    pub(crate) node: Node,
    /// Clusters that callouts may name.
    pub(crate) clusters: Vec<String>,
    /// Shared data.
    pub(crate) shared: SharedData,
    /// Shared queues.
    pub(crate) queues: Queues,
    /// Metrics.
    pub(crate) metrics: Values,
    /// Streams that are not forgotten yet.
    pub(crate) streams: HashMap<u64, StreamState>,
    /// Filter state that lives as long as a connection.
    pub(crate) connections: HashMap<u64, FilterState>,
    /// Callouts without an answer, by number.
    pub(crate) callouts: BTreeMap<u64, Open>,
    /// The last callout's number.
    pub(crate) last_callout: u64,
    /// Queue notices on their way to another worker.
    pub(crate) posted: VecDeque<(Listener, u32)>,
    /// Lines.
    pub(crate) log: Vec<LogLine>,
    /// From which level on lines are kept.
    pub(crate) log_level: LogLevel,
    /// Faults and counts of host calls.
    pub(crate) plan: Plan,
    /// Where randomness stands.
    pub(crate) random: u64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            now: 0,
            node: Node::default(),
            clusters: Vec::new(),
            shared: SharedData::default(),
            queues: Queues::default(),
            metrics: Values::default(),
            streams: HashMap::new(),
            connections: HashMap::new(),
            callouts: BTreeMap::new(),
            last_callout: 0,
            posted: VecDeque::new(),
            log: Vec::new(),
            log_level: LogLevel::Info,
            plan: Plan::default(),
            random: 0,
        }
    }
}

impl World {
    /// Writes a line, when its level is kept.
    pub(crate) fn write(&mut self, level: LogLevel, plugin: &str, worker: Option<usize>, text: &[u8]) {
        if level >= self.log_level {
            let text = String::from_utf8_lossy(text).into_owned();
            self.log.push(LogLine { level, plugin: plugin.to_owned(), worker, text });
        }
    }

    /// The next pseudo-random number (SplitMix64).
    pub(crate) const fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Whether callouts may name this cluster.
    pub(crate) fn has_cluster(&self, name: &[u8]) -> bool {
        self.clusters.iter().any(|known| known.as_bytes() == name)
    }
}
