//! The filter chain: how headers, bodies and trailers go from filter to filter, stop and go on.
//!
//! Envoy `source/common/http/filter_manager.cc`; towards the upstream filters come in their order, towards the client in reverse,
//! and behind the last one is the upstream or the client.

use crate::header_map::{HeaderMap, MapKind};
use crate::proxy::Proxy;
use crate::stream::{Half, Iteration, Side, StreamState, Way};
use crate::{Headers, LogLevel, Message, required};

/// What a filter says of a part that it got (Envoy `envoy/http/filter.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on.
    Continue,
    /// This kind of frame stops; for a body it is not kept.
    Stop,
    /// The body stops and is kept.
    StopAndBuffer,
    /// Nothing more comes until the filter continues.
    StopAll,
}

impl Proxy {
    fn state(&mut self, stream: u64) -> Option<&mut StreamState> {
        self.world.streams.get_mut(&stream)
    }

    fn half_of(&mut self, stream: u64, way: Way) -> Option<&mut Half> {
        self.state(stream).map(|state| state.half_mut(way))
    }

    fn side_of(&mut self, stream: u64, filter: usize, way: Way) -> Option<&mut Side> {
        self.state(stream)?.filters.get_mut(filter).map(|filter| filter.side_mut(way))
    }

    /// Whether the stream was reset meanwhile (`saw_downstream_reset_`); then nothing goes on.
    fn is_reset(&self, stream: u64) -> bool {
        self.world.streams.get(&stream).is_none_or(|state| state.gone)
    }

    fn length(&self, stream: u64) -> usize {
        self.world.streams.get(&stream).map_or(0, |state| state.filters.len())
    }

    /// Which filter stands at a place of a way; the same the other way round.
    fn turned(&self, stream: u64, place: usize, way: Way) -> usize {
        match way {
            Way::Request => place,
            Way::Response => self.length(stream).saturating_sub(1).saturating_sub(place),
        }
    }

    /// Headers come from the outside.
    pub(crate) fn arrive_headers(&mut self, stream: u64, way: Way, headers: Headers, end: bool) {
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        if state.over || state.half(way).headers.is_some() {
            return;
        }
        let kind = match way {
            Way::Request => MapKind::Request,
            Way::Response if state.request.out.is_none() => return,
            Way::Response => {
                state.details = Some("via_upstream".to_owned());
                state.local_complete = end;
                MapKind::Response
            }
        };
        let half = state.half_mut(way);
        half.headers = Some(HeaderMap::of(kind, headers));
        half.complete = end;
        if way == Way::Request {
            self.create_filters(stream);
        }
        self.pass_headers(stream, way, 0, end);
    }

    /// A part of a body comes from the outside.
    pub(crate) fn arrive_data(&mut self, stream: u64, way: Way, data: &[u8], end: bool) {
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        let half = state.half_mut(way);
        if half.headers.is_none() || half.complete || state.over {
            return;
        }
        let half = state.half_mut(way);
        half.complete = end;
        half.chunk = data.to_vec();
        half.chunk_is_buffer = false;
        match way {
            Way::Request => {
                let size = u64::try_from(data.len()).unwrap_or(u64::MAX);
                state.received = state.received.saturating_add(size);
            }
            Way::Response => state.local_complete = end,
        }
        self.pass_data(stream, way, 0, end);
    }

    /// Trailers come from the outside.
    pub(crate) fn arrive_trailers(&mut self, stream: u64, way: Way, trailers: Headers) {
        let Some(state) = self.world.streams.get_mut(&stream) else { return };
        let half = state.half_mut(way);
        if half.headers.is_none() || half.complete || state.over {
            return;
        }
        let half = state.half_mut(way);
        half.complete = true;
        half.trailers = Some(HeaderMap::of(MapKind::Other, trailers));
        if way == Way::Response {
            state.local_complete = true;
        }
        self.pass_trailers(stream, way, 0);
    }

    /// `decodeHeaders`, `encodeHeaders`, from a place on.
    pub(crate) fn pass_headers(&mut self, stream: u64, way: Way, from: usize, end: bool) {
        for place in from..self.length(stream) {
            let filter = self.turned(stream, place, way);
            let Some(side) = self.side_of(stream, filter, way) else { return };
            side.end = end;
            self.calling(stream, way, true);
            let mut verdict = self.filter_headers(stream, filter, way, end);
            self.calling(stream, way, false);
            let Some(half) = self.half_of(stream, way) else { return };
            if half.aborted {
                if way == Way::Request {
                    self.send_prepared(stream);
                }
                verdict = Verdict::Stop;
            }
            let Some(side) = self.side_of(stream, filter, way) else { return };
            match verdict {
                Verdict::Continue => side.headers_continued = true,
                Verdict::Stop | Verdict::StopAndBuffer => side.iteration = Iteration::StopSingle,
                Verdict::StopAll => side.iteration = Iteration::StopAll,
            }
            let Some(state) = self.state(stream) else { return };
            if verdict != Verdict::Continue || (way == Way::Request && state.local_complete) || state.gone {
                return;
            }
        }
        self.leave_headers(stream, way, end);
    }

