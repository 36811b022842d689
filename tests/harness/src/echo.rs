//! An upstream on loopback that answers 200 with what it saw and counts, to prove that a denied request never arrived.
//!
//! The answer is JSON: `{"method": "GET", "path": "/", "headers": [["host", "a"], …], "body_bytes": 0}`. Bytes become the
//! characters of the same number (Latin-1), so nothing is lost. A request header `x-echo-status: 503` asks for that status.

use crate::incoming;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// A running upstream; dropping it closes it.
#[derive(Debug)]
pub struct Echo {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    seen: AtomicU64,
    last: Mutex<Option<Value>>,
    open: Mutex<Vec<TcpStream>>,
    record: Option<Mutex<File>>,
}

impl Echo {
    /// Starts on a free port of 127.0.0.1.
    pub fn start() -> io::Result<Self> {
        Self::listen("127.0.0.1:0", None)
    }

    /// Starts at this address. What it sees goes to `record` as well, a line of JSON a request, before the answer is sent.
    pub fn listen(address: impl ToSocketAddrs, record: Option<File>) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { record: record.map(Mutex::new), ..Shared::default() });
        let theirs = Arc::clone(&shared);
        let accepting = std::thread::Builder::new()
            .name("echo".to_owned())
            .spawn(move || accept(&listener, &theirs))
            .map(Some)?;
        Ok(Self { address, shared, accepting })
    }

    /// Serves until the process ends.
    pub fn forever(mut self) {
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests arrived so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.shared.seen.load(Ordering::SeqCst)
    }

    /// What the last request looked like, in the shape of the answer.
    #[must_use]
    pub fn last(&self) -> Option<Value> {
        self.shared.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Accepting wakes up only for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
        for open in self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(open.shutdown(Shutdown::Both));
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        drop(stream.set_nodelay(true));
        if let Ok(copy) = stream.try_clone() {
            shared.open.lock().unwrap_or_else(PoisonError::into_inner).push(copy);
        }
        let shared = Arc::clone(shared);
        // A connection that breaks is the client's business; the next one is served all the same.
        std::thread::spawn(move || drop(serve(stream, &shared)));
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let Some((head, body)) = incoming::request(&mut stream, &mut buffer)? else { return Ok(()) };
        let status = head.header("x-echo-status").and_then(|text| text.parse::<u16>().ok()).unwrap_or(200);
        let seen = json!({
            "method": head.method,
            "path": head.path,
            "headers": head.headers.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>(),
            "body_bytes": body.len(),
        });
        let body = seen.to_string();
        if let Some(record) = &shared.record {
            let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
            record.write_all(format!("{body}\n").as_bytes())?;
        }
        *shared.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        shared.seen.fetch_add(1, Ordering::SeqCst);
        let length = body.len();
        let start = format!(
            "HTTP/1.1 {status} Echo\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(start.as_bytes())?;
        if head.method != "HEAD" {
            stream.write_all(body.as_bytes())?;
        }
    }
}
