//! The documents as they are written.

use meshward_config::given;
#[cfg(feature = "schema")]
use meshward_config::{RawSelector, RawTargetRef};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// `spec` of a `RateLimit`: how fast callers may go. Every limit that a request matches applies; the strictest refuses, and a refused
/// request uses up none of the others.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "the spec of a RateLimit")]
pub struct RawRateLimit {
    /// The limits.
    pub limits: Vec<RawLimit>,
    /// Which workloads of the namespace the document is for; all, when left out.
    #[cfg_attr(feature = "schema", schemars(with = "Option<RawSelector>"))]
    #[serde(default, deserialize_with = "given")]
    pub selector: Option<IgnoredAny>,
    /// Which gateways the document is for, in the place of `selector`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RawTargetRef>>"))]
    #[serde(default, deserialize_with = "given")]
    pub target_refs: Option<IgnoredAny>,
}

/// One limit: GCRA, a bucket for each key.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a limit")]
pub struct RawLimit {
    /// Its name, as callers see it in the `RateLimit` header: 1 to 64 printable ASCII characters, no `"` and no `\`.
    pub name: String,
    /// How many requests may come in how much time.
    pub rate: RawRate,
    /// How many of them may come at once; as many as `rate.requests` when left out.
    #[serde(default, deserialize_with = "given")]
    pub burst: Option<u64>,
    /// What each bucket is for: callers that are alike in all of these share one. An empty list: all callers share one. A caller
    /// that lacks one of them (no identity, no token, no such header) shares the bucket of all that lack it.
    pub key: Vec<RawKey>,
    /// Where the buckets are.
    pub scope: RawScope,
    /// Whether the limit refuses or only counts; `enforce` when left out.
    #[serde(default, deserialize_with = "given")]
    pub mode: Option<RawMode>,
    /// Which requests are counted; all when left out.
    #[serde(default, rename = "match", deserialize_with = "given")]
    pub matches: Option<RawMatch>,
}

/// How many requests may come in how much time.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a rate")]
pub struct RawRate {
    /// 1 to 1,000,000.
    pub requests: u64,
    /// 1 to 86,400 (a day).
    pub per_seconds: u64,
}

/// A part of a key.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RawKey {
    /// The verified SPIFFE ID of the peer.
    Peer,
    /// The peer's trust domain and Kubernetes namespace.
    Namespace,
    /// Issuer and subject of the verified token.
    Subject,
    /// All values of a request header. Whoever sets the header chooses the bucket: take one that a trusted hop writes.
    Header(String),
    /// Which of these path templates the path matches, the first one that does: `/orders/{*}` is one bucket for all orders. Paths that
    /// match none share a bucket.
    PathTemplate(Vec<String>),
}

/// Where buckets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RawScope {
    /// In each worker of the proxy: a caller may reach the rate in each of them.
    Worker,
    /// In the proxy: its workers share them.
    Proxy,
}

/// Whether a limit or a detection acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RawMode {
    /// It refuses.
    #[default]
    Enforce,
    /// It refuses nothing; what it would have refused is counted and written down.
    Shadow,
}

/// Which requests a limit counts: both must match. A path that can be read in more than one way, or that is none, matches every path.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a match")]
pub struct RawMatch {
    /// HTTP methods, such as `POST`.
    #[serde(default, deserialize_with = "given")]
    pub methods: Option<Vec<String>>,
    /// Paths, or path templates with `{*}` and `{**}`.
    #[serde(default, deserialize_with = "given")]
    pub paths: Option<Vec<String>>,
}

