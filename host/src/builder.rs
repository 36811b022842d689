//! How a proxy is put together and started.

use crate::{Faults, LogLevel, Node, Plugin, Proxy};

/// Why a proxy does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A plugin refused its configuration in the canary.
    #[error("plugin `{plugin}` refused its configuration")]
    Refused {
        /// Its name.
        plugin: String,
    },
    /// A plugin's VM trapped while it started.
    #[error("plugin `{plugin}` failed to start: {why}")]
    Failed {
        /// Its name.
        plugin: String,
        /// What happened.
        why: String,
    },
}

/// Puts a proxy together; see [`Proxy::builder`].
#[derive(Debug, Clone)]
pub struct Builder {
    pub(crate) node: Node,
    pub(crate) now: u64,
    pub(crate) workers: usize,
    pub(crate) clusters: Vec<String>,
    pub(crate) plugins: Vec<Plugin>,
    pub(crate) faults: Faults,
    pub(crate) shared: Vec<(String, Vec<u8>, Vec<u8>)>,
    pub(crate) seed: u64,
    pub(crate) fuel_per_call: u64,
    pub(crate) log_level: LogLevel,
    pub(crate) trace: bool,
    pub(crate) main_thread: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            node: Node::default(),
            now: 1_767_225_600_000,
            workers: 1,
            clusters: Vec::new(),
            plugins: Vec::new(),
            faults: Faults::none(),
            shared: Vec::new(),
            seed: 1,
            fuel_per_call: 10_000_000_000,
            log_level: LogLevel::Info,
            trace: false,
            main_thread: false,
        }
    }
}

impl Builder {
    /// What the proxy says of itself.
    #[must_use]
    pub fn node(mut self, node: Node) -> Self {
        self.node = node;
        self
    }

    /// What time it is at the start, in milliseconds of Unix time.
    #[must_use]
    pub const fn now(mut self, unix_millis: u64) -> Self {
        self.now = unix_millis;
        self
    }

    /// How many workers there are, at least one. Each has VMs of its own.
    #[must_use]
    pub const fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// A cluster that callouts may name.
    #[must_use]
    pub fn cluster(mut self, name: &str) -> Self {
        self.clusters.push(name.to_owned());
        self
    }

    /// A plugin, behind those before it in the filter chain.
    #[must_use]
    pub fn plugin(mut self, plugin: Plugin) -> Self {
        self.plugins.push(plugin);
        self
    }

    /// Which host calls go wrong, from the start on.
    #[must_use]
    pub fn faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Something that is in the shared data already.
    #[must_use]
    pub fn shared_data(mut self, vm_id: &str, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.shared.push((vm_id.to_owned(), key.into(), value.into()));
        self
    }

    /// Where the VMs' randomness begins.
    #[must_use]
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How much fuel one call into a VM may use before it traps.
    #[must_use]
    pub const fn fuel_per_call(mut self, fuel: u64) -> Self {
        self.fuel_per_call = fuel;
        self
    }

    /// From which level on log lines are kept, and what plugins are told of it.
    #[must_use]
    pub const fn log_level(mut self, level: LogLevel) -> Self {
        self.log_level = level;
        self
    }

    /// Whether every host call is kept in order; see [`Proxy::trace`].
    #[must_use]
    pub const fn trace(mut self, trace: bool) -> Self {
        self.trace = trace;
        self
    }

    /// Whether the main thread has VMs too, as in Envoy, where they configure after the canary and before the workers', tick, and
    /// serve no stream. Off by default, since everything that ticks do would be seen twice. Its log lines and callouts have
    /// the number of workers as their worker.
    #[must_use]
    pub const fn main_thread(mut self, main_thread: bool) -> Self {
        self.main_thread = main_thread;
        self
    }

    /// Starts the proxy: for each plugin the canary VM configures first, then each worker's.
    ///
    /// # Errors
    /// A plugin that refuses its configuration or fails to start.
    pub fn start(self) -> Result<Proxy, StartError> {
        Proxy::start(self)
    }
}
