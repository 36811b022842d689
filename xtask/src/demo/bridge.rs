//! A port on loopback whose connections are made from inside a container: what an application sends to its own Envoy.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result};

/// How to speak from inside: `docker exec -i CONTAINER demo-app relay ADDRESS`.
pub(super) struct Inside {
    pub(super) docker_host: Option<String>,
    pub(super) container: String,
    pub(super) address: SocketAddr,
}

/// The open port; dropping it closes it and ends what still speaks.
pub(super) struct Bridge {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    speaking: Mutex<Vec<Child>>,
}

impl Bridge {
    /// Opens a free port of 127.0.0.1.
    pub(super) fn open(inside: Inside) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
        let address = listener.local_addr().context("a port without an address")?;
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || accept(&listener, &inside, &theirs));
        Ok(Self { address, shared, accepting: Some(accepting) })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Accepting wakes up only for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            drop(accepting.join());
        }
        for mut child in self.shared.speaking.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn accept(listener: &TcpListener, inside: &Inside, shared: &Shared) {
    for stream in listener.incoming() {
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        // A connection that cannot be carried on is closed, which its client sees.
        let Some(child) = stream.ok().and_then(|stream| carry(stream, inside).ok()) else { continue };
        let mut speaking = shared.speaking.lock().unwrap_or_else(PoisonError::into_inner);
        speaking.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        speaking.push(child);
    }
}

/// Starts the program inside and two threads, one for each direction.
fn carry(stream: TcpStream, inside: &Inside) -> io::Result<Child> {
    stream.set_nodelay(true)?;
    let mut command = Command::new("docker");
    if let Some(host) = &inside.docker_host {
        command.env("DOCKER_HOST", host);
    }
    command.args([
        "exec",
        "--interactive",
        &inside.container,
        "demo-app",
        "relay",
        &inside.address.to_string(),
    ]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let copy = stream.try_clone()?;
    std::thread::spawn(move || drop(pass(copy, stdin)));
    std::thread::spawn(move || {
        let writer = stream.try_clone();
        drop(writer.and_then(|writer| pass(stdout, writer)));
        drop(stream.shutdown(Shutdown::Both));
    });
    Ok(child)
}

fn pass(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut chunk = [0_u8; 16 * 1024];
    loop {
        let count = from.read(&mut chunk)?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(chunk.get(..count).unwrap_or_default())?;
        to.flush()?;
    }
}
