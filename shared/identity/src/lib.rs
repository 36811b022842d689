//! Who is on the other end of the connection.
//!
//! The proxy says what was *presented*; the configuration says who *verified* it; only both together make a
//! [`Peer`](meshward_model::Peer) with a name. Request headers are never looked at. Standards followed: SPIFFE-ID for the
//! name, X509-SVID §5.2 for what a caller's certificate must name.

mod resolve;
mod settings;

pub use resolve::{PeerError, resolve};
pub use settings::{Settings, SettingsError, Source, VerifiedBy};