    /// `decodeData`, `encodeData`: the piece goes from a place on.
    pub(crate) fn pass_data(&mut self, stream: u64, way: Way, from: usize, end: bool) {
        let Some(state) = self.state(stream) else { return };
        if (way == Way::Request && state.local_complete) || state.gone {
            return;
        }
        let mut end = end;
        let had_trailers = state.half(way).trailers.is_some();
        let mut trailers_from = None;
        let mut passed = true;
        for place in from..self.length(stream) {
            let filter = self.turned(stream, place, way);
            let Some(side) = self.side_of(stream, filter, way) else { return };
            if side.iteration == Iteration::StopAll {
                return self.keep(stream, way);
            }
            if side.end {
                return self.put_back(stream, way);
            }
            let Some(half) = self.half_of(stream, way) else { return };
            let last = end && half.trailers.is_none();
            if let Some(side) = self.side_of(stream, filter, way) {
                side.end = last;
            }
            self.calling(stream, way, true);
            let mut verdict = self.filter_data(stream, filter, way, last);
            self.calling(stream, way, false);
            if self.is_reset(stream) {
                return;
            }
            let Some(half) = self.half_of(stream, way) else { return };
            if half.aborted {
                if way == Way::Request {
                    return self.send_prepared(stream);
                }
                verdict = Verdict::Stop;
            }
            if !had_trailers && half.trailers.is_some() && trailers_from.is_none() {
                trailers_from = Some(place);
                if way == Way::Request {
                    end = false;
                }
            }
            if !self.after_data(stream, filter, way, verdict) {
                if way == Way::Response {
                    return;
                }
                passed = false;
                break;
            }
        }
        if passed {
            self.leave_data(stream, way, end && trailers_from.is_none());
        }
        if let Some(place) = trailers_from {
            let filter = self.turned(stream, place, way);
            let current = self.side_of(stream, filter, way).is_some_and(|side| side.from_current);
            self.pass_trailers(stream, way, if current { place } else { place.saturating_add(1) });
        }
    }

    /// `decodeTrailers`, `encodeTrailers`, from a place on.
    pub(crate) fn pass_trailers(&mut self, stream: u64, way: Way, from: usize) {
        let Some(state) = self.state(stream) else { return };
        if (way == Way::Request && state.local_complete) || state.gone {
            return;
        }
        for place in from..self.length(stream) {
            let filter = self.turned(stream, place, way);
            if self.side_of(stream, filter, way).is_none_or(|side| side.iteration == Iteration::StopAll) {
                return;
            }
            self.calling(stream, way, true);
            let mut verdict = self.filter_trailers(stream, filter, way);
            self.calling(stream, way, false);
            if self.is_reset(stream) {
                return;
            }
            let Some(half) = self.half_of(stream, way) else { return };
            if half.aborted {
                if way == Way::Request {
                    self.send_prepared(stream);
                }
                verdict = Verdict::Stop;
            }
            let Some(side) = self.side_of(stream, filter, way) else { return };
            side.end = true;
            match (verdict, side.iteration) {
                (Verdict::Continue, Iteration::StopSingle) => return self.resume(stream, filter, way),
                (Verdict::Continue, Iteration::Continue | Iteration::StopAll) => {}
                (_, Iteration::Continue) => {
                    side.iteration = Iteration::StopSingle;
                    return;
                }
                (_, Iteration::StopSingle | Iteration::StopAll) => return,
            }
        }
        self.leave_trailers(stream, way);
    }

    /// `commonHandleAfterDataCallback`: whether the piece goes on.
    fn after_data(&mut self, stream: u64, filter: usize, way: Way, verdict: Verdict) -> bool {
        let Some(side) = self.side_of(stream, filter, way) else { return false };
        if verdict == Verdict::Continue {
            if side.iteration != Iteration::StopSingle {
                return true;
            }
            self.keep(stream, way);
            self.resume(stream, filter, way);
            return false;
        }
        side.iteration = Iteration::StopSingle;
        if matches!(verdict, Verdict::StopAndBuffer | Verdict::StopAll) {
            self.keep(stream, way);
        } else if let Some(state) = self.state(stream)
            && !state.buried
        {
            let half = state.half_mut(way);
            // So that going on later ends the stream with an empty piece.
            if half.complete && half.trailers.is_none() && half.buffered.is_none() && !half.chunk_is_buffer {
                half.buffered = Some(Vec::new());
            }
        }
        self.put_back(stream, way);
        false
    }

