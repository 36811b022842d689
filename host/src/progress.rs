//! Where a stream stands, and what a proxy wrote.

use crate::{Headers, Message};

/// Where a stream stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A plugin holds it (or its headers have not come yet).
    Paused,
    /// The request has reached the upstream, whose answer is not there yet.
    Forwarded(Message),
    /// A plugin, or the host for a failed one, answered in the upstream's place.
    Replied(LocalReply),
    /// The upstream's response has reached the client, at least its headers.
    Responded(Message),
    /// The client has gone, the stream was reset, or it is finished and forgotten.
    Gone,
}

/// An answer in the upstream's place, as the client gets it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalReply {
    /// The HTTP status; 200 for gRPC callers.
    pub status: u16,
    /// All headers, `:status` among them.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub details: String,
    /// The gRPC status, for gRPC callers.
    pub grpc_status: Option<u32>,
}

/// How grave a log line is; the numbers are the ABI's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything.
    Trace = 0,
    /// For its authors.
    Debug = 1,
    /// Worth knowing.
    Info = 2,
    /// Worth looking at.
    Warn = 3,
    /// Something failed.
    Error = 4,
    /// The plugin cannot go on.
    Critical = 5,
}

/// One line of the proxy's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How grave.
    pub level: LogLevel,
    /// The plugin's name; empty for lines of the host itself.
    pub plugin: String,
    /// On which worker; `None` is the main thread (the first VM and the canary).
    pub worker: Option<usize>,
    /// What it says; bytes that are no UTF-8 are replaced.
    pub text: String,
}

/// How a worker's VM is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VmState {
    /// It runs.
    Running,
    /// It trapped, or could not start.
    Failed,
}
