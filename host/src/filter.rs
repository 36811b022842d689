//! A plugin's filter on a stream: which callback runs when, what the plugin's result means, what a failed VM does.
//!
//! cpp-host `src/context.cc` (`onRequestHeaders` and its kin, `CHECK_FAIL_HTTP`, `convertVmCallResultTo…`) and Envoy
//! `source/extensions/common/wasm/context.cc` (`decodeHeaders` and its kin).

use crate::FailurePolicy;
use crate::chain::Verdict;
use crate::proxy::Proxy;
use crate::stream::{BodyView, Filter, Way};
use crate::vm::{Context, Reply, VmId};

/// The gRPC status of a failed VM: unavailable.
const UNAVAILABLE: u32 = 14;

/// What a header callback may answer besides 0 (cpp-host `context_interface.h`, `FilterHeadersStatus`).
const HEADERS_STOP: u32 = 1;
const HEADERS_STOP_ALL: [u32; 2] = [3, 4];
const HEADERS_MAX: u32 = 4;

/// Where a filter is.
#[derive(Debug, Clone, Copy)]
struct At {
    vm: Option<VmId>,
    context: u32,
}

impl Proxy {
    /// The filters of a stream come into being with its headers (Envoy `wasm.cc`, `PluginConfig::createContext`).
    pub(crate) fn create_filters(&mut self, stream: u64) {
        let Some(worker) = self.world.streams.get(&stream).map(|state| state.worker) else { return };
        for place in 0..self.plugins.len() {
            let filter = self.create_filter(stream, place, worker);
            if let Some(state) = self.world.streams.get_mut(&stream) {
                state.filters.push(filter);
            }
        }
    }

    fn create_filter(&mut self, stream: u64, place: usize, worker: usize) -> Filter {
        let policy = self.plugins.get(place).map(|installed| installed.plugin.failure_policy);
        let Some((vm, root)) = self.handle(place, worker).and_then(|handle| handle.at) else {
            return Filter { absent: true, ..Filter::default() };
        };
        if self.is_failed(vm) {
            let absent = policy == Some(FailurePolicy::Open);
            return Filter { absent, root, ..Filter::default() };
        }
        let mut context = 0;
        if let Some(instance) = self.vms.get_mut(&vm) {
            let own = instance.own_mut();
            context = own.allocate_context();
            own.contexts.insert(context, Context::Stream { stream, filter: place, root });
        }
        Filter { vm: Some(vm), root, context, ..Filter::default() }
    }

    fn filter(&mut self, stream: u64, filter: usize) -> Option<&mut Filter> {
        self.world.streams.get_mut(&stream)?.filters.get_mut(filter)
    }

    fn at(&self, stream: u64, filter: usize) -> At {
        let filter = self.world.streams.get(&stream).and_then(|state| state.filters.get(filter));
        filter.map_or(At { vm: None, context: 0 }, |filter| At { vm: filter.vm, context: filter.context })
    }

    /// Whether a filter can be called; if not, its stream is refused (`CHECK_FAIL_HTTP`). Under the policy `Open` too: only
    /// requests that begin later pass by, since the policy is asked for when their filter is created.
    fn is_fit(&mut self, stream: u64, filter: usize) -> bool {
        if self.at(stream, filter).vm.is_some_and(|vm| !self.is_failed(vm)) {
            return true;
        }
        let Some(known) = self.filter(stream, filter) else { return false };
        if !known.failed {
            known.failed = true;
            if !known.failure_replied {
                known.failure_replied = true;
                let reply = Reply {
                    status: 503,
                    body: Vec::new(),
                    headers: Vec::new(),
                    grpc_status: Some(UNAVAILABLE),
                    details: "wasm_fail_stream".to_owned(),
                };
                self.local_reply(stream, &reply);
            }
        }
        false
    }

    /// `onCreate`.
    fn create(&mut self, stream: u64, filter: usize) {
        let Some(known) = self.filter(stream, filter) else { return };
        if known.created {
            return;
        }
        known.created = true;
        let (vm, context, root) = (known.vm, known.context, known.root);
        if let Some(vm) = vm.filter(|vm| !self.is_failed(*vm)) {
            self.call(vm, "proxy_on_context_create", context, &[context, root]);
            self.after(vm);
        }
    }

    /// A callback that answers how the stream goes on; `None` is one that the module does not export.
    fn ask(
        &mut self,
        stream: u64,
        filter: usize,
        callback: &'static str,
        arguments: &[u32],
        (stop, meaning): (Verdict, impl FnOnce(u32) -> Verdict),
    ) -> Verdict {
        if !self.is_fit(stream, filter) {
            return stop;
        }
        let At { vm: Some(vm), context } = self.at(stream, filter) else { return stop };
        let mut all = vec![context];
        all.extend_from_slice(arguments);
        let Some(called) = self.call(vm, callback, context, &all) else { return Verdict::Continue };
        let fit = self.is_fit(stream, filter);
        let verdict = if fit && !called.stopped { meaning(called.result) } else { stop };
        self.after(vm);
        verdict
    }

