//! The proxy: workers, streams and a clock that the caller moves.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::stream::{Half, StreamState, Way};
use crate::vm::{AfterCall, Vm, VmId};
use crate::world::World;
use crate::{
    Attributes, Builder, Faults, Headers, LocalReply, LogLevel, LogLine, Message, Plugin, Progress, VmState,
    property,
};

const NANOS_PER_MILLI: u64 = 1_000_000;

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
            .map(|plugin| Installed { plugin: Arc::new(plugin), handles: Vec::new() })
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

    /// Where a stream stands.
    #[must_use]
    pub fn progress(&self, stream: Stream) -> Progress {
        let Some(state) = self.world.streams.get(&stream.0) else { return Progress::Gone };
        if let Some(reply) = &state.reply {
            return Progress::Replied(reply.clone());
        }
        if let Some(out) = &state.response.out {
            return Progress::Responded(out.clone());
        }
        if state.gone {
            return Progress::Gone;
        }
        match &state.request.out {
            // The response is there, and a plugin holds it.
            Some(_) if state.response.headers.is_some() => Progress::Paused,
            Some(out) => Progress::Forwarded(out.clone()),
            None => Progress::Paused,
        }
    }

    fn half(&self, stream: Stream, way: Way) -> Option<&Half> {
        self.world.streams.get(&stream.0).map(|state| state.half(way))
    }

    /// What has reached the upstream.
    #[must_use]
    pub fn forwarded(&self, stream: Stream) -> Option<&Message> {
        self.half(stream, Way::Request)?.out.as_ref()
    }

    /// What has reached the client: the upstream's response or a local reply.
    #[must_use]
    pub fn responded(&self, stream: Stream) -> Option<&Message> {
        self.half(stream, Way::Response)?.out.as_ref()
    }

    /// The local reply, when there was one.
    #[must_use]
    pub fn replied(&self, stream: Stream) -> Option<&LocalReply> {
        self.world.streams.get(&stream.0)?.reply.as_ref()
    }

    /// `%RESPONSE_CODE_DETAILS%` of a stream.
    #[must_use]
    pub fn details(&self, stream: Stream) -> Option<&str> {
        self.world.streams.get(&stream.0)?.details.as_deref()
    }

    /// Whether a stream was reset, by either side.
    #[must_use]
    pub fn is_gone(&self, stream: Stream) -> bool {
        self.world.streams.get(&stream.0).is_none_or(|state| state.gone)
    }

    /// The filter state that plugins have set on a stream, by key without the prefix `wasm.`.
    #[must_use]
    pub fn filter_state(&self, stream: Stream, key: &str) -> Option<&[u8]> {
        property::state(&self.world, self.world.streams.get(&stream.0)?, key.as_bytes())
    }

    /// What time it is, in milliseconds of Unix time.
    #[must_use]
    pub const fn now(&self) -> u64 {
        self.world.now.wrapping_div(NANOS_PER_MILLI)
    }

    /// The log so far.
    #[must_use]
    pub fn log(&self) -> &[LogLine] {
        &self.world.log
    }

    /// The log so far, taken out.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        core::mem::take(&mut self.world.log)
    }

    /// A counter, by the name that the plugin gave it.
    #[must_use]
    pub fn counter(&self, name: &str) -> Option<u64> {
        self.world.metrics.counters.get(name).copied()
    }

    /// A gauge, by the name that the plugin gave it.
    #[must_use]
    pub fn gauge(&self, name: &str) -> Option<u64> {
        self.world.metrics.gauges.get(name).copied()
    }

    /// What a histogram was given, in order.
    #[must_use]
    pub fn histogram(&self, name: &str) -> Option<&[u64]> {
        self.world.metrics.histograms.get(name).map(Vec::as_slice)
    }

    /// All counters.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.world.metrics.counters.clone()
    }

    /// How often each host function was called since the start or the last reset.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.world.plan.calls.clone()
    }

    /// How many host calls there were since the start or the last reset.
    #[must_use]
    pub fn total_calls(&self) -> u64 {
        self.world.plan.calls.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Every host call in order, when the builder was asked to keep them.
    #[must_use]
    pub fn trace(&self) -> &[&'static str] {
        self.world.plan.trace.as_deref().unwrap_or_default()
    }

    /// How much fuel the VMs have used since the start or the last reset.
    #[must_use]
    pub const fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Host-call counts, the trace and fuel begin anew.
    pub fn reset_counts(&mut self) {
        self.world.plan.calls.clear();
        if let Some(trace) = &mut self.world.plan.trace {
            trace.clear();
        }
        self.fuel = 0;
    }

    /// Replaces the plan of faults; its counting begins now.
    pub fn set_faults(&mut self, faults: Faults) {
        self.world.plan.set(faults);
    }

    /// Which host functions the plan has made fail, in order.
    #[must_use]
    pub fn faults_happened(&self) -> &[&'static str] {
        &self.world.plan.happened
    }

    /// A value of the shared data and its CAS number.
    #[must_use]
    pub fn shared_data(&self, vm_id: &str, key: &[u8]) -> Option<(Vec<u8>, u32)> {
        self.world.shared.get(vm_id, key).cloned()
    }

    /// How a plugin's VM on a worker is.
    #[must_use]
    pub fn vm_state(&self, worker: usize, plugin: usize) -> VmState {
        let handle = self.plugins.get(plugin).and_then(|plugin| plugin.handles.get(worker));
        match handle.and_then(|handle| handle.at) {
            Some((vm, _)) if !self.is_failed(vm) => VmState::Running,
            Some(_) | None => VmState::Failed,
        }
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
