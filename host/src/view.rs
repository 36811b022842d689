//! What can be seen of a proxy: where streams stand, what plugins left, what it cost.

use std::collections::BTreeMap;

use crate::proxy::{Proxy, Stream};
use crate::stream::{Half, Way};
use crate::world::NANOS_PER_MILLI;
use crate::{Faults, LocalReply, LogLine, Message, Progress, VmState, property};

impl Proxy {
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
}
