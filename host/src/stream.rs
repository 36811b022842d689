//! What is known of one stream, and of each plugin's filter on it.

use crate::header_map::HeaderMap;
use crate::property::FilterState;
use crate::vm::VmId;
use crate::{Attributes, LocalReply, Message};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Towards the upstream.
    Request,
    /// Towards the client.
    Response,
}

/// Where a filter's iteration stands (Envoy `filter_manager.h`, `IterationState`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Iteration {
    /// It goes on.
    #[default]
    Continue,
    /// This kind of frame stops here; the next kind still comes.
    StopSingle,
    /// Nothing comes until the filter continues.
    StopAll,
}

/// What `buffer 0` and `buffer 1` are for a filter (Envoy `context.cc`, `getBuffer`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum BodyView {
    /// There is none.
    #[default]
    None,
    /// The piece that is just coming.
    Chunk,
}

/// One way of one filter.
#[derive(Debug, Clone, Default)]
pub(crate) struct Side {
    /// Where its iteration stands.
    pub(crate) iteration: Iteration,
    /// `iterate_from_current_filter_`.
    pub(crate) from_current: bool,
    /// `headers_continued_`.
    pub(crate) headers_continued: bool,
    /// `end_stream_`: it has seen the end.
    pub(crate) end: bool,
    /// The header map is not null.
    pub(crate) headers: bool,
    /// The trailer map is not null.
    pub(crate) trailers: bool,
    /// Its body buffer.
    pub(crate) body: BodyView,
    /// `buffering_request_body_`, `buffering_response_body_`.
    pub(crate) buffering: bool,
}

/// One plugin's filter on a stream (Envoy `context.h`, a stream's `Context`).
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// The filter was not added to the chain: an open plugin whose VM has failed.
    pub(crate) absent: bool,
    /// Its VM; `None` is one that failed before.
    pub(crate) vm: Option<VmId>,
    /// Its root context.
    pub(crate) root: u32,
    /// Its own context; 0 before there is one.
    pub(crate) context: u32,
    /// `in_vm_context_created_`.
    pub(crate) created: bool,
    /// `destroyed_`.
    pub(crate) destroyed: bool,
    /// `stream_failed_`.
    pub(crate) failed: bool,
    /// `failure_local_reply_sent_`.
    pub(crate) failure_replied: bool,
    /// `end_of_stream_`.
    pub(crate) end_of_stream: bool,
    /// `access_log_phase_`.
    pub(crate) logging: bool,
    /// Towards the upstream.
    pub(crate) request: Side,
    /// Towards the client.
    pub(crate) response: Side,
}

impl Filter {
    /// One way.
    pub(crate) const fn side(&self, way: Way) -> &Side {
        match way {
            Way::Request => &self.request,
            Way::Response => &self.response,
        }
    }

    /// One way.
    pub(crate) const fn side_mut(&mut self, way: Way) -> &mut Side {
        match way {
            Way::Request => &mut self.request,
            Way::Response => &mut self.response,
        }
    }
}

/// One way of a stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Half {
    /// Headers that have come.
    pub(crate) headers: Option<HeaderMap>,
    /// Trailers that have come, or were added.
    pub(crate) trailers: Option<HeaderMap>,
    /// The piece of the body that is on its way through the filters.
    pub(crate) chunk: Vec<u8>,
    /// The piece is what was buffered.
    pub(crate) chunk_is_buffer: bool,
    /// What filters have buffered.
    pub(crate) buffered: Option<Vec<u8>>,
    /// The sender has ended.
    pub(crate) complete: bool,
    /// A filter's callback runs (`filter_call_state_`).
    pub(crate) calling: bool,
    /// A local reply has ended the iteration.
    pub(crate) aborted: bool,
    /// What has left the chain.
    pub(crate) out: Option<Message>,
}

/// A local reply before it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prepared {
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

/// One stream.
#[derive(Debug, Default)]
pub(crate) struct StreamState {
    /// On which worker.
    pub(crate) worker: usize,
    /// What its connection says.
    pub(crate) attributes: Attributes,
    /// When it began, in nanoseconds of Unix time.
    pub(crate) started: u64,
    /// When its log phase began.
    pub(crate) completed: Option<u64>,
    /// Bytes of body that came from the client.
    pub(crate) received: u64,
    /// Towards the upstream.
    pub(crate) request: Half,
    /// Towards the client.
    pub(crate) response: Half,
    /// A filter for each plugin.
    pub(crate) filters: Vec<Filter>,
    /// State that lives as long as the stream.
    pub(crate) state: FilterState,
    /// `local_complete_`.
    pub(crate) local_complete: bool,
    /// `remote_encode_complete_`.
    pub(crate) encode_complete: bool,
    /// `non_100_response_headers_encoded_`.
    pub(crate) headers_encoded: bool,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub(crate) details: Option<String>,
    /// A reply that waits for the callback to return.
    pub(crate) prepared: Option<Prepared>,
    /// There was a local reply, with this gRPC status.
    pub(crate) replied: Option<Option<u32>>,
    /// The reply as the client got it.
    pub(crate) reply: Option<LocalReply>,
    /// It is over: log, done and delete are due or done.
    pub(crate) over: bool,
    /// They are done.
    pub(crate) buried: bool,
    /// It was reset, or the client has gone.
    pub(crate) gone: bool,
}

impl StreamState {
    /// One way.
    pub(crate) const fn half(&self, way: Way) -> &Half {
        match way {
            Way::Request => &self.request,
            Way::Response => &self.response,
        }
    }

    /// One way.
    pub(crate) const fn half_mut(&mut self, way: Way) -> &mut Half {
        match way {
            Way::Request => &mut self.request,
            Way::Response => &mut self.response,
        }
    }

    /// Whether the client speaks gRPC (Envoy `source/common/grpc/common.cc`, `hasGrpcContentType`).
    pub(crate) fn is_grpc(&self) -> bool {
        let kind = self.request.headers.as_ref().and_then(|headers| headers.get(b"content-type"));
        let Some(rest) = kind.and_then(|kind| kind.strip_prefix(b"application/grpc")) else { return false };
        matches!(rest.first(), None | Some(b'+'))
    }

    /// Whether the client asked for headers only.
    pub(crate) fn is_head(&self) -> bool {
        self.request.headers.as_ref().and_then(|headers| headers.get(b":method")) == Some(b"HEAD")
    }
}
