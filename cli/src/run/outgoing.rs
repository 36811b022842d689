//! A body on its way out: whole, or passed on as it comes; the stream of a response ends with it.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::held::Held;

/// A body, and the stream that ends with it.
pub(super) struct Outgoing {
    body: Content,
    held: Option<Held>,
}

/// What a body is made of.
pub(super) enum Content {
    /// All of it; taken once.
    Whole(Option<Bytes>),
    /// What comes from elsewhere, never held back.
    Passing(Incoming),
}

impl Content {
    /// All of it.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::Whole((!bytes.is_empty()).then_some(bytes))
    }

    /// Whether nothing (more) comes.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Passing(body) => body.is_end_stream(),
        }
    }
}

impl From<Content> for Outgoing {
    fn from(body: Content) -> Self {
        Self { body, held: None }
    }
}

impl Outgoing {
    /// The stream ends when the body does.
    pub(super) fn ending(body: Content, held: Held) -> Self {
        Self { body, held: Some(held) }
    }

    fn end(&mut self) {
        if let Some(held) = self.held.take() {
            held.finish();
        }
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let polled = match &mut self.body {
            Content::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Content::Passing(body) => Pin::new(body).poll_frame(context),
        };
        if matches!(polled, Poll::Ready(None)) || self.is_end_stream() {
            self.end();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.body {
            Content::Whole(bytes) => SizeHint::with_exact(
                bytes.as_ref().map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            ),
            Content::Passing(body) => body.size_hint(),
        }
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        // Nobody asks for the frames of an empty body, nor of one that answers HEAD.
        if self.is_end_stream() || matches!(self.body, Content::Whole(_)) {
            self.end();
        }
    }
}
