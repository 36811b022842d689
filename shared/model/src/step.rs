//! What a stage says next: it is done, or it asks.

use crate::{Headers, UnixMillis, Verdict};

/// Which request of this worker: the proxy's own number for the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RequestId(pub u32);

/// Which question of a stage an answer belongs to; the stage chooses it and it means nothing to anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What a stage says next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Decided.
    Done(Verdict),
    /// Something from outside is needed first; the request is parked until it comes or the deadline passes.
    Ask(Question, Waiting),
    /// A question that is under way already will tell; the request is parked like one that asks.
    Wait(Waiting),
}

/// A question is transport only: the stage builds its bytes and parses the answer, the adapter moves them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// An HTTP call to a cluster of the proxy.
    Http {
        /// The cluster's name in the proxy.
        cluster: String,
        /// All headers, `:method`, `:path` and `:authority` included.
        headers: Vec<(Vec<u8>, Vec<u8>)>,
        /// The request's body.
        body: Vec<u8>,
        /// How long the call may take, in milliseconds.
        timeout_millis: u32,
        /// The longest body that is read, in bytes; a longer one is an [`Answer::TooLarge`].
        max_body_bytes: u32,
    },
    /// A unary gRPC call to a cluster of the proxy.
    Grpc {
        /// The cluster's name in the proxy.
        cluster: String,
        /// The service's full name.
        service: String,
        /// The method's name.
        method: String,
        /// The encoded message.
        message: Vec<u8>,
        /// How long the call may take, in milliseconds.
        timeout_millis: u32,
        /// The longest message that is read, in bytes; a longer one is an [`Answer::TooLarge`].
        max_message_bytes: u32,
    },
}

/// What a parked request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The question whose answer lets it go on.
    pub ticket: Ticket,
    /// When it is too late: the stage then gets [`Answer::TimedOut`] for this request, and unless it decides, the request is
    /// refused. At most [`Waiting::MAX_MILLIS`] from now.
    pub deadline: UnixMillis,
}

impl Waiting {
    /// The longest that a request is parked for one answer, in milliseconds; a later deadline counts as this.
    pub const MAX_MILLIS: u64 = 60_000;

    /// Until `ticket` is answered, `millis` from now at the most.
    pub const fn on(ticket: Ticket, now: UnixMillis, millis: u64) -> Self {
        Self { ticket, deadline: UnixMillis(now.0.saturating_add(millis)) }
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP response, whole. Envoy answers a call that timed out with a 504 of its own, and one that found nobody with a 503.
    Http {
        /// The response's status.
        status: u16,
        /// The response's headers, `:status` included.
        headers: Headers,
        /// The response's body.
        body: Vec<u8>,
    },
    /// A gRPC message with status 0.
    Grpc {
        /// The encoded message.
        message: Vec<u8>,
    },
    /// No answer: the call could not be started, was refused, reset or timed out, or ended with a gRPC status other than 0.
    Failed,
    /// The answer was longer than the question allows.
    TooLarge,
    /// The deadline of a parked request has passed. The question may still be under way, and others may wait for it.
    TimedOut,
}