    /// `decodeHeaders`, `encodeHeaders`.
    pub(crate) fn filter_headers(&mut self, stream: u64, filter: usize, way: Way, end: bool) -> Verdict {
        let Some(known) = self.filter(stream, filter) else { return Verdict::Stop };
        if known.absent || (way == Way::Response && (!known.created || known.failure_replied)) {
            return Verdict::Continue;
        }
        if way == Way::Request {
            self.create(stream, filter);
        }
        let Some(known) = self.filter(stream, filter) else { return Verdict::Stop };
        known.side_mut(way).headers = true;
        known.end_of_stream = end;
        let map = self.world.streams.get(&stream).and_then(|state| state.half(way).headers.as_ref());
        let count = size(map.map_or(0, crate::header_map::HeaderMap::len));
        let single = self
            .plugins
            .get(filter)
            .is_some_and(|installed| installed.plugin.allow_on_headers_stop_iteration);
        let callback = match way {
            Way::Request => "proxy_on_request_headers",
            Way::Response => "proxy_on_response_headers",
        };
        let meaning = |result| match result {
            HEADERS_STOP if single => Verdict::Stop,
            HEADERS_STOP => Verdict::StopAll,
            other if other > HEADERS_MAX || HEADERS_STOP_ALL.contains(&other) => Verdict::StopAll,
            _ => Verdict::Continue,
        };
        let verdict =
            self.ask(stream, filter, callback, &[count, u32::from(end)], (Verdict::StopAll, meaning));
        if verdict == Verdict::Continue
            && let Some(known) = self.filter(stream, filter)
        {
            known.side_mut(way).headers = false;
        }
        verdict
    }

    /// `decodeData`, `encodeData`.
    pub(crate) fn filter_data(&mut self, stream: u64, filter: usize, way: Way, end: bool) -> Verdict {
        let Some(known) = self.filter(stream, filter) else { return Verdict::Stop };
        if known.absent || !known.created || (way == Way::Response && known.failure_replied) {
            return Verdict::Continue;
        }
        let buffering = known.side(way).buffering;
        if buffering {
            self.keep(stream, way);
        }
        let Some(known) = self.filter(stream, filter) else { return Verdict::Stop };
        known.side_mut(way).body = BodyView::Chunk;
        known.end_of_stream = end;
        let Some(half) = self.world.streams.get(&stream).map(|state| state.half(way)) else {
            return Verdict::Stop;
        };
        let count = if buffering { half.buffered.as_ref().map_or(0, Vec::len) } else { half.chunk.len() };
        let callback = match way {
            Way::Request => "proxy_on_request_body",
            Way::Response => "proxy_on_response_body",
        };
        // StopIterationAndBuffer, StopIterationAndWatermark, StopIterationNoBuffer.
        let meaning = |result| match result {
            0 => Verdict::Continue,
            1 | 2 => Verdict::StopAndBuffer,
            _ => Verdict::Stop,
        };
        let mut buffers = false;
        let meaning = |result| {
            buffers = result == 1;
            meaning(result)
        };
        let verdict =
            self.ask(stream, filter, callback, &[size(count), u32::from(end)], (Verdict::Stop, meaning));
        if let Some(known) = self.filter(stream, filter) {
            let side = known.side_mut(way);
            side.buffering = verdict == Verdict::StopAndBuffer && buffers;
            if verdict == Verdict::Continue {
                side.body = BodyView::None;
            }
        }
        verdict
    }

    /// `decodeTrailers`, `encodeTrailers`.
    pub(crate) fn filter_trailers(&mut self, stream: u64, filter: usize, way: Way) -> Verdict {
        let Some(known) = self.filter(stream, filter) else { return Verdict::Stop };
        if known.absent || !known.created || (way == Way::Response && known.failure_replied) {
            return Verdict::Continue;
        }
        known.side_mut(way).trailers = true;
        let map = self.world.streams.get(&stream).and_then(|state| state.half(way).trailers.as_ref());
        let count = size(map.map_or(0, crate::header_map::HeaderMap::len));
        let callback = match way {
            Way::Request => "proxy_on_request_trailers",
            Way::Response => "proxy_on_response_trailers",
        };
        let meaning = |result| if result == 0 { Verdict::Continue } else { Verdict::Stop };
        let verdict = self.ask(stream, filter, callback, &[count], (Verdict::Stop, meaning));
        if verdict == Verdict::Continue
            && let Some(known) = self.filter(stream, filter)
        {
            known.side_mut(way).trailers = false;
        }
        verdict
    }

    /// The log phase of a filter (Envoy `context.cc`, `log`): a context that never saw headers comes into being now.
    pub(crate) fn filter_log(&mut self, stream: u64, filter: usize) {
        if self.filter(stream, filter).is_none_or(|known| known.absent) {
            return;
        }
        self.create(stream, filter);
        if let Some(known) = self.filter(stream, filter) {
            known.logging = true;
        }
        self.tell(stream, filter, "proxy_on_log");
        if let Some(known) = self.filter(stream, filter) {
            known.logging = false;
        }
    }

    /// The end of a filter (Envoy `context.cc`, `onDestroy`): whatever `proxy_on_done` answers, delete follows.
    pub(crate) fn filter_destroy(&mut self, stream: u64, filter: usize) {
        let Some(known) = self.filter(stream, filter) else { return };
        if known.absent || known.destroyed || !known.created {
            return;
        }
        known.destroyed = true;
        self.tell(stream, filter, "proxy_on_done");
        self.tell(stream, filter, "proxy_on_delete");
    }

    /// A callback whose answer does not matter; a failed VM is not called.
    fn tell(&mut self, stream: u64, filter: usize, callback: &'static str) {
        let At { vm: Some(vm), context } = self.at(stream, filter) else { return };
        if !self.is_failed(vm) {
            self.call(vm, callback, context, &[context]);
            self.after(vm);
        }
    }
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
