//! An HTTP/1.1 server on loopback that answers as the path asks (see [`crate::answer`]) and keeps what it was asked.

use crate::answer::{Answer, Kind};
use crate::transcript::asked;
use crate::wire::{body, lines, marked};
use meshward_harness::poll;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A running server; dropping it closes it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    seen: Mutex<Vec<String>>,
}

impl Server {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("server".to_owned()).spawn(move || {
            for stream in listener.incoming() {
                if theirs.stop.load(Ordering::SeqCst) {
                    return;
                }
                let ours = Arc::clone(&theirs);
                if let Ok(stream) = stream {
                    // A peer that goes away ends its connection and nothing else.
                    std::thread::spawn(move || drop(serve(stream, &ours)));
                }
            }
        })?;
        Ok(Self { address, shared })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it was asked since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Accepting wakes up only for a connection.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut from = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split(' ');
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = lines(&mut from)?;
        let (body, trailers) = body(&mut from, &headers, false)?;
        headers.extend(marked(trailers));
        let seen = asked(method, path, &headers, &body);
        shared.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        let answer = Answer::to(path);
        let due = Instant::now() + Duration::from_millis(answer.after_ms);
        // The deadline is the condition; the wait cannot fail before it.
        drop(poll::until("the time of the answer", Duration::from_secs(60), || {
            (Instant::now() >= due).then_some(())
        }));
        match answer.kind {
            Kind::Http { status, headers, body, trailers } => {
                out.write_all(&encode(status, &headers, &body, &trailers))?;
            }
            Kind::Never => {
                // Until the peer gives up.
                from.read_line(&mut String::new())?;
                return Ok(());
            }
            Kind::Reset => return Ok(()),
            Kind::Cut => {
                out.write_all(b"HTTP/1.1 200 Said\r\ncontent-length: 8\r\n\r\nhalf")?;
                return Ok(());
            }
        }
    }
}

fn encode(status: u16, headers: &[(String, String)], body: &[u8], trailers: &[(String, String)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} Said\r\n").into_bytes();
    for (name, value) in headers {
        text.extend(format!("{name}: {value}\r\n").bytes());
    }
    if trailers.is_empty() {
        text.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
        text.extend(body);
        return text;
    }
    text.extend(b"transfer-encoding: chunked\r\n\r\n");
    if !body.is_empty() {
        text.extend(format!("{:x}\r\n", body.len()).bytes());
        text.extend(body);
        text.extend(b"\r\n");
    }
    text.extend(b"0\r\n");
    for (name, value) in trailers {
        text.extend(format!("{name}: {value}\r\n").bytes());
    }
    text.extend(b"\r\n");
    text
}
