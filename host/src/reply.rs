//! Local replies, resets, and the end of a stream.
//!
//! Envoy `source/common/http/filter_manager.cc` (`sendLocalReply` and what it calls), `source/common/http/utility.cc`
//! (`prepareLocalReply`), `source/common/http/conn_manager_impl.cc` (`doEndStream`, `doDeferredStreamDestroy`).

use crate::header_map::{HeaderMap, MapKind};
use crate::proxy::Proxy;
use crate::stream::{Prepared, StreamState, Way};
use crate::vm::Reply;
use crate::{LocalReply, Message};

impl Proxy {
    /// A plugin, or the host for a failed one, answers in the upstream's place. While a request callback runs the reply only waits
    /// for its return; once response headers were on their way, it goes to the client past all filters; once they have left, the
    /// stream is reset.
    pub(crate) fn local_reply(&mut self, stream: u64, reply: &Reply) {
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        if state.over {
            return self.would_end(stream, "Envoy 1.40 ends when a plugin replies to a stream that is over");
        }
        if state.request.calling {
            state.request.aborted = true;
        } else if state.response.calling {
            state.response.aborted = true;
        }
        state.details = Some(reply.details.clone());
        if state.response.headers.is_none() {
            if state.prepared.is_none() {
                prepare(state, reply);
            }
            if !state.request.calling {
                self.send_prepared(stream);
            }
        } else if state.headers_encoded {
            self.reset_stream(stream);
        } else {
            state.prepared = None;
            prepare(state, reply);
            self.send_directly(stream);
        }
    }

    /// `executeLocalReplyIfPrepared`: through all filters towards the client, the one that replied among them.
    pub(crate) fn send_prepared(&mut self, stream: u64) {
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        let Some(Prepared { headers, body }) = state.prepared.take() else { return };
        let bare = body.is_empty() || state.is_head();
        state.local_complete = bare;
        state.response.headers = Some(headers);
        state.response.complete = bare;
        self.pass_headers(stream, Way::Response, 0, bare);
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        if bare || state.over {
            return;
        }
        state.local_complete = true;
        state.response.complete = true;
        state.response.chunk = body;
        state.response.chunk_is_buffer = false;
        self.pass_data(stream, Way::Response, 0, true);
    }

    /// `sendDirectLocalReply`.
    fn send_directly(&mut self, stream: u64) {
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        let Some(Prepared { headers, body }) = state.prepared.take() else { return };
        let body = if state.is_head() { Vec::new() } else { body };
        state.response.out =
            Some(Message { headers: headers.entries().clone(), body, trailers: None, complete: true });
        state.response.headers = Some(headers);
        state.headers_encoded = true;
        self.sent(stream, true);
    }

    /// Something has reached the client; at the end the stream is over (`maybeEndEncode`).
    pub(crate) fn sent(&mut self, stream: u64, end: bool) {
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        note_reply(state);
        if end && !state.encode_complete {
            state.encode_complete = true;
            self.bury(stream);
        }
    }

    /// The stream is reset, by whichever side.
    pub(crate) fn reset_stream(&mut self, stream: u64) {
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        if !state.over {
            state.gone = true;
            self.bury(stream);
        }
    }

    /// The end of a stream: all filters log, then each is done and deleted.
    fn bury(&mut self, stream: u64) {
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        if state.over {
            return;
        }
        state.over = true;
        state.completed = Some(self.world.now);
        let filters = state.filters.len();
        for filter in 0..filters {
            self.filter_log(stream, filter);
        }
        if let Some(state) = self.world.streams.get_mut(&stream) {
            state.buried = true;
        }
        for filter in 0..filters {
            self.filter_destroy(stream, filter);
        }
        self.ended.push(stream);
    }
}

/// `prepareLocalReply`.
fn prepare(state: &mut StreamState, reply: &Reply) {
    let mut headers = HeaderMap::new(MapKind::Response);
    headers.add(b":status".to_vec(), reply.status.to_string().into_bytes());
    for (name, value) in &reply.headers {
        headers.add(name.clone(), value.clone());
    }
    let mut body = reply.body.clone();
    let mut grpc_status = None;
    if state.is_grpc() {
        let status = reply.grpc_status.unwrap_or_else(|| grpc_status_of(reply.status));
        headers.set(b":status".to_vec(), b"200".to_vec());
        headers.set(b"content-type".to_vec(), b"application/grpc".to_vec());
        if headers.get(b"grpc-status").is_none_or(<[u8]>::is_empty) {
            headers.set(b"grpc-status".to_vec(), status.to_string().into_bytes());
        }
        let message = body.strip_suffix(b"\n").unwrap_or(&body);
        if !message.is_empty() && headers.get(b"grpc-message").is_none_or(<[u8]>::is_empty) {
            headers.set(b"grpc-message".to_vec(), percent_encoded(message));
        }
        headers.remove(b"content-length");
        body.clear();
        grpc_status = Some(status);
    } else if body.is_empty() {
        headers.remove(b"content-length");
        headers.remove(b"content-type");
    } else {
        headers.set(b"content-length".to_vec(), body.len().to_string().into_bytes());
        if headers.get(b"content-type").is_none() {
            headers.set(b"content-type".to_vec(), b"text/plain".to_vec());
        }
    }
    state.replied = Some(grpc_status);
    state.prepared = Some(Prepared { headers, body });
}

/// The reply as the client has it so far.
fn note_reply(state: &mut StreamState) {
    let (Some(grpc_status), Some(out)) = (state.replied, &state.response.out) else { return };
    let status = out.header(":status").and_then(|status| core::str::from_utf8(status).ok()?.parse().ok());
    state.reply = Some(LocalReply {
        status: status.unwrap_or_default(),
        headers: out.headers.clone(),
        body: out.body.clone(),
        details: state.details.clone().unwrap_or_default(),
        grpc_status,
    });
}

/// Envoy `source/common/grpc/status.cc`, `httpToGrpcStatus`.
pub(crate) const fn grpc_status_of(status: u32) -> u32 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => UNAVAILABLE,
        _ => 2,
    }
}

/// The gRPC status of what is not there for now.
const UNAVAILABLE: u32 = 14;

/// Envoy `source/common/http/utility.cc`, `PercentEncoding::encode`: visible ASCII but `%` stays.
fn percent_encoded(text: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(text.len());
    for byte in text {
        if (b' '..b'\x7f').contains(byte) && *byte != b'%' {
            encoded.push(*byte);
        } else {
            encoded.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_for_grpc_is_percent_encoded() {
        assert_eq!(percent_encoded("a b%ü\n".as_bytes()), b"a b%25%C3%BC%0A");
    }
}
