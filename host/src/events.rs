//! What happens between streams: answers of callouts, timeouts, ticks, queue notices.

use core::time::Duration;

use crate::callout::Open;
use crate::header_map::{HeaderMap, MapKind};
use crate::proxy::Proxy;
use crate::root::HttpAnswer;
use crate::vm::{AfterCall, VmId};
use crate::world::NANOS_PER_MILLI;
use crate::{Callout, CalloutAnswer, CalloutId, CalloutKind, Headers, Status};

/// The gRPC status of a call that timed out or broke: Envoy's client makes one of its own local reply (`httpToGrpcStatus(504)`).
pub(crate) const UNAVAILABLE: u32 = 14;
/// What Envoy's router says when time is up (`source/common/router/router.cc`, `onResponseTimeout`).
const TIMED_OUT: &str = "upstream request timeout";
/// The same as its gRPC client reports it, with the details.
const GRPC_TIMED_OUT: &str = "upstream request timeout{response_timeout}";

/// What happens next on its own.
enum Due {
    /// A root's timer.
    Tick(VmId, u32),
    /// A callout's time is up.
    Timeout(u64),
}

impl Proxy {
    /// The callouts that wait for an answer, oldest first.
    #[must_use]
    pub fn callouts(&self) -> Vec<Callout> {
        let open = self.world.callouts.iter().filter(|(_, open)| !open.remote_closed);
        open.map(|(id, open)| Callout {
            id: CalloutId(*id),
            worker: open.worker.unwrap_or_default(),
            plugin: open.plugin,
            kind: open.kind.clone(),
            deadline: open.deadline.map(|deadline| deadline.wrapping_div(NANOS_PER_MILLI)),
        })
        .collect()
    }

    /// Answers a callout. `false`: it is not open any more, or the answer is of another kind.
    pub fn answer(&mut self, id: CalloutId, answer: CalloutAnswer) -> bool {
        let answered = self.deliver(id.0, answer);
        self.settle();
        answered
    }

    fn deliver(&mut self, id: u64, answer: CalloutAnswer) -> bool {
        let Some(open) = self.world.callouts.get(&id).cloned() else { return false };
        match (&open.kind, answer) {
            (CalloutKind::Http { .. }, CalloutAnswer::Http { headers, body, trailers }) => {
                self.world.callouts.remove(&id);
                self.http_answered(&open, headers, body, trailers);
            }
            (CalloutKind::Http { .. }, CalloutAnswer::Reset) => {
                self.world.callouts.remove(&id);
                self.http_failed(&open);
            }
            (CalloutKind::Grpc { .. }, CalloutAnswer::Grpc { message }) => {
                self.world.callouts.remove(&id);
                self.grpc_received(&open, message);
            }
            (CalloutKind::GrpcStream { .. }, CalloutAnswer::Grpc { message }) if !open.remote_closed => {
                self.grpc_received(&open, message);
            }
            (CalloutKind::GrpcStream { .. }, CalloutAnswer::GrpcInitialMetadata { metadata }) => {
                self.grpc_metadata(&open, metadata, false);
            }
            (CalloutKind::GrpcStream { .. }, CalloutAnswer::GrpcTrailingMetadata { metadata }) => {
                self.grpc_metadata(&open, metadata, true);
            }
            (
                CalloutKind::Grpc { .. } | CalloutKind::GrpcStream { .. },
                CalloutAnswer::GrpcStatus { code, message },
            ) => {
                self.grpc_over(id, &open, code, &message);
            }
            (CalloutKind::Grpc { .. } | CalloutKind::GrpcStream { .. }, CalloutAnswer::Reset) => {
                self.grpc_over(id, &open, UNAVAILABLE, "reset");
            }
            _ => return false,
        }
        true
    }

