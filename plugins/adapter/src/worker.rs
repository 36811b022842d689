//! One worker's VM: its configured plugins, its streams, and what each callback of the proxy does.

use core::hash::{BuildHasherDefault, Hasher};
use std::collections::HashMap;

use meshward_model::{Head, Plugin, Reason, RequestId, Severity, Verdict};

use crate::report::{Metrics, log};
use crate::{act, drive, hostcalls, read};

/// What the proxy does with the stream after a callback; the numbers are the ABI's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The request goes on.
    Continue = 0,
    /// The request stops here.
    Pause = 1,
}

/// A worker's VM. Several configurations of one module may share it (Istio gives them one `vm_id`), each under a root context of
/// its own.
pub struct Worker<P: Plugin> {
    roots: Vec<Root<P>>,
    streams: HashMap<u32, u32, BuildHasherDefault<ContextHasher>>,
}

struct Root<P: Plugin> {
    id: u32,
    configured: Option<Configured<P>>,
}

struct Configured<P: Plugin> {
    plugin: P,
    state: P::State,
    metrics: Metrics,
}

/// The proxy numbers contexts one after another, so that a multiplication spreads them.
#[derive(Debug, Default)]
struct ContextHasher(u64);

impl Hasher for ContextHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // 2^64 divided by the golden ratio, as in Fibonacci hashing.
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl<P: Plugin> Worker<P> {
    /// A VM in which nothing has happened yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a constant, for a static")]
    pub const fn new() -> Self {
        Self { roots: Vec::new(), streams: HashMap::with_hasher(BuildHasherDefault::new()) }
    }

    /// A context begins: a root (`parent` is 0) or a stream under a root.
    pub fn create(&mut self, id: u32, parent: u32) {
        if parent == 0 {
            if self.root(id).is_none() {
                self.roots.push(Root { id, configured: None });
            }
        } else {
            self.streams.insert(id, parent);
        }
    }

    /// A context ends.
    pub fn delete(&mut self, id: u32) {
        if self.streams.remove(&id).is_none() {
            self.roots.retain(|root| root.id != id);
        }
    }

    /// A root gets its configuration of `size` bytes. `false` refuses it, and whatever it had before stays.
    pub fn configure(&mut self, id: u32, size: usize) -> bool {
        let configuration = match hostcalls::plugin_configuration(size) {
            Ok(configuration) => configuration,
            Err(status) => {
                let line =
                    format!("meshward: the proxy does not hand the configuration over (status {})", status.0);
                log(Severity::Error, &line);
                return false;
            }
        };
        match P::configure(&configuration, &read::node()) {
            Ok(plugin) => {
                let mut metrics = Metrics::define(P::COUNTERS, P::MEMORY_GAUGE);
                metrics.measure();
                let configured = Configured { plugin, state: P::State::default(), metrics };
                self.create(id, 0);
                if let Some(root) = self.root(id) {
                    root.configured = Some(configured);
                }
                true
            }
            Err(refusal) => {
                for problem in &refusal.problems {
                    log(Severity::Error, &format!("meshward: configuration refused: {problem}"));
                }
                false
            }
        }
    }

    /// Request headers are there.
    pub fn request_headers(&mut self, id: u32) -> Action {
        let root = self.streams.get(&id).copied();
        let configured = root.and_then(|root| self.root(root)).and_then(|root| root.configured.as_mut());
        match configured {
            Some(configured) => configured.request_headers(RequestId(id)),
            None => refuse(Reason::NotConfigured),
        }
    }

    fn root(&mut self, id: u32) -> Option<&mut Root<P>> {
        self.roots.iter_mut().find(|root| root.id == id)
    }
}

impl<P: Plugin> Configured<P> {
    fn request_headers(&mut self, id: RequestId) -> Action {
        let Ok(now) = hostcalls::now() else { return refuse(Reason::Internal) };
        let (request, verdict) = match read::head(id, self.plugin.needs()) {
            Ok(head) => {
                let (request, step) = self.plugin.decide(&mut self.state, head, now);
                (Some(request), drive::verdict(step))
            }
            Err(read::Unreadable) => (None, Verdict::deny(Reason::RequestUnreadable, None)),
        };
        let wants = self.plugin.wants(&verdict);
        let more = if wants.is_empty() || request.is_none() {
            Head::default()
        } else {
            // What cannot be read is missing in the report; the verdict stands.
            read::head(id, wants).unwrap_or_default()
        };
        let report = self.plugin.report(request.as_ref(), &more, &verdict, now);
        self.metrics.write(&report);
        self.metrics.measure();
        act::carry_out(&verdict, &report.details)
    }
}

/// The one fallback: there is nothing to decide by, so the answer is no.
pub(crate) fn refuse(reason: Reason) -> Action {
    log(Severity::Error, &format!("meshward: request refused: {reason}"));
    act::carry_out(&Verdict::deny(reason, None), &format!("meshward_denied[{reason}]"))
}

/// What a callback answers when the worker's state cannot be had, which must not happen.
pub fn refuse_internal() -> Action {
    refuse(Reason::Internal)
}
