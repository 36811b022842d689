//! A blocking HTTP/1.1 client that writes requests byte for byte and tells exactly how a connection ended.
//!
//! [`Client`] keeps one connection and reuses it; clones share the TLS session store but not the connection, so a second
//! clone may resume the first one's session. HTTP/2 would be a second kind of connection behind the same doors.

mod connection;
mod load;
mod message;
mod tls;

pub use load::spread;
pub use message::{RawRequest, Response};
pub use tls::{TlsOptions, Versions};

use connection::Connection;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// How long one answer (or one handshake) may take unless [`Client::patience`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens, or the network refuses.
    #[error("cannot connect to {to}: {source}")]
    Connect {
        /// The address.
        to: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The TLS session could not be set up, or the peer ended it with an alert (such as a refused client certificate).
    #[error("TLS with {with}: {source}")]
    Tls {
        /// The address.
        with: SocketAddr,
        /// What rustls said.
        source: rustls::Error,
    },
    /// The certificates or the server name given to [`Client::tls`] cannot be used.
    #[error("cannot set up TLS: {0}")]
    Setup(String),
    /// The peer closed or reset the connection before the answer was complete.
    #[error("{by} closed the connection after {bytes} bytes of an answer")]
    Closed {
        /// The address.
        by: SocketAddr,
        /// How much of the answer had come.
        bytes: usize,
    },
    /// The answer did not come in time; see [`Client::patience`].
    #[error("no complete answer from {from} within {waited:?}")]
    TimedOut {
        /// The address.
        from: SocketAddr,
        /// How long.
        waited: Duration,
    },
    /// The answer is not HTTP/1.1 as this client knows it.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// Anything else on the socket.
    #[error("talking to {with}: {source}")]
    Io {
        /// The address.
        with: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl ClientError {
    /// The peer said no below HTTP: an alert, or a closed connection before the first byte of an answer.
    #[must_use]
    pub fn refused_below_http(&self) -> bool {
        matches!(self, Self::Tls { .. } | Self::Closed { bytes: 0, .. })
    }
}

/// A client of one address.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    tls: Option<Arc<tls::Setup>>,
    patience: Duration,
    from: Option<IpAddr>,
    connection: Option<Connection>,
}

impl Clone for Client {
    /// The same address and TLS session store, no connection.
    fn clone(&self) -> Self {
        let Self { address, tls, patience, from, connection: _ } = self;
        Self { address: *address, tls: tls.clone(), patience: *patience, from: *from, connection: None }
    }
}

impl Client {
    /// Plaintext.
    #[must_use]
    pub fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None, patience: PATIENCE, from: None, connection: None }
    }

    /// TLS, with or without a client certificate.
    pub fn tls(address: SocketAddr, options: &TlsOptions) -> Result<Self, ClientError> {
        let setup = options.setup().map_err(ClientError::Setup)?;
        Ok(Self { address, tls: Some(Arc::new(setup)), patience: PATIENCE, from: None, connection: None })
    }

    /// The same client (and TLS session store) towards another address, without a connection yet.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// How long one answer or one handshake may take.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Connects from this address of our own.
    #[must_use]
    pub fn from(mut self, address: IpAddr) -> Self {
        self.from = Some(address);
        self
    }

    /// Connects (and shakes hands) unless there is a live connection.
    ///
    /// With TLS 1.3 a server may refuse the client's certificate only after this has returned: the refusal then meets
    /// the first [`Client::send`].
    pub fn connect(&mut self) -> Result<(), ClientError> {
        self.live().map(|_| ())
    }

    /// Closes the connection; the next request opens another and may resume the TLS session.
    pub fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Sends one request and reads its answer. Nothing is ever sent twice.
    pub fn send(&mut self, request: &RawRequest) -> Result<Response, ClientError> {
        let mut bytes = Vec::new();
        request.encode_into(&mut bytes);
        self.send_bytes(&bytes, request.is_head())
    }

    /// Sends these bytes as they are and reads one answer; `head` says that the answer has no body whatever its length says.
    pub fn send_bytes(&mut self, bytes: &[u8], head: bool) -> Result<Response, ClientError> {
        let connection = self.live()?;
        // Envoy may answer and close before it has read everything, so a failed write still looks for the answer.
        let written = connection.write(bytes);
        let answer = match (connection.read(head), written) {
            (Ok(answer), _) => Ok(answer),
            (Err(read), Ok(())) => Err(read),
            (Err(read @ ClientError::Tls { .. }), Err(_)) => Err(read),
            (Err(_), Err(write)) => Err(write),
        };
        self.keep(answer)
    }

    /// Whether the current connection resumed an earlier TLS session; nothing without a TLS connection.
    #[must_use]
    pub fn resumed(&self) -> Option<bool> {
        self.connection.as_ref().and_then(Connection::resumed)
    }

    fn live(&mut self) -> Result<&mut Connection, ClientError> {
        let usable = self.connection.take().and_then(Connection::if_alive);
        let connection = match usable {
            Some(connection) => connection,
            None => Connection::open(self.address, self.from, self.tls.as_deref(), self.patience)?,
        };
        Ok(self.connection.insert(connection))
    }

    fn keep(&mut self, answer: Result<Response, ClientError>) -> Result<Response, ClientError> {
        if answer.as_ref().map_or(true, |answer| answer.closes) {
            self.connection = None;
        }
        answer
    }
}
