//! An HTTP/1.1 upstream that answers by a script.

use super::script::{Script, Stopped, When};
use crate::incoming::{self, Head};
use socket2::SockRef;
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// A running upstream; dropping it closes it and every connection.
pub struct HttpUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What is answered where nothing is scripted.
type Otherwise = Box<dyn Fn(&Seen) -> Reply + Send + Sync>;

struct Shared {
    script: Script<Reply, Seen>,
    otherwise: Otherwise,
    open: Mutex<HashMap<u64, TcpStream>>,
}

/// A request that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// All headers in order, as sent.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What is answered to one request.
#[derive(Debug, Clone)]
pub struct Reply {
    when: When,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Answer(Answer),
    Close,
    Reset,
}

#[derive(Debug, Clone)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// With any, the body is one chunk.
    trailers: Vec<(String, String)>,
    /// So many bytes of the body are sent, and then the connection ends.
    cut: Option<usize>,
}

impl Reply {
    fn of(what: What) -> Self {
        Self { when: When::default(), what }
    }

    /// An answer with this status and no body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        let (headers, trailers) = (Vec::new(), Vec::new());
        Self::of(What::Answer(Answer { status, headers, body: Vec::new(), trailers, cut: None }))
    }

    /// No answer for as long as the upstream lives; the connection stays open.
    #[must_use]
    pub fn never() -> Self {
        let mut reply = Self::status(200);
        reply.when.never = true;
        reply
    }

    /// The connection is closed in order, without an answer.
    #[must_use]
    pub fn close() -> Self {
        Self::of(What::Close)
    }

    /// The connection is reset (RST), without an answer.
    #[must_use]
    pub fn reset() -> Self {
        Self::of(What::Reset)
    }

    /// With this body. `content-length` is written by itself.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.body = body.into();
        }
        self
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// With this trailer; then the body is chunked, and `cut` cuts nothing.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.trailers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Only so many bytes of the body are sent; then the connection ends.
    #[must_use]
    pub fn cut(mut self, bytes: usize) -> Self {
        if let What::Answer(answer) = &mut self.what {
            answer.cut = Some(bytes);
        }
        self
    }

    /// Not before so much time after the request.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.when.after = time;
        self
    }

    /// Not before [`HttpUpstream::release`].
    #[must_use]
    pub fn held(mut self) -> Self {
        self.when.held = true;
        self
    }
}

impl HttpUpstream {
    /// Starts on a free port of 127.0.0.1. What is not scripted is answered 404.
    pub fn start() -> io::Result<Self> {
        Self::answering("127.0.0.1:0", |_| Reply::status(404).body("nothing is scripted for this path"))
    }

    /// Starts at this address. What is not scripted is answered as this function says.
    pub fn answering(
        address: impl ToSocketAddrs,
        otherwise: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let otherwise: Otherwise = Box::new(otherwise);
        let shared = Arc::new(Shared { script: Script::new(), otherwise, open: Mutex::default() });
        let theirs = Arc::clone(&shared);
        let accepting = std::thread::Builder::new()
            .name("http-upstream".to_owned())
            .spawn(move || accept(&listener, &theirs))
            .map(Some)?;
        Ok(Self { address, shared, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process ends.
    pub fn forever(mut self) {
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }

    /// From now on this is answered under `path` (whole, without query).
    pub fn always(&self, path: &str, reply: Reply) {
        self.shared.script.always(path, reply);
    }

    /// The next request under `path` is answered so; several calls make a queue, which goes before [`Self::always`].
    pub fn once(&self, path: &str, reply: Reply) {
        self.shared.script.once(path, reply);
    }

    /// Lets every reply go that is held, now and later.
    pub fn release(&self) {
        self.shared.script.open(true);
    }

    /// Holds replies back again.
    pub fn hold(&self) {
        self.shared.script.open(false);
    }

    /// What arrived so far, in order; a request is seen when it is complete, before it is answered.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.script.seen()
    }

    /// How many requests arrived so far under `path` (whole, without query).
    #[must_use]
    pub fn count(&self, path: &str) -> usize {
        self.shared.script.count(|seen| without_query(&seen.path) == path)
    }
}

impl Drop for HttpUpstream {
    fn drop(&mut self) {
        self.shared.script.stop();
        // Accepting wakes up only for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
        for (_, open) in self.shared.open().drain() {
            drop(open.shutdown(Shutdown::Both));
        }
    }
}

impl Shared {
    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, stream) in (0_u64..).zip(listener.incoming()) {
        if shared.script.is_stopped() {
            return;
        }
        let Ok(mut stream) = stream else { continue };
        drop(stream.set_nodelay(true));
        if let Ok(copy) = stream.try_clone() {
            shared.open().insert(number, copy);
        }
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A connection that breaks is the client's business; the next one is served all the same.
            let end = serve(&mut stream, &shared).unwrap_or(End::Close);
            shared.open().remove(&number);
            match end {
                End::Close => drop(stream.shutdown(Shutdown::Both)),
                End::Reset => drop(SockRef::from(&stream).set_linger(Some(Duration::ZERO))),
            }
        });
    }
}

enum End {
    Close,
    Reset,
}

fn serve(stream: &mut TcpStream, shared: &Shared) -> io::Result<End> {
    let mut buffer = Vec::new();
    while let Some((head, body)) = incoming::request(stream, &mut buffer)? {
        let is_head = head.method == "HEAD";
        let path = without_query(&head.path).to_owned();
        let seen = seen(head, body);
        let reply = shared.script.reply(&path, seen.clone());
        let Reply { when, what } = reply.unwrap_or_else(|| (shared.otherwise)(&seen));
        if let Err(Stopped) = shared.script.wait(when) {
            return Ok(End::Close);
        }
        match what {
            What::Answer(answer) => {
                write(stream, &answer, is_head)?;
                if answer.cut.is_some() {
                    return Ok(End::Close);
                }
            }
            What::Close => return Ok(End::Close),
            What::Reset => return Ok(End::Reset),
        }
    }
    Ok(End::Close)
}

fn seen(head: Head, body: Vec<u8>) -> Seen {
    Seen { method: head.method, path: head.path, headers: head.headers, body }
}

fn write(stream: &mut TcpStream, answer: &Answer, is_head: bool) -> io::Result<()> {
    let mut bytes = format!("HTTP/1.1 {} Scripted\r\n", answer.status).into_bytes();
    for (name, value) in &answer.headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !answer.trailers.is_empty() && !is_head {
        bytes.extend_from_slice(
            format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n", answer.body.len()).as_bytes(),
        );
        bytes.extend_from_slice(&answer.body);
        bytes.extend_from_slice(b"\r\n0\r\n");
        for (name, value) in &answer.trailers {
            bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        return stream.write_all(&bytes);
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", answer.body.len()).as_bytes());
    if !is_head {
        let end = answer.cut.unwrap_or(answer.body.len()).min(answer.body.len());
        bytes.extend_from_slice(answer.body.get(..end).unwrap_or_default());
    }
    stream.write_all(&bytes)
}

fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}
