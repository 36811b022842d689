//! The proxy: workers, streams and a clock that the caller moves.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::events::UNAVAILABLE;
use crate::stream::{StreamState, Way};
use crate::vm::{AfterCall, Reply, Vm, VmId};
use crate::world::{NANOS_PER_MILLI, World};
use crate::{Attributes, Builder, Headers, LogLevel, Plugin};

/// Names a stream of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream(pub(crate) u64);

/// An update was refused; what was configured before stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin `{plugin}` refused the update; its last good configuration stays")]
pub struct Refused {
    /// Its name.
    pub plugin: String,
}

/// Which VMs are the same (cpp-host `src/wasm.cc`, `makeVmKey`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct VmKey {
    pub(crate) vm_id: String,
    pub(crate) configuration: Vec<u8>,
    pub(crate) code: [u8; 32],
}

/// A plugin on a worker (Envoy `wasm.h`, `SinglePluginHandle`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handle {
    /// Its VM and root; `None` is a worker that refused what the canary took: its requests skip the plugin.
    pub(crate) at: Option<(VmId, u32)>,
    /// When it was loaded, in nanoseconds of Unix time.
    pub(crate) loaded: u64,
}

/// A plugin as it is installed.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) handles: Vec<Handle>,
    /// On the main thread, if it has VMs.
    pub(crate) main: Option<Handle>,
}

/// What a call into a VM gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Called {
    /// Its result.
    pub(crate) result: u32,
    /// The result does not count: a local reply was asked for.
    pub(crate) stopped: bool,
}

/// An embedded proxy.
#[derive(Debug)]
pub struct Proxy {
    pub(crate) world: World,
    pub(crate) vms: BTreeMap<VmId, Vm>,
    pub(crate) last_vm: u64,
    /// Which VM of a worker has which key; failed ones are not in it.
    pub(crate) by_key: HashMap<(usize, VmKey), VmId>,
    /// What a canary said of a configuration (cpp-host `wasm.cc`, `plugin_canary_cache_`).
    pub(crate) canaries: HashMap<(VmKey, String, Vec<u8>), bool>,
    /// Modules of which a worker refused what the canary took; nothing more is loaded from them.
    pub(crate) poisoned: HashSet<VmKey>,
    pub(crate) plugins: Vec<Installed>,
    /// Roots of earlier configurations; they end when their last stream has.
    pub(crate) retiring: Vec<(VmId, u32)>,
    pub(crate) workers: usize,
    /// The main thread has VMs too.
    pub(crate) main_thread: bool,
    pub(crate) fuel_per_call: u64,
    pub(crate) fuel: u64,
    last_stream: u64,
    /// Streams that are over, whose contexts go when everything has settled.
    pub(crate) ended: Vec<u64>,
}

