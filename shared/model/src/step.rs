//! What a stage says next: it is done, or it asks.

use crate::{Headers, StageId, UnixMillis, Verdict};

/// Which request of this worker: the proxy's own number for the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RequestId(pub u32);

/// Which question of a stage an answer belongs to; the stage chooses the number and it means nothing to anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket {
    /// Whose question it is.
    pub stage: StageId,
    /// Which.
    pub number: u64,
}

impl Ticket {
    /// A stage's ticket.
    pub const fn new(stage: StageId, number: u64) -> Self {
        Self { stage, number }
    }
}

/// The state of a slot of shared data, as a write expects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cas(pub u32);

impl Cas {
    /// There is nothing in the slot yet.
    pub const ABSENT: Self = Self(u32::MAX);
}

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
    /// Reads a slot of the proxy's shared data. Answered at once.
    Load {
        /// The slot's name.
        slot: String,
    },
    /// Writes a slot of the proxy's shared data, if it is still as it was read. Answered at once.
    Store {
        /// The slot's name.
        slot: String,
        /// What it shall hold.
        value: Vec<u8>,
        /// What [`Answer::Loaded`] said of it.
        expected: Cas,
    },
    /// Calls a function that the proxy has beside the ABI. Answered at once.
    Call {
        /// The function's name.
        function: &'static str,
        /// Its encoded argument.
        argument: Vec<u8>,
    },
}

impl Question {
    /// Whether the answer is there at once: nothing is parked, and nothing is under way.
    pub const fn is_immediate(&self) -> bool {
        match self {
            Self::Http { .. } | Self::Grpc { .. } => false,
            Self::Load { .. } | Self::Store { .. } | Self::Call { .. } => true,
        }
    }
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
    /// What a slot of shared data holds.
    Loaded {
        /// Its bytes; `None` when there is no such slot. Any plugin of the proxy may have written them.
        value: Option<Vec<u8>>,
        /// What a write must expect; [`Cas::ABSENT`] when there is no such slot.
        cas: Cas,
    },
    /// Whether a slot of shared data was written; `false` when somebody else has written it since it was read.
    Stored(bool),
    /// What a function of the proxy gave.
    Called {
        /// Its encoded result.
        result: Vec<u8>,
    },
    /// No answer: the call could not be started, was refused, reset or timed out, or ended with a gRPC status other than 0.
    Failed,
    /// The answer was longer than the question allows.
    TooLarge,
    /// The deadline of a parked request has passed. The question may still be under way, and others may wait for it.
    TimedOut,
}
