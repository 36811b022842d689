//! The document, compiled: what cannot be wrong any more.

use crate::Algorithm;
use crate::jwks::KeySet;

/// What a caller must prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The document's name: what the caller is told the realm is.
    pub(crate) realm: String,
    pub(crate) mtls: Option<Mtls>,
    pub(crate) jwt: Option<Jwt>,
}

/// What the connection must bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mtls {
    pub(crate) required: bool,
    /// `None`: any.
    pub(crate) trust_domains: Option<Vec<String>>,
}

/// What the token must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Jwt {
    pub(crate) required: bool,
    /// At most [`MAX_ISSUERS`].
    pub(crate) issuers: Vec<Issuer>,
    pub(crate) skew_millis: i64,
}

/// Whose tokens are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issuer {
    pub(crate) name: String,
    pub(crate) audiences: Vec<String>,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) keys: Keys,
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Keys {
    /// In the configuration.
    Inline(KeySet),
    /// Behind a cluster of the proxy.
    Remote(Remote),
}

/// Where and how often keys are fetched; times in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remote {
    pub(crate) cluster: String,
    pub(crate) path: String,
    pub(crate) host: String,
    pub(crate) timeout: u32,
    pub(crate) refresh: u64,
    pub(crate) min_interval: u64,
    pub(crate) expire: u64,
}

/// The most issuers that one configuration may name.
pub(crate) const MAX_ISSUERS: usize = 32;
/// The most audiences of one issuer, and the most trust domains.
pub(crate) const MAX_VALUES: usize = 64;
/// The furthest that clocks may be allowed to be off, in milliseconds.
pub(crate) const MAX_SKEW_MILLIS: u64 = 300_000;