impl Proxy {
    /// Puts a proxy together.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn empty(builder: Builder) -> Self {
        let mut world = World {
            now: builder.now.saturating_mul(NANOS_PER_MILLI),
            node: builder.node,
            clusters: builder.clusters,
            random: builder.seed,
            log_level: builder.log_level,
            ..World::default()
        };
        for (vm_id, key, value) in builder.shared {
            world.shared.set(&vm_id, key, value, 0);
        }
        world.plan.set(builder.faults);
        world.plan.trace = builder.trace.then(Vec::new);
        let workers = builder.workers.max(1);
        let plugins = builder
            .plugins
            .into_iter()
            .map(|plugin| Installed { plugin: Arc::new(plugin), handles: Vec::new(), main: None })
            .collect();
        Self {
            world,
            vms: BTreeMap::new(),
            last_vm: 0,
            by_key: HashMap::new(),
            canaries: HashMap::new(),
            poisoned: HashSet::new(),
            plugins,
            retiring: Vec::new(),
            workers,
            main_thread: builder.main_thread,
            fuel_per_call: builder.fuel_per_call,
            fuel: 0,
            last_stream: 0,
            ended: Vec::new(),
        }
    }

    /// A client opens a stream on a worker (counted from 0; a number too high is taken modulo the number of workers).
    pub fn open(&mut self, worker: usize, attributes: Attributes) -> Stream {
        self.last_stream = self.last_stream.saturating_add(1);
        let mut attributes = attributes;
        if attributes.connection_id == 0 {
            attributes.connection_id = u64::MAX.saturating_sub(self.last_stream);
        }
        let state = StreamState {
            worker: worker.checked_rem(self.workers).unwrap_or_default(),
            attributes,
            started: self.world.now,
            ..StreamState::default()
        };
        self.world.streams.insert(self.last_stream, state);
        Stream(self.last_stream)
    }

    /// The client's headers have come. A second call for one stream does nothing.
    pub fn request_headers(&mut self, stream: Stream, headers: Headers, end_of_stream: bool) {
        self.arrive_headers(stream.0, Way::Request, headers, end_of_stream);
        self.settle();
    }

    /// A part of the client's body has come.
    pub fn request_body(&mut self, stream: Stream, body: &[u8], end_of_stream: bool) {
        self.arrive_data(stream.0, Way::Request, body, end_of_stream);
        self.settle();
    }

    /// The client's trailers have come.
    pub fn request_trailers(&mut self, stream: Stream, trailers: Headers) {
        self.arrive_trailers(stream.0, Way::Request, trailers);
        self.settle();
    }

    /// The upstream's headers have come. They count only when the request has reached it.
    pub fn response_headers(&mut self, stream: Stream, headers: Headers, end_of_stream: bool) {
        self.arrive_headers(stream.0, Way::Response, headers, end_of_stream);
        self.settle();
    }

    /// A part of the upstream's body has come.
    pub fn response_body(&mut self, stream: Stream, body: &[u8], end_of_stream: bool) {
        self.arrive_data(stream.0, Way::Response, body, end_of_stream);
        self.settle();
    }

    /// The upstream's trailers have come.
    pub fn response_trailers(&mut self, stream: Stream, trailers: Headers) {
        self.arrive_trailers(stream.0, Way::Response, trailers);
        self.settle();
    }

    /// The upstream cannot be reached, breaks the connection or takes too long: Envoy's router answers by itself, for example with
    /// 503, `upstream connect error or disconnect/reset before headers. …` and details
    /// `upstream_reset_before_response_started{…}`. Once response headers have gone to the client, the stream is reset.
    pub fn fail_upstream(&mut self, stream: Stream, status: u16, body: &str, details: &str) {
        if self.forwarded(stream).is_some() {
            let reply = Reply {
                status: u32::from(status),
                body: body.as_bytes().to_vec(),
                headers: Headers::new(),
                grpc_status: None,
                details: details.to_owned(),
            };
            self.local_reply(stream.0, &reply);
        }
        self.settle();
    }

    /// The client has gone.
    pub fn reset(&mut self, stream: Stream) {
        if let Some(state) = self.world.streams.get_mut(&stream.0)
            && !state.over
        {
            state.details = Some("downstream_remote_disconnect".to_owned());
        }
        self.reset_stream(stream.0);
        self.settle();
    }

    /// The stream is over and forgotten: what was not complete is as if the client had gone.
    pub fn finish(&mut self, stream: Stream) {
        self.reset(stream);
        self.world.streams.remove(&stream.0);
    }

    /// Whether a VM has trapped, or is not there any more.
    pub(crate) fn is_failed(&self, vm: VmId) -> bool {
        self.vms.get(&vm).is_none_or(|vm| vm.own().failed)
    }

    /// Whether a VM exports a callback.
    pub(crate) fn exports(&self, vm: VmId, name: &str) -> bool {
        self.vms.get(&vm).is_some_and(|vm| vm.exports(name))
    }

    /// Calls into a VM; `None` when it does not export that. What the callback deferred waits for [`Self::after`].
    pub(crate) fn call(
        &mut self,
        vm: VmId,
        name: &'static str,
        context: u32,
        arguments: &[u32],
    ) -> Option<Called> {
        let instance = self.vms.get_mut(&vm)?;
        if !instance.exports(name) {
            return None;
        }
        let failed_before = instance.own().failed;
        let returned = instance.call(&mut self.world, name, context, arguments, self.fuel_per_call);
        self.fuel = self.fuel.saturating_add(returned.fuel);
        let own = instance.own_mut();
        let called = Called { result: returned.result, stopped: own.stop };
        if own.failed && !failed_before {
            let text = own.failure.clone().unwrap_or_default();
            let worker = own.worker;
            self.world.write(LogLevel::Error, "", worker, text.as_bytes());
            // So that the next plugin or reload gets a new one (cpp-host `src/wasm.cc`, `getOrCreateThreadLocalWasm`).
            self.by_key.retain(|_, known| *known != vm);
        }
        Some(called)
    }

    /// Does what callbacks of a VM have deferred (cpp-host `context.cc`, `~DeferAfterCallActions`).
    pub(crate) fn after(&mut self, vm: VmId) {
        if let Some(instance) = self.vms.get_mut(&vm) {
            instance.own_mut().stop = false;
        }
        while let Some(action) = self.vms.get_mut(&vm).and_then(|vm| vm.own_mut().after.pop_front()) {
            match action {
                AfterCall::Continue { stream, filter, way } => self.resume(stream, filter, way),
                AfterCall::Reset { stream } => self.reset_stream(stream),
                AfterCall::Reply { stream, reply } => self.local_reply(stream, &reply),
                AfterCall::HttpAnswered { root } => self.with_root(vm, root, |root| root.http = None),
                AfterCall::GrpcReceived { root } => self.with_root(vm, root, |root| root.grpc = None),
                AfterCall::StatusRead { root } => {
                    self.with_root(vm, root, |root| root.status_message.clear())
                }
                AfterCall::GrpcUnstarted { root, token } => {
                    self.grpc_closed(vm, root, token, (UNAVAILABLE, "Cluster not available"));
                }
                AfterCall::FinishShutdown => self.finish_shutdown(vm),
            }
        }
    }

    /// Changes a root, when it is there.
    pub(crate) fn with_root(&mut self, vm: VmId, root: u32, change: impl FnOnce(&mut crate::root::Root)) {
        if let Some(root) = self.vms.get_mut(&vm).and_then(|vm| vm.own_mut().root_mut(root)) {
            change(root);
        }
    }
}
