//! The proxy and what drives it: the clock, its log, its calls to others, and those who wait.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use meshward_host::{
    CalloutId, FailurePolicy, LogLevel, LogLine, Plugin, Proxy, Refused, StartError, Stream,
};
use meshward_model::Node;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use super::callout::{self, Clusters};
use super::module::Loaded;
use super::told::Told;
use crate::failure::Failure;

/// The only plugin of the chain.
const PLUGIN: usize = 0;
/// The only worker.
const WORKER: usize = 0;

/// Where what is said goes.
pub(super) type Tell = UnboundedSender<Told>;

/// A proxy of one worker that lives in real time.
pub(super) struct Driver {
    proxy: RefCell<Proxy>,
    /// Something may have moved.
    changed: Notify,
    /// The proxy's clock: a moment, and how long ago that was.
    since: (u64, Instant),
    clusters: Clusters,
    /// Calls that are under way.
    calling: RefCell<BTreeSet<CalloutId>>,
    tell: Tell,
}

impl Driver {
    /// Starts the proxy.
    ///
    /// # Errors
    /// The module refuses the policy, which it does in the same words as the compiler, or does not start.
    pub(super) fn start(
        loaded: &Loaded,
        node: Node,
        configuration: &[u8],
        clusters: Clusters,
        tell: Tell,
    ) -> Result<Self, Failure> {
        let mut plugin = Plugin::new(loaded.module(), "meshward").configured(configuration);
        plugin.failure_policy = FailurePolicy::Reload;
        plugin.allow_on_headers_stop_iteration = true;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        let mut builder = Proxy::builder().node(proxys_node(node)).now(now).plugin(plugin);
        for name in clusters.names() {
            builder = builder.cluster(name);
        }
        let proxy = builder.start().map_err(|error| {
            if matches!(error, StartError::Refused { .. }) {
                return Failure::input(
                    format!(
                        "{error}, which this command's own compiler takes: the two are not of one version"
                    ),
                    "take a module of this version: `cargo xtask install`, or leave `--module` out",
                );
            }
            Failure::input(error.to_string(), "take a module that Envoy loads")
        })?;
        Ok(Self {
            proxy: RefCell::new(proxy),
            changed: Notify::new(),
            since: (now, Instant::now()),
            clusters,
            calling: RefCell::default(),
            tell,
        })
    }

    /// Says something.
    pub(super) fn tell(&self, told: Told) {
        // Whoever printed it has ended, and so do we.
        drop(self.tell.send(told));
    }

    /// Does something with the proxy at the time that it is, and looks after what came of it.
    pub(super) fn touch<T>(self: &Rc<Self>, act: impl FnOnce(&mut Proxy) -> T) -> T {
        let (result, log, callouts) = {
            let mut proxy = self.proxy.borrow_mut();
            let late = self.now().saturating_sub(proxy.now());
            if late > 0 {
                proxy.advance(Duration::from_millis(late));
            }
            (act(&mut proxy), proxy.take_log(), proxy.callouts())
        };
        log.into_iter().filter(is_told).for_each(|line| self.tell(Told::Log(line)));
        let open: BTreeSet<CalloutId> = callouts.iter().map(|callout| callout.id).collect();
        self.calling.borrow_mut().retain(|id| open.contains(id));
        for one in callouts {
            if self.calling.borrow_mut().insert(one.id) {
                tokio::task::spawn_local(callout::carry_out(Rc::clone(self), one));
            }
        }
        self.changed.notify_waiters();
        result
    }

    /// Opens a stream.
    pub(super) fn open(self: &Rc<Self>, attributes: meshward_host::Attributes) -> Stream {
        self.touch(|proxy| proxy.open(WORKER, attributes))
    }

    /// Another configuration; a refused one changes nothing.
    pub(super) fn configure(self: &Rc<Self>, configuration: &[u8]) -> Result<(), Refused> {
        self.touch(|proxy| proxy.configure(PLUGIN, configuration))
    }

    /// Looks at the proxy until there is something to see.
    pub(super) async fn wait<T>(&self, look: impl Fn(&Proxy) -> Option<T>) -> T {
        loop {
            let seen = look(&self.proxy.borrow());
            if let Some(seen) = seen {
                return seen;
            }
            self.changed.notified().await;
        }
    }

    /// What the module's calls to this cluster become.
    pub(super) fn cluster(&self, name: &str) -> Option<&callout::Place> {
        self.clusters.place(name)
    }

    /// Moves the clock whenever something is due: a tick, or the end of a call's patience.
    pub(super) async fn keep_time(self: Rc<Self>) {
        loop {
            let next = self.proxy.borrow().next_event();
            match next {
                None => self.changed.notified().await,
                Some(at) => {
                    let due = Duration::from_millis(at.saturating_sub(self.now()));
                    tokio::select! {
                        () = self.changed.notified() => {}
                        () = tokio::time::sleep(due) => self.touch(|_| ()),
                    }
                }
            }
        }
    }

    fn now(&self) -> u64 {
        let (start, since) = self.since;
        start.saturating_add(u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// What a module says for its authors is for nobody here.
fn is_told(line: &LogLine) -> bool {
    line.level >= LogLevel::Info
}

fn proxys_node(node: Node) -> meshward_host::Node {
    let Node { id, namespace, workload, labels } = node;
    let (namespace, workload) = (Some(namespace), Some(workload));
    meshward_host::Node { id, namespace, workload, labels, ..meshward_host::Node::default() }
}