    /// Envoy `context.cc`, `onHttpCallSuccess`.
    fn http_answered(&mut self, open: &Open, headers: Headers, body: Vec<u8>, trailers: Option<Headers>) {
        let answer = HttpAnswer {
            headers: HeaderMap::of(MapKind::Response, headers),
            body,
            trailers: trailers.map(|trailers| HeaderMap::of(MapKind::Other, trailers)),
        };
        let sizes = [
            size(answer.headers.len()),
            size(answer.body.len()),
            size(answer.trailers.as_ref().map_or(0, HeaderMap::len)),
        ];
        self.with_root(open.vm, open.root, |root| root.http = Some(answer));
        self.deferred(open.vm, AfterCall::HttpAnswered { root: open.root });
        self.http_called_back(open, sizes);
    }

    /// Envoy `context.cc`, `onHttpCallFailure`: no headers, no body, and a status that can be asked for.
    fn http_failed(&mut self, open: &Open) {
        self.with_root(open.vm, open.root, |root| {
            root.status = Status::BrokenConnection.number();
            "reset".clone_into(&mut root.status_message);
        });
        self.deferred(open.vm, AfterCall::StatusRead { root: open.root });
        self.http_called_back(open, [0, 0, 0]);
    }

    fn http_called_back(&mut self, open: &Open, [headers, body, trailers]: [u32; 3]) {
        let arguments = [open.root, open.token, headers, body, trailers];
        self.tell_root(open.vm, "proxy_on_http_call_response", open.root, &arguments);
    }

    /// Envoy `context.cc`, `onGrpcReceiveWrapper`: a call that succeeded is not closed as well.
    fn grpc_received(&mut self, open: &Open, message: Vec<u8>) {
        if !self.exports(open.vm, "proxy_on_grpc_receive") {
            return;
        }
        let length = size(message.len());
        self.with_root(open.vm, open.root, |root| root.grpc = Some(message));
        self.deferred(open.vm, AfterCall::GrpcReceived { root: open.root });
        self.tell_root(open.vm, "proxy_on_grpc_receive", open.root, &[open.root, open.token, length]);
    }

    /// Envoy `context.cc`, `onGrpcReceiveInitialMetadataWrapper`, `onGrpcReceiveTrailingMetadataWrapper`.
    fn grpc_metadata(&mut self, open: &Open, metadata: Headers, trailing: bool) {
        let (kind, callback) = if trailing {
            (MapKind::Other, "proxy_on_grpc_receive_trailing_metadata")
        } else {
            (MapKind::Response, "proxy_on_grpc_receive_initial_metadata")
        };
        let map = HeaderMap::of(kind, metadata);
        let count = size(map.len());
        self.with_root(open.vm, open.root, |root| {
            let place = if trailing { &mut root.grpc_trailing } else { &mut root.grpc_initial };
            *place = Some(map);
        });
        self.tell_root(open.vm, callback, open.root, &[open.root, open.token, count]);
        self.with_root(open.vm, open.root, |root| {
            root.grpc_initial = None;
            root.grpc_trailing = None;
        });
    }

    /// Envoy `context.cc`, `onGrpcCloseWrapper`. A stream that the plugin has not closed stays until it does.
    fn grpc_over(&mut self, id: u64, open: &Open, code: u32, message: &str) {
        let stays = matches!(open.kind, CalloutKind::GrpcStream { ended: false, .. });
        match self.world.callouts.get_mut(&id) {
            Some(known) if stays => known.remote_closed = true,
            Some(_) | None => {
                self.world.callouts.remove(&id);
            }
        }
        self.grpc_closed(open.vm, open.root, open.token, (code, message));
    }

    /// The close callback, with a status that can be asked for.
    pub(crate) fn grpc_closed(&mut self, vm: VmId, root: u32, token: u32, (code, message): (u32, &str)) {
        if !self.exports(vm, "proxy_on_grpc_close") {
            return;
        }
        self.with_root(vm, root, |root| {
            root.status = code;
            message.clone_into(&mut root.status_message);
        });
        self.deferred(vm, AfterCall::StatusRead { root });
        self.tell_root(vm, "proxy_on_grpc_close", root, &[root, token, code]);
    }

    fn deferred(&mut self, vm: VmId, action: AfterCall) {
        if let Some(instance) = self.vms.get_mut(&vm) {
            instance.own_mut().after.push_back(action);
        }
    }

