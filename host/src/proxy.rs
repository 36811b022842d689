//! The proxy: workers, streams and a clock that the caller moves.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::{
    Attributes, Builder, Callout, CalloutAnswer, CalloutId, Faults, Headers, LocalReply, LogLine, Message,
    Progress, StartError, VmState,
};

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

/// An embedded proxy.
#[derive(Debug)]
pub struct Proxy {
    now: u64,
}

impl Proxy {
    /// Puts a proxy together.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn start(builder: Builder) -> Result<Self, StartError> {
        Ok(Self { now: builder.now })
    }

    /// Gives a plugin (by its place in the chain) another configuration: the canary first, then each worker.
    ///
    /// # Errors
    /// It refused, or its canary trapped; what was configured before stays.
    pub fn configure(&mut self, _plugin: usize, _configuration: &[u8]) -> Result<(), Refused> {
        Ok(())
    }

    /// A client opens a stream on a worker.
    pub fn open(&mut self, _worker: usize, _attributes: Attributes) -> Stream {
        Stream(0)
    }

    /// The client's headers have come.
    pub fn request_headers(&mut self, _stream: Stream, _headers: Headers, _end_of_stream: bool) {}

    /// A part of the client's body has come.
    pub fn request_body(&mut self, _stream: Stream, _body: &[u8], _end_of_stream: bool) {}

    /// The client's trailers have come.
    pub fn request_trailers(&mut self, _stream: Stream, _trailers: Headers) {}

    /// The upstream's headers have come.
    pub fn response_headers(&mut self, _stream: Stream, _headers: Headers, _end_of_stream: bool) {}

    /// A part of the upstream's body has come.
    pub fn response_body(&mut self, _stream: Stream, _body: &[u8], _end_of_stream: bool) {}

    /// The upstream's trailers have come.
    pub fn response_trailers(&mut self, _stream: Stream, _trailers: Headers) {}

    /// The client has gone.
    pub fn reset(&mut self, _stream: Stream) {}

    /// The stream is over and forgotten: what was not complete is as if the client had gone.
    pub fn finish(&mut self, _stream: Stream) {}

    /// Where a stream stands.
    pub fn progress(&self, _stream: Stream) -> Progress {
        Progress::Gone
    }

    /// What has reached the upstream.
    pub fn forwarded(&self, _stream: Stream) -> Option<&Message> {
        None
    }

    /// What has reached the client: the upstream's response or a local reply.
    pub fn responded(&self, _stream: Stream) -> Option<&Message> {
        None
    }

    /// The local reply, when there was one.
    pub fn replied(&self, _stream: Stream) -> Option<&LocalReply> {
        None
    }

    /// The filter state that plugins have set on a stream, by key without the prefix `wasm.`.
    pub fn filter_state(&self, _stream: Stream, _key: &str) -> Option<&[u8]> {
        None
    }

    /// The callouts that wait for an answer, oldest first.
    pub fn callouts(&self) -> Vec<Callout> {
        Vec::new()
    }

    /// Answers a callout. `false`: it is not open any more, or the answer is of another kind.
    pub fn answer(&mut self, _id: CalloutId, _answer: CalloutAnswer) -> bool {
        false
    }

    /// Moves the clock; ticks and timeouts happen in order of time.
    pub fn advance(&mut self, by: Duration) {
        self.now = self.now.saturating_add(u64::try_from(by.as_millis()).unwrap_or(u64::MAX));
    }

    /// What time it is, in milliseconds of Unix time.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// When something happens next on its own (a tick, a timeout), in milliseconds of Unix time.
    pub fn next_event(&self) -> Option<u64> {
        None
    }

    /// The log so far.
    pub fn log(&self) -> &[LogLine] {
        &[]
    }

    /// The log so far, taken out.
    pub fn take_log(&mut self) -> Vec<LogLine> {
        Vec::new()
    }

    /// A counter, by the name that the plugin gave it.
    pub fn counter(&self, _name: &str) -> Option<u64> {
        None
    }

    /// A gauge, by the name that the plugin gave it.
    pub fn gauge(&self, _name: &str) -> Option<u64> {
        None
    }

    /// All counters.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    /// How often each host function was called since the start or the last reset.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::new()
    }

    /// How many host calls there were since the start or the last reset.
    pub fn total_calls(&self) -> u64 {
        0
    }

    /// How much fuel the VMs have used since the start or the last reset.
    pub fn fuel(&self) -> u64 {
        0
    }

    /// Host-call counts and fuel begin anew.
    pub fn reset_counts(&mut self) {}

    /// Replaces the plan of faults; its counting begins now.
    pub fn set_faults(&mut self, _faults: Faults) {}

    /// A value of the shared data and its CAS number.
    pub fn shared_data(&self, _vm_id: &str, _key: &[u8]) -> Option<(Vec<u8>, u32)> {
        None
    }

    /// How a plugin's VM on a worker is.
    pub fn vm_state(&self, _worker: usize, _plugin: usize) -> VmState {
        VmState::Running
    }
}