    /// `commonHandleBufferData`: the piece joins what is buffered.
    pub(crate) fn keep(&mut self, stream: u64, way: Way) {
        if let Some(half) = self.half_of(stream, way) {
            let chunk = core::mem::take(&mut half.chunk);
            half.chunk_is_buffer = false;
            half.buffered.get_or_insert_default().extend(chunk);
        }
    }

    /// The piece does not go on: what was buffered stays so, what was not is gone.
    fn put_back(&mut self, stream: u64, way: Way) {
        if let Some(half) = self.half_of(stream, way) {
            let chunk = core::mem::take(&mut half.chunk);
            if core::mem::take(&mut half.chunk_is_buffer) {
                half.buffered = Some(chunk);
            }
        }
    }

    /// A filter goes on (`commonContinue`).
    pub(crate) fn resume(&mut self, stream: u64, filter: usize, way: Way) {
        let Some(state) = self.state(stream) else { return };
        let closed = match way {
            Way::Request => state.local_complete,
            Way::Response => state.encode_complete,
        };
        if closed || state.over || state.half(way).headers.is_none() {
            return;
        }
        let Some(side) = state.filters.get_mut(filter).map(|filter| filter.side_mut(way)) else { return };
        if side.iteration == Iteration::StopAll {
            side.from_current = true;
        }
        side.iteration = Iteration::Continue;
        let current = side.from_current;
        let place = self.turned(stream, filter, way);
        let next = place.saturating_add(1);
        let first = if current { place } else { next };
        let Some(state) = self.state(stream) else { return };
        let half = state.half(way);
        let bare = half.complete && half.buffered.is_none() && half.trailers.is_none();
        if let Some(side) = self.side_of(stream, filter, way)
            && !side.headers_continued
        {
            side.headers_continued = true;
            self.pass_headers(stream, way, next, bare);
        }
        let Some(half) = self.half_of(stream, way) else { return };
        let (had_trailers, complete) = (half.trailers.is_some(), half.complete);
        if let Some(buffered) = half.buffered.take() {
            half.chunk = buffered;
            half.chunk_is_buffer = true;
            self.pass_data(stream, way, first, complete && !had_trailers);
            // The buffer itself stays, though it may be empty now.
            if let Some(half) = self.half_of(stream, way) {
                half.chunk_is_buffer = false;
                half.buffered.get_or_insert_default();
            }
        }
        if had_trailers {
            self.pass_trailers(stream, way, first);
        }
        if let Some(side) = self.side_of(stream, filter, way) {
            side.from_current = false;
        }
    }

    /// Notes that a plugin did something that Envoy does not stand.
    pub(crate) fn would_end(&mut self, stream: u64, what: &str) {
        let worker = self.world.streams.get(&stream).map(|state| state.worker);
        self.world.write(LogLevel::Critical, "", worker, what.as_bytes());
    }

    fn calling(&mut self, stream: u64, way: Way, calling: bool) {
        if let Some(half) = self.half_of(stream, way) {
            half.calling = calling;
        }
    }

    /// Headers have passed all filters.
    fn leave_headers(&mut self, stream: u64, way: Way, end: bool) {
        let Some(state) = self.state(stream) else { return };
        if let Some(reply) =
            state.half(way).headers.as_ref().and_then(|headers| required::reply_to(headers, way))
        {
            return self.local_reply(stream, &reply);
        }
        let half = state.half_mut(way);
        if half.out.is_some() {
            return self.would_end(stream, "Envoy sends this message twice");
        }
        let headers = half.headers.as_ref().map(|headers| headers.entries().clone()).unwrap_or_default();
        half.out = Some(Message { headers, complete: end, ..Message::default() });
        if way == Way::Response {
            state.headers_encoded = true;
            self.sent(stream, end);
        }
    }

    fn leave_data(&mut self, stream: u64, way: Way, end: bool) {
        let Some(half) = self.half_of(stream, way) else { return };
        let chunk = core::mem::take(&mut half.chunk);
        if let Some(out) = &mut half.out {
            out.body.extend(chunk);
            out.complete |= end;
        }
        if way == Way::Response {
            self.sent(stream, end);
        }
    }

    fn leave_trailers(&mut self, stream: u64, way: Way) {
        let Some(half) = self.half_of(stream, way) else { return };
        let trailers = half.trailers.as_ref().map(|trailers| trailers.entries().clone());
        if let Some(out) = &mut half.out {
            out.trailers = trailers;
            out.complete = true;
        }
        if way == Way::Response {
            self.sent(stream, true);
        }
    }
}
