//! Calls that plugins start, and what the caller answers.

use crate::Headers;
use crate::vm::VmId;

/// Names an open callout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalloutId(pub(crate) u64);

/// A call that a plugin started and that was not answered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callout {
    /// Its name.
    pub id: CalloutId,
    /// On which worker.
    pub worker: usize,
    /// Which plugin of the chain.
    pub plugin: usize,
    /// What is called.
    pub kind: CalloutKind,
    /// When it times out, in milliseconds of Unix time; `None` is never.
    pub deadline: Option<u64>,
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalloutKind {
    /// An HTTP request.
    Http {
        /// Envoy's cluster.
        cluster: String,
        /// Its headers, `content-length` as Envoy adds it.
        headers: Headers,
        /// Its body.
        body: Vec<u8>,
        /// Its trailers.
        trailers: Headers,
    },
    /// A unary gRPC call.
    Grpc {
        /// Envoy's cluster.
        cluster: String,
        /// The fully qualified service.
        service: String,
        /// The method.
        method: String,
        /// Headers that the plugin adds.
        initial_metadata: Headers,
        /// The request message, without the five-byte frame header.
        message: Vec<u8>,
    },
    /// A gRPC stream.
    GrpcStream {
        /// Envoy's cluster.
        cluster: String,
        /// The fully qualified service.
        service: String,
        /// The method.
        method: String,
        /// Headers that the plugin adds.
        initial_metadata: Headers,
        /// What was sent so far.
        messages: Vec<Vec<u8>>,
        /// Whether the plugin has ended its side.
        ended: bool,
    },
}

/// What the caller answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalloutAnswer {
    /// An HTTP response; `:status` is among the headers.
    Http {
        /// Its headers.
        headers: Headers,
        /// Its body.
        body: Vec<u8>,
        /// Its trailers.
        trailers: Option<Headers>,
    },
    /// The response message of a gRPC call, or one message of a stream.
    Grpc {
        /// Its bytes.
        message: Vec<u8>,
    },
    /// The first headers of a gRPC stream.
    GrpcInitialMetadata {
        /// All of them.
        metadata: Headers,
    },
    /// The trailers of a gRPC stream; its end follows.
    GrpcTrailingMetadata {
        /// All of them.
        metadata: Headers,
    },
    /// A gRPC call failed, or a stream ended, with this status.
    GrpcStatus {
        /// The gRPC code.
        code: u32,
        /// Its message.
        message: String,
    },
    /// The connection broke: an HTTP call then has no headers, a gRPC call ends with Unavailable.
    Reset,
}

/// A callout as the proxy keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    /// Who started it.
    pub(crate) vm: VmId,
    /// Its root.
    pub(crate) root: u32,
    /// The token that the plugin got.
    pub(crate) token: u32,
    /// On which worker; `None` is the main thread.
    pub(crate) worker: Option<usize>,
    /// Which plugin of the chain.
    pub(crate) plugin: usize,
    /// What is called.
    pub(crate) kind: CalloutKind,
    /// When it times out, in nanoseconds of Unix time.
    pub(crate) deadline: Option<u64>,
    /// A gRPC stream whose other side has ended, and that the plugin has not closed.
    pub(crate) remote_closed: bool,
}
