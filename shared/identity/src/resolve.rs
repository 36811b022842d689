//! From what the proxy says of the connection to a [`Peer`].

use meshward_model::{Anonymous, Connection, Peer, SpiffeId, SpiffeIdError};

use crate::{Settings, Source, VerifiedBy};

/// Why a verified name is not the name of a caller. Never read as "nobody": an anonymous caller could satisfy a rule that asks
/// for everybody but someone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Not a SPIFFE ID.
    #[error("the verified peer's name is not a SPIFFE ID: {0}")]
    NotSpiffe(#[from] SpiffeIdError),
    /// The ID of a trust domain: an authority's, and an authority is no caller (X509-SVID §5.2).
    #[error("the verified peer's name is that of a trust domain; a caller's SPIFFE ID has a path")]
    TrustDomainAlone,
    /// A certificate without a URI SAN (X509-SVID §2 demands one).
    #[error("the verified peer's certificate names nobody; it must hold one URI SAN")]
    Nameless,
    /// Several URI SANs, which the proxy joins with a comma (X509-SVID §2 allows one).
    #[error("the verified peer has more than one name; a certificate must hold one URI SAN")]
    Several,
}

/// Who is on the other end, as far as the settings let it be believed. Presented is not verified:
///
/// | settings | nothing presented | presented and verified | presented, not known to be verified |
/// |---|---|---|---|
/// | connection, transport | `NoIdentity` | the SPIFFE ID | (the listener admits none) |
/// | connection, connection | `NoIdentity` | the SPIFFE ID | `Unverified`; the name is not even parsed |
/// | filter state, transport | `NoIdentity` | the SPIFFE ID | (the outer listener admits none) |
///
/// In filter state, `-` is nothing: so Envoy's formatter writes it.
///
/// ```
/// use meshward_identity::{Settings, Source, VerifiedBy, resolve};
/// use meshward_model::{Anonymous, Connection, Peer};
/// let settings = Settings::new(Source::Connection, VerifiedBy::Connection).unwrap();
/// let presented = Connection { uri_san: Some(b"spiffe://mesh.example/ns/shop/sa/web".to_vec()), ..Connection::default() };
/// assert_eq!(resolve(presented.clone(), &settings), Ok(Peer::Anonymous(Anonymous::Unverified)));
/// let verified = Connection { certificate_valid: Some(true), ..presented };
/// assert_eq!(resolve(verified, &settings).unwrap().spiffe_id().unwrap().service_account(), Some("web"));
/// ```
///
/// # Errors
/// [`PeerError`] when the name was verified and is not one a caller can have.
pub fn resolve(connection: Connection, settings: &Settings) -> Result<Peer, PeerError> {
    match settings.source() {
        Source::Connection => {
            let name = connection.uri_san.filter(|name| !name.is_empty());
            if name.is_none() && connection.certificate_presented != Some(true) {
                return Ok(Peer::Anonymous(Anonymous::NoIdentity));
            }
            match (settings.verified_by(), connection.certificate_valid) {
                (VerifiedBy::Transport, _) | (VerifiedBy::Connection, Some(true)) => {
                    name.map_or(Err(PeerError::Nameless), caller)
                }
                (VerifiedBy::Connection, Some(false) | None) => Ok(Peer::Anonymous(Anonymous::Unverified)),
            }
        }
        Source::FilterState => match connection.principal_state {
            None => Ok(Peer::Anonymous(Anonymous::NoIdentity)),
            Some(name) if matches!(&*name, b"" | b"-") => Ok(Peer::Anonymous(Anonymous::NoIdentity)),
            Some(names) if names.contains(&b',') => Err(PeerError::Several),
            Some(name) => caller(name),
        },
    }
}

fn caller(name: Vec<u8>) -> Result<Peer, PeerError> {
    let id = SpiffeId::from_bytes(name)?;
    if id.path().is_empty() { Err(PeerError::TrustDomainAlone) } else { Ok(Peer::Spiffe(id)) }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
