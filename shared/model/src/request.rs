//! What was seen of a request: first as bytes, then parsed once.

use core::net::IpAddr;
use std::sync::Arc;

use crate::{Allowance, Headers, NotSingle, Peer, RequestId, Token, Verdict};

/// What the adapter read, before anything is believed of it. A fact that was not asked for is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Which request of this worker it is.
    pub id: RequestId,
    /// The header map, pseudo headers included.
    pub headers: Headers,
    /// What the proxy says of the connection.
    pub connection: Connection,
    /// What the plugin before handed over, as bytes; `None` where there is nothing.
    pub handover: Option<Vec<u8>>,
}

/// What the proxy says of the connection, as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// The first URI SAN of the peer's certificate; `None` where there is none. Presented, not verified.
    pub uri_san: Option<Vec<u8>>,
    /// Whether the peer presented a certificate at all; read only where `uri_san` is asked for and there is none.
    pub certificate_presented: Option<bool>,
    /// Whether the transport verified the peer's certificate on this connection; `None` where the proxy cannot say.
    pub certificate_valid: Option<bool>,
    /// The caller as the waypoint's own listener recorded it.
    pub principal_state: Option<Vec<u8>>,
    /// The port of the address that the connection was accepted on.
    pub destination_port: Option<u16>,
    /// The address that the connection came from, with its port, as the proxy prints it.
    pub source_address: Option<Vec<u8>>,
}

/// A request, parsed, and what the stages have learned of it so far. After this door nobody splits the peer's name again.
#[derive(Debug, Clone, PartialEq)]
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
    /// The address that the connection came from, without its port.
    pub source_address: Option<IpAddr>,
    /// The token that was verified, if one was; `authn` puts it here, or the handover does.
    pub token: Option<Arc<Token>>,
    /// What is left of each limit that was applied; put here by the stages that limit, for the response.
    pub allowances: Vec<Allowance>,
    /// What each stage has said of it so far, in their order, where there is more than one stage.
    pub verdicts: Vec<Verdict>,
}

impl Request {
    /// A request of which nothing but its headers and its peer is known.
    pub const fn new(id: RequestId, headers: Headers, peer: Peer) -> Self {
        Self {
            id,
            headers,
            peer,
            peer_malformed: false,
            destination_port: None,
            source_address: None,
            token: None,
            allowances: Vec::new(),
            verdicts: Vec::new(),
        }
    }

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
