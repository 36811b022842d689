//! The document as it is written.
//!
//! Fields that this version does not decide by are read all the same, so that their refusal can say why and what to do instead.

use meshward_config::given;
#[cfg(feature = "schema")]
use meshward_config::{RawSelector, RawTargetRef};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::Algorithm;

/// `spec` of an `Authentication`: what a caller must prove before anything else is asked of it.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "the spec of an Authentication")]
pub struct RawAuthentication {
    /// What the connection must bring.
    #[serde(default, deserialize_with = "given")]
    pub mtls: Option<RawMtls>,
    /// What the token must be.
    #[serde(default, deserialize_with = "given")]
    pub jwt: Option<RawJwt>,
    /// Which workloads of the namespace the document is for; all, when left out.
    #[cfg_attr(feature = "schema", schemars(with = "Option<RawSelector>"))]
    #[serde(default, deserialize_with = "given")]
    pub selector: Option<IgnoredAny>,
    /// Which gateways the document is for, in the place of `selector`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RawTargetRef>>"))]
    #[serde(default, deserialize_with = "given")]
    pub target_refs: Option<IgnoredAny>,
}

/// What the connection must bring.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "mtls (`required: …`)")]
pub struct RawMtls {
    /// Whether a verified certificate with a SPIFFE ID must be there.
    pub required: bool,
    /// The trust domains that callers may come from; any, when left out.
    #[serde(default, deserialize_with = "given")]
    pub trust_domains: Option<Vec<String>>,
}

/// What the token must be.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "jwt (`required: …` and `issuers`)")]
pub struct RawJwt {
    /// Whether there must be a token. Where it is `false` a request without one goes on as nobody, and one that is there must be
    /// good all the same.
    pub required: bool,
    /// Whose tokens are accepted.
    pub issuers: Vec<RawIssuer>,
    /// How far an issuer's clock may be off, in milliseconds; 0 when left out.
    #[serde(default, deserialize_with = "given")]
    pub clock_skew_millis: Option<u64>,
}

/// Whose tokens are accepted, and for whom they must have been issued.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an issuer")]
pub struct RawIssuer {
    /// `iss`, exactly as it stands in the tokens.
    pub issuer: String,
    /// `aud`: one of these must be in the token.
    pub audiences: Vec<String>,
    /// The algorithms that the issuer signs with.
    pub algorithms: Vec<Algorithm>,
    /// The issuer's public keys, a JWKS: as an object, or as its text.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<serde_json::Value>"))]
    pub keys: Option<Box<RawValue>>,
    /// Where the issuer's public keys are fetched.
    #[serde(default, deserialize_with = "given")]
    pub jwks: Option<RawJwks>,
    /// Envoy's and Istio's word for it.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, deserialize_with = "given")]
    pub jwks_uri: Option<IgnoredAny>,
    /// Tokens are read of `Authorization` only.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, deserialize_with = "given")]
    pub from_headers: Option<IgnoredAny>,
    /// Tokens are read of `Authorization` only.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, deserialize_with = "given")]
    pub from_params: Option<IgnoredAny>,
    /// Tokens are read of `Authorization` only.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, deserialize_with = "given")]
    pub from_cookies: Option<IgnoredAny>,
    /// The token goes on as it came.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, deserialize_with = "given")]
    pub forward_original_token: Option<IgnoredAny>,
}

/// Where keys are fetched, through a cluster of the proxy.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "jwks (`cluster`, `host` and `path`)")]
pub struct RawJwks {
    /// The cluster's name in the proxy.
    pub cluster: String,
    /// What is asked for (`:path`).
    pub path: String,
    /// Who is asked (`:authority`).
    pub host: String,
    /// How long a fetch may take; 5 seconds when left out.
    #[serde(default, deserialize_with = "given")]
    pub timeout_millis: Option<u64>,
    /// How often keys are fetched anew; every 5 minutes when left out.
    #[serde(default, deserialize_with = "given")]
    pub refresh_millis: Option<u64>,
    /// The least time between two fetches, whatever tokens come and whatever fails; 10 seconds when left out.
    #[serde(default, deserialize_with = "given")]
    pub min_interval_millis: Option<u64>,
    /// How old keys may get while fetching fails; a day when left out. After that tokens of this issuer are refused.
    #[serde(default, deserialize_with = "given")]
    pub expire_millis: Option<u64>,
}
