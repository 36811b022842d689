//! A unary gRPC server over plaintext HTTP/2: messages are bytes, in and out.

use super::script::{Script, Stopped, When};
use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A message's frame: one byte (not compressed), four bytes of length, the message.
const FRAME_HEAD: usize = 5;
/// How often a reply that waits looks whether it may go.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A running server; dropping it closes it and every connection.
pub struct GrpcUpstream {
    address: SocketAddr,
    script: Arc<Script<GrpcReply, GrpcSeen>>,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

/// A call that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcSeen {
    /// `/package.Service/Method`
    pub path: String,
    /// The headers in order, pseudo headers aside.
    pub metadata: Vec<(String, String)>,
    /// The message, without its frame.
    pub message: Vec<u8>,
}

/// What is answered to one call.
#[derive(Debug, Clone)]
pub struct GrpcReply {
    when: When,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Message(Vec<u8>),
    Status(u16, String),
    MessageThenStatus(Vec<u8>, u16),
    Http(u16),
    Reset,
}

impl GrpcReply {
    fn of(what: What) -> Self {
        Self { when: When::default(), what }
    }

    /// This message and status 0.
    #[must_use]
    pub fn message(message: impl Into<Vec<u8>>) -> Self {
        Self::of(What::Message(message.into()))
    }

    /// No message, this gRPC status in headers that end the stream.
    #[must_use]
    pub fn status(status: u16, message: &str) -> Self {
        Self::of(What::Status(status, message.to_owned()))
    }

    /// A message, and then in the trailers this gRPC status: a server that changed its mind.
    #[must_use]
    pub fn message_then_status(message: impl Into<Vec<u8>>, status: u16) -> Self {
        Self::of(What::MessageThenStatus(message.into(), status))
    }

    /// No gRPC at all: this HTTP status.
    #[must_use]
    pub fn http(status: u16) -> Self {
        Self::of(What::Http(status))
    }

    /// No answer for as long as the server lives.
    #[must_use]
    pub fn never() -> Self {
        let mut reply = Self::message(Vec::new());
        reply.when.never = true;
        reply
    }

    /// The stream is reset.
    #[must_use]
    pub fn reset() -> Self {
        Self::of(What::Reset)
    }

    /// Not before so much time after the call.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.when.after = time;
        self
    }

    /// Not before [`GrpcUpstream::release`].
    #[must_use]
    pub fn held(mut self) -> Self {
        self.when.held = true;
        self
    }
}

impl GrpcUpstream {
    /// Starts on a free port of 127.0.0.1. What is not scripted is answered with status 12, unimplemented.
    pub fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let script = Arc::new(Script::new());
        let theirs = Arc::clone(&script);
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let serving = std::thread::Builder::new().name("grpc-upstream".to_owned()).spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    () = accept(listener, theirs) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, script, stop: Some(stop), serving: Some(serving) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this is answered to `/package.Service/Method`.
    pub fn always(&self, path: &str, reply: GrpcReply) {
        self.script.always(path, reply);
    }

    /// The next call of `path` is answered so; several calls make a queue, which goes before [`Self::always`].
    pub fn once(&self, path: &str, reply: GrpcReply) {
        self.script.once(path, reply);
    }

    /// Lets every reply go that is held, now and later.
    pub fn release(&self) {
        self.script.open(true);
    }

    /// What arrived so far, in order.
    #[must_use]
    pub fn seen(&self) -> Vec<GrpcSeen> {
        self.script.seen()
    }

    /// How many calls of `path` arrived so far.
    #[must_use]
    pub fn count(&self, path: &str) -> usize {
        self.script.count(|seen| seen.path == path)
    }
}

impl Drop for GrpcUpstream {
    fn drop(&mut self) {
        self.script.stop();
        if let Some(stop) = self.stop.take() {
            // The thread may have ended by itself.
            let _ = stop.send(());
        }
        // With the runtime every connection ends.
        if let Some(serving) = self.serving.take() {
            drop(serving.join());
        }
    }
}

async fn accept(listener: std::net::TcpListener, script: Arc<Script<GrpcReply, GrpcSeen>>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // A connection that breaks is the client's business.
        tokio::spawn(connection(stream, Arc::clone(&script)));
    }
}

async fn connection(stream: TcpStream, script: Arc<Script<GrpcReply, GrpcSeen>>) -> Result<(), h2::Error> {
    drop(stream.set_nodelay(true));
    let mut connection = h2::server::Builder::new().max_concurrent_streams(10_000).handshake(stream).await?;
    while let Some(call) = connection.accept().await {
        let (request, respond) = call?;
        tokio::spawn(answer(request, respond, Arc::clone(&script)));
    }
    Ok(())
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    script: Arc<Script<GrpcReply, GrpcSeen>>,
) -> Result<(), h2::Error> {
    let since = Instant::now();
    let seen = read(request).await?;
    let path = seen.path.clone();
    let unscripted = || GrpcReply::status(12, "nothing is scripted for this method");
    let GrpcReply { when, what } = script.reply(&path, seen).unwrap_or_else(unscripted);
    loop {
        match script.may_go(when, since) {
            Ok(true) => break,
            Ok(false) => tokio::time::sleep(LOOK_EVERY).await,
            Err(Stopped) => return Ok(()),
        }
    }
    match what {
        What::Message(message) => send(&mut respond, &message, 0),
        What::MessageThenStatus(message, status) => send(&mut respond, &message, status),
        What::Status(status, message) => {
            let mut head = Response::new(());
            head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            put_status(head.headers_mut(), status, &message);
            respond.send_response(head, true).map(drop)
        }
        What::Http(status) => {
            let mut head = Response::new(());
            *head.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
            respond.send_response(head, true).map(drop)
        }
        What::Reset => {
            respond.send_reset(h2::Reason::INTERNAL_ERROR);
            Ok(())
        }
    }
}

async fn read(request: Request<h2::RecvStream>) -> Result<GrpcSeen, h2::Error> {
    let (head, mut body) = request.into_parts();
    let mut framed = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk?;
        framed.extend_from_slice(&chunk);
        drop(body.flow_control().release_capacity(chunk.len()));
    }
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(GrpcSeen {
        path: head.uri.path().to_owned(),
        metadata: head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
        message: framed.get(FRAME_HEAD..).unwrap_or_default().to_vec(),
    })
}

fn send(respond: &mut SendResponse<Bytes>, message: &[u8], status: u16) -> Result<(), h2::Error> {
    let mut head = Response::new(());
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    let mut stream = respond.send_response(head, false)?;
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend_from_slice(message);
    stream.send_data(Bytes::from(framed), false)?;
    let mut trailers = HeaderMap::new();
    put_status(&mut trailers, status, "");
    stream.send_trailers(trailers)
}

fn put_status(headers: &mut HeaderMap, status: u16, message: &str) {
    headers.insert("grpc-status", HeaderValue::from(status));
    if let Ok(message) = HeaderValue::from_str(message)
        && !message.is_empty()
    {
        headers.insert("grpc-message", message);
    }
}