    /// A callback of a root; neither a failed VM nor a root that is gone is called.
    fn tell_root(&mut self, vm: VmId, callback: &'static str, root: u32, arguments: &[u32]) {
        let there = self.vms.get(&vm).is_some_and(|vm| !vm.own().failed && vm.own().root(root).is_some());
        if there && self.call(vm, callback, root, arguments).is_some() {
            self.after(vm);
        }
    }

    /// When something happens next on its own (a tick, a timeout), in milliseconds of Unix time, rounded up.
    #[must_use]
    pub fn next_event(&self) -> Option<u64> {
        self.next_due().map(|(at, _)| at.div_ceil(NANOS_PER_MILLI))
    }

    fn next_due(&self) -> Option<(u64, Due)> {
        let ticks = self.vms.iter().filter(|(_, vm)| !vm.own().failed).flat_map(|(id, vm)| {
            let mut roots: Vec<(u64, Due)> = vm
                .own()
                .contexts
                .keys()
                .filter_map(|context| Some((vm.own().root(*context)?.next_tick?, Due::Tick(*id, *context))))
                .collect();
            roots.sort_by_key(|(at, due)| (*at, matches!(due, Due::Timeout(_))));
            roots
        });
        let timeouts =
            self.world.callouts.iter().filter_map(|(id, open)| Some((open.deadline?, Due::Timeout(*id))));
        timeouts.chain(ticks).min_by_key(|(at, _)| *at)
    }

    /// Moves the clock; ticks and timeouts happen in order of time.
    pub fn advance(&mut self, by: Duration) {
        let until = self.world.now.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX));
        while let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= until) {
            self.world.now = self.world.now.max(at);
            match due {
                Due::Tick(vm, root) => self.tick(vm, root),
                Due::Timeout(id) => self.time_out(id),
            }
            self.settle();
        }
        self.world.now = until;
    }

    /// Envoy `wasm.cc`, `tickHandler`: the timer begins anew when the callback has returned, with the period of that moment.
    fn tick(&mut self, vm: VmId, root: u32) {
        self.with_root(vm, root, |root| root.next_tick = None);
        self.tell_root(vm, "proxy_on_tick", root, &[root]);
        let (now, ticks) = (self.world.now, self.exports(vm, "proxy_on_tick"));
        self.with_root(vm, root, |root| {
            root.next_tick = (ticks && root.period > 0).then(|| now.saturating_add(root.period));
        });
    }

    /// Time is up: Envoy's HTTP client answers itself, with 504; its gRPC client makes Unavailable of that.
    fn time_out(&mut self, id: u64) {
        let Some(open) = self.world.callouts.get(&id) else { return };
        let answer = match open.kind {
            CalloutKind::Http { .. } => CalloutAnswer::Http {
                headers: [(":status", "504"), ("content-length", "24"), ("content-type", "text/plain")]
                    .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
                    .to_vec(),
                body: TIMED_OUT.as_bytes().to_vec(),
                trailers: None,
            },
            CalloutKind::Grpc { .. } | CalloutKind::GrpcStream { .. } => {
                CalloutAnswer::GrpcStatus { code: UNAVAILABLE, message: GRPC_TIMED_OUT.to_owned() }
            }
        };
        self.deliver(id, answer);
    }

    /// What is left when everything that was called has returned: queue notices, contexts of streams that are over, roots that
    /// nothing uses any more.
    pub(crate) fn settle(&mut self) {
        while let Some((listener, token)) = self.world.posted.pop_front() {
            self.tell_root(listener.vm, "proxy_on_queue_ready", listener.context, &[listener.context, token]);
        }
        for stream in core::mem::take(&mut self.ended) {
            let filters = self.world.streams.get(&stream).map(|state| state.filters.as_slice());
            for filter in filters.unwrap_or_default() {
                if let Some(instance) = filter.vm.and_then(|vm| self.vms.get_mut(&vm)) {
                    instance.own_mut().contexts.remove(&filter.context);
                }
            }
        }
        if !self.retiring.is_empty() {
            self.retire();
        }
    }
}

fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
