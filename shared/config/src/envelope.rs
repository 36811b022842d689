//! The envelope itself.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::parse::given;
use crate::words;

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
    /// Whom the configuration is for, where the proxy does not say so itself.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<crate::RawWorkload>"))]
    pub workload: Option<Box<RawValue>>,
    /// The namespace whose documents are for all namespaces; `istio-system` when left out, as in Istio.
    #[serde(default, deserialize_with = "given")]
    pub root_namespace: Option<String>,
    /// What happens to a request when no document applies to this workload.
    #[serde(default)]
    pub when_nothing_applies: WhenNothingApplies,
    /// Where access policies find the caller's claims. Only the `authz` plugin reads it.
    #[serde(default, deserialize_with = "given")]
    pub claims: Option<RawClaims>,
    /// Who writes events: `own`, this plugin (the default); `handover`, the sentinel plugin of the same chain, which then also
    /// detects.
    #[serde(default, deserialize_with = "given")]
    pub events: Option<EventsFrom>,
    /// Paths (`/v1/orders/{*}`) and whole hosts that documents of the chain's other plugins name: this plugin's events show them as
    /// if its own did.
    #[serde(default)]
    pub named: Vec<String>,
    /// Which part the `ratelimit` plugin plays. Only that plugin reads it, and it must be said.
    #[serde(default, deserialize_with = "given")]
    pub role: Option<Role>,
    /// The policy documents, in any order.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<serde_json::Value>"))]
    pub documents: Vec<Box<RawValue>>,
}

/// The versions of the envelope that this build reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum ApiVersion {
    /// The first.
    #[cfg_attr(feature = "schema", schemars(rename = "meshward.io/v1alpha1"))]
    V1Alpha1,
}

words!(ApiVersion { V1Alpha1 = "meshward.io/v1alpha1" });

/// The envelope's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum EnvelopeKind {
    /// The only one.
    PluginConfig,
}

words!(EnvelopeKind { PluginConfig = "PluginConfig" });

/// Where the caller's identity is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum PeerFrom {
    /// The URI SAN of the certificate on this connection.
    #[default]
    Connection,
    /// What a waypoint's outer listener recorded as `io.istio.peer_principal`.
    FilterState,
}

words!(PeerFrom { Connection = "connection", FilterState = "filterState" });

/// Who verifies the caller's certificate. That a certificate was presented proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum PeerVerifiedBy {
    /// The listener admits no unverified certificate (Istio, Consul, and any Envoy with a validation context and no
    /// `ACCEPT_UNTRUSTED`).
    Transport,
    /// The listener may admit unverified certificates; each connection is asked (`connection.peer_certificate_valid`, Envoy
    /// 1.40). TLS session resumption must be off, since Envoy answers `false` on every resumed session.
    Connection,
}

words!(PeerVerifiedBy { Transport = "transport", Connection = "connection" });

/// What happens when no document applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum WhenNothingApplies {
    /// Refuse.
    #[default]
    Deny,
    /// Let through, as Istio does.
    Allow,
}

words!(WhenNothingApplies { Deny = "deny", Allow = "allow" });

/// Where access policies find the caller's claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "claims")]
pub struct RawClaims {
    /// Who verified the token.
    pub from: ClaimsFrom,
}

/// Who verified the token that claims are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum ClaimsFrom {
    /// Nobody: a policy that looks at claims is refused.
    #[default]
    None,
    /// The `authn` plugin before this one; a request without its handover is refused.
    Handover,
}

words!(ClaimsFrom { None = "none", Handover = "handover" });

/// Who writes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum EventsFrom {
    /// The plugin that decides.
    #[default]
    Own,
    /// The sentinel plugin of the same chain.
    Handover,
}

words!(EventsFrom { Own = "own", Handover = "handover" });

/// Which part the `ratelimit` plugin plays; it is installed once for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum Role {
    /// Is the caller in the penalty box? Before `authn`.
    Penalty,
    /// How fast may it go? After `authz`.
    Quota,
}

words!(Role { Penalty = "penalty", Quota = "quota" });
