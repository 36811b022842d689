//! What was seen of a request: first as bytes, then parsed once.

use crate::{Headers, NotSingle, Peer, RequestId};

/// What the adapter read, before anything is believed of it. A fact that was not asked for is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Which request of this worker it is.
    pub id: RequestId,
    /// The header map, pseudo headers included.
    pub headers: Headers,
    /// What the proxy says of the connection.
    pub connection: Connection,
}

/// What the proxy says of the connection, as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// The first URI SAN of the peer's certificate; `None` where there is none. Presented, not verified.
    pub uri_san: Option<Vec<u8>>,
    /// Whether the transport verified the peer's certificate on this connection; `None` where the proxy cannot say.
    pub certificate_valid: Option<bool>,
    /// The caller as the waypoint's own listener recorded it.
    pub principal_state: Option<Vec<u8>>,
    /// The port of the address that the connection was accepted on.
    pub destination_port: Option<u16>,
}

/// A request, parsed. After this door nobody splits the peer's name again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which request of this worker it is.
    pub id: RequestId,
    /// The header map, pseudo headers included.
    pub headers: Headers,
    /// Who is on the other end of the connection.
    pub peer: Peer,
    /// Whether the verified certificate names something that is no SPIFFE ID of a workload, where no enforced document minds.
    pub peer_malformed: bool,
    /// The port of the address that the connection was accepted on.
    pub destination_port: Option<u16>,
}

impl Request {
    /// `:method`, which must stand exactly once.
    ///
    /// # Errors
    /// [`NotSingle`] when it does not.
    pub fn method(&self) -> Result<&[u8], NotSingle> {
        self.headers.method()
    }

    /// `:path` with its query, which must stand exactly once.
    ///
    /// # Errors
    /// [`NotSingle`] when it does not (CONNECT has none).
    pub fn path(&self) -> Result<&[u8], NotSingle> {
        self.headers.path()
    }

    /// `:authority`, which must stand exactly once.
    ///
    /// # Errors
    /// [`NotSingle`] when it does not.
    pub fn authority(&self) -> Result<&[u8], NotSingle> {
        self.headers.authority()
    }
}
