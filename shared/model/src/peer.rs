//! Who is on the other end of the connection.

use crate::SpiffeId;

/// The peer of the connection, after the configuration's rules about trust were applied.
///
/// What a certificate says is not an identity until the certificate was verified: presented is not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// A verified SPIFFE ID.
    Spiffe(SpiffeId),
    /// Nobody that can be named.
    Anonymous(Anonymous),
}

/// Why a peer has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    /// The connection carries no identity: plaintext, or a certificate without a URI SAN.
    NoIdentity,
    /// There is an identity, but the certificate that says so was not verified.
    Unverified,
    /// The configuration does not read the peer.
    Unread,
}

impl Peer {
    /// The SPIFFE ID, if there is one.
    pub fn spiffe_id(&self) -> Option<&SpiffeId> {
        match self {
            Self::Spiffe(id) => Some(id),
            Self::Anonymous(_) => None,
        }
    }
}