/// `spec` of a `Detection`: which callers misbehave, and what becomes of them.
///
/// Each hit of a detector adds its weight to the caller's score, which halves every `halfLifeSeconds`. At `thresholds.note` a finding is
/// written, at `throttle` the caller is slowed down, at `quarantine` nothing of it is let through for a while, twice as long each time.
/// The caller is the verified SPIFFE ID, else the source address (IPv6: its /64).
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "the spec of a Detection")]
pub struct RawDetection {
    /// Whether callers are refused or only findings written; `enforce` when left out.
    #[serde(default, deserialize_with = "given")]
    pub mode: Option<RawDetectionMode>,
    /// In how many seconds a score halves, 1 to 86,400; 60 when left out.
    #[serde(default, deserialize_with = "given")]
    pub half_life_seconds: Option<u64>,
    /// What is looked for; both, with their defaults, when left out. One that is not named here does not look.
    #[serde(default, deserialize_with = "given")]
    pub detectors: Option<RawDetectors>,
    /// The scores at which something happens.
    #[serde(default, deserialize_with = "given")]
    pub thresholds: Option<RawThresholds>,
    /// How fast a caller may go that is slowed down; one request a second when left out. Counted in each worker.
    #[serde(default, deserialize_with = "given")]
    pub throttle: Option<RawRate>,
    /// How long a quarantine takes.
    #[serde(default, deserialize_with = "given")]
    pub quarantine: Option<RawQuarantine>,
    /// Callers that are never scored: a SPIFFE ID, or the beginning of one with `/*` behind, such as
    /// `spiffe://cluster.local/ns/monitoring/*`.
    #[serde(default, deserialize_with = "given")]
    pub allow: Option<Vec<String>>,
    /// Which workloads of the namespace the document is for; all, when left out.
    #[cfg_attr(feature = "schema", schemars(with = "Option<RawSelector>"))]
    #[serde(default, deserialize_with = "given")]
    pub selector: Option<IgnoredAny>,
    /// Which gateways the document is for, in the place of `selector`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RawTargetRef>>"))]
    #[serde(default, deserialize_with = "given")]
    pub target_refs: Option<IgnoredAny>,
}

/// Whether a detection acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RawDetectionMode {
    /// Callers are slowed down and refused.
    #[default]
    Enforce,
    /// Nobody is refused; findings say that they are simulated, and what would have been refused is counted.
    Simulate,
}

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "detectors")]
pub struct RawDetectors {
    /// Requests whose authentication failed: refused by `authn`, or answered with 401. Weight 18 when left out: five in
    /// twenty seconds are a quarantine.
    #[serde(default, deserialize_with = "given")]
    pub failed_authentication: Option<RawDetector>,
    /// Requests for paths that are denied or missing (403, 404), each path once. Weight 9 when left out: ten different paths in
    /// twenty seconds are a quarantine.
    #[serde(default, deserialize_with = "given")]
    pub denied_paths: Option<RawDetector>,
}

/// One detector.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a detector")]
pub struct RawDetector {
    /// What a hit adds to the score, 1 to 1,000.
    #[serde(default, deserialize_with = "given")]
    pub weight: Option<u64>,
}

/// The scores at which something happens; each greater than the one before, at most 1,000.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "thresholds")]
pub struct RawThresholds {
    /// A finding is written; 40 when left out.
    #[serde(default, deserialize_with = "given")]
    pub note: Option<u64>,
    /// The caller is slowed down, until its score is below `note` again; 60 when left out.
    #[serde(default, deserialize_with = "given")]
    pub throttle: Option<u64>,
    /// Nothing of the caller is let through for a while; 80 when left out.
    #[serde(default, deserialize_with = "given")]
    pub quarantine: Option<u64>,
}

/// How long a quarantine takes.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a quarantine")]
pub struct RawQuarantine {
    /// The first one, in seconds, 1 to 86,400; 60 when left out. Each further one takes twice as long as the one before; an hour
    /// without one halves the count.
    #[serde(default, deserialize_with = "given")]
    pub seconds: Option<u64>,
    /// The longest one, in seconds, at most 604,800 (a week); 3,600 when left out.
    #[serde(default, deserialize_with = "given")]
    pub max_seconds: Option<u64>,
}
