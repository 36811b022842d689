//! The envelope itself.

use serde::Deserialize;
use serde_json::value::RawValue;

/// `PluginConfig`, as it is written. One of these is what a plugin is configured with.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a PluginConfig")]
pub struct RawEnvelope {
    /// The version of this format.
    pub api_version: ApiVersion,
    /// Always `PluginConfig`.
    pub kind: EnvelopeKind,
    /// Where the proxy finds out who the caller is. Sidecars and gateways: `connection`. Istio waypoints: `filterState`.
    #[serde(default)]
    pub peer_from: PeerFrom,
    /// Who verifies the caller's certificate; must be said.
    pub peer_verified_by: PeerVerifiedBy,
    /// What happens to a request when no document applies to this workload.
    #[serde(default)]
    pub when_nothing_applies: WhenNothingApplies,
    /// The policy documents, in any order.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Value>"))]
    pub documents: Vec<Box<RawValue>>,
}

/// The versions of the envelope that this build reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ApiVersion {
    /// The first.
    #[serde(rename = "meshward.io/v1alpha1")]
    V1Alpha1,
}

/// The envelope's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum EnvelopeKind {
    /// The only one.
    PluginConfig,
}

/// Where the caller's identity is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum PeerFrom {
    /// The URI SAN of the certificate on this connection.
    #[default]
    Connection,
    /// What a waypoint's outer listener recorded as `io.istio.peer_principal`.
    FilterState,
}

/// Who verifies the caller's certificate. That a certificate was presented proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum PeerVerifiedBy {
    /// The listener admits no unverified certificate (Istio, Consul, and any Envoy with a validation context and no
    /// `ACCEPT_UNTRUSTED`).
    Transport,
    /// The listener may admit unverified certificates; each connection is asked (`connection.peer_certificate_valid`, Envoy
    /// 1.40). TLS session resumption must be off, since Envoy answers `false` on every resumed session.
    Connection,
}

/// What happens when no document applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum WhenNothingApplies {
    /// Refuse.
    #[default]
    Deny,
    /// Let through, as Istio does.
    Allow,
}
