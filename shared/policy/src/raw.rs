//! The documents as they are written.
//!
//! Fields that this version does not decide by are read all the same, so that their refusal can say why and what to do
//! instead of `unknown field`. A field that is there must hold something: an empty `from:` would match every caller, so null is
//! refused like any other wrong type.

use meshward_config::{NotYet, given, lists, words};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};

pub use crate::scalar::Scalar;

/// `spec` of an `AccessPolicy`: a superset of Istio's `AuthorizationPolicy`, matched strictly.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "the spec of an AccessPolicy")]
pub struct RawAccessPolicy {
    /// What a matching rule does; `ALLOW` when left out.
    #[serde(default, deserialize_with = "given")]
    pub action: Option<Action>,
    /// Whether the document decides or only counts; `enforce` when left out.
    #[serde(default, deserialize_with = "given")]
    pub mode: Option<Mode>,
    /// What happens to a request that no rule matches, where only DENY documents apply.
    #[serde(default, deserialize_with = "given")]
    pub otherwise: Option<Otherwise>,
    /// The rules; a request matches the document when it matches any of them.
    #[serde(default, deserialize_with = "given")]
    pub rules: Option<Vec<RawRule>>,
    /// Not supported yet.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default)]
    pub selector: NotYet,
    /// Not supported yet.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default)]
    pub target_refs: NotYet,
}

/// `spec` of Istio's `AuthorizationPolicy` (`security.istio.io/v1`).
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "the spec of an AuthorizationPolicy")]
pub struct RawAuthorizationPolicy {
    /// What a matching rule does; `ALLOW` when left out.
    #[serde(default, deserialize_with = "given")]
    pub action: Option<Action>,
    /// The rules; a request matches the document when it matches any of them. None at all: nothing matches.
    #[serde(default, deserialize_with = "given")]
    pub rules: Option<Vec<RawRule>>,
    /// Not supported yet.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default)]
    pub selector: NotYet,
    /// Not supported yet.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default)]
    pub target_ref: NotYet,
    /// Not supported yet.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default)]
    pub target_refs: NotYet,
    /// Goes with `CUSTOM`, which is refused.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, deserialize_with = "given")]
    pub provider: Option<IgnoredAny>,
}

/// What a matching rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "UPPERCASE"))]
pub enum Action {
    /// Lets the request through, unless a DENY rule matches too.
    #[default]
    Allow,
    /// Refuses the request.
    Deny,
    /// Not supported yet.
    #[cfg_attr(feature = "schema", schemars(skip))]
    Audit,
    /// Not supported: an HTTP filter cannot call Istio's external authorizer.
    #[cfg_attr(feature = "schema", schemars(skip))]
    Custom,
}

words!(Action { Allow = "ALLOW", Deny = "DENY", Audit = "AUDIT", Custom = "CUSTOM" });

/// Whether a document decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum Mode {
    /// It decides.
    #[default]
    Enforce,
    /// It refuses nothing; what it would have refused is counted and written down.
    Shadow,
}

words!(Mode { Enforce = "enforce", Shadow = "shadow" });

/// What happens to a request that no rule of a DENY-only set matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase"))]
pub enum Otherwise {
    /// It goes on.
    Allow,
    /// It is refused.
    Deny,
}

words!(Otherwise { Allow = "allow", Deny = "deny" });

/// A rule: any of `from` (or none given) AND any of `to` (or none given) AND all of `when`. `{}` matches every request.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a rule")]
pub struct RawRule {
    /// Who calls.
    #[serde(default, deserialize_with = "given")]
    pub from: Option<Vec<RawFrom>>,
    /// What is asked for.
    #[serde(default, deserialize_with = "given")]
    pub to: Option<Vec<RawTo>>,
    /// Further conditions.
    #[serde(default, deserialize_with = "given")]
    pub when: Option<Vec<RawCondition>>,
}

/// One entry of `from`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an entry of `from` (`source: …`)")]
pub struct RawFrom {
    /// The caller.
    pub source: RawSource,
}

/// One entry of `to`.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "an entry of `to` (`operation: …`)")]
pub struct RawTo {
    /// The operation.
    pub operation: RawOperation,
}

/// A caller. Fields are ANDed, the values of one field are ORed, `notX` means none of them. A value is exact, `prefix*`,
/// `*suffix`, or `*` for any.
#[derive(Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct RawSource {
    /// SPIFFE IDs without `spiffe://`, such as `cluster.local/ns/shop/sa/web`.
    pub principals: Option<Vec<String>>,
    /// None of these SPIFFE IDs.
    pub not_principals: Option<Vec<String>>,
    /// Kubernetes namespaces.
    pub namespaces: Option<Vec<String>>,
    /// None of these namespaces.
    pub not_namespaces: Option<Vec<String>>,
    /// Service accounts, `<namespace>/<name>`, or `<name>` in the document's own namespace. No `*`.
    pub service_accounts: Option<Vec<String>>,
    /// None of these service accounts.
    pub not_service_accounts: Option<Vec<String>>,
    /// Trust domains.
    pub trust_domains: Option<Vec<String>>,
    /// None of these trust domains.
    pub not_trust_domains: Option<Vec<String>>,
    /// Issuer and subject of the caller's verified token, `<issuer>/<subject>`.
    pub request_principals: Option<Vec<String>>,
    /// None of these issuers and subjects.
    pub not_request_principals: Option<Vec<String>>,
    /// The address that the request came from, as the proxy sees it: blocks such as `192.0.2.0/24`, or single addresses.
    pub remote_ip_blocks: Option<Vec<String>>,
    /// None of these blocks.
    pub not_remote_ip_blocks: Option<Vec<String>>,
    /// Refused: the direct address cannot be seen from here.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub ip_blocks: Option<IgnoredAny>,
    /// Refused: the direct address cannot be seen from here.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub not_ip_blocks: Option<IgnoredAny>,
}

impl<'de> Deserialize<'de> for RawSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[&str] = &[
            "principals",
            "notPrincipals",
            "namespaces",
            "notNamespaces",
            "serviceAccounts",
            "notServiceAccounts",
            "trustDomains",
            "notTrustDomains",
            "requestPrincipals",
            "notRequestPrincipals",
            "remoteIpBlocks",
            "notRemoteIpBlocks",
            "ipBlocks",
            "notIpBlocks",
        ];
        let mut lists = lists(deserializer, "a source", NAMES, 12)?;
        Ok(Self {
            principals: lists.take(0),
            not_principals: lists.take(1),
            namespaces: lists.take(2),
            not_namespaces: lists.take(3),
            service_accounts: lists.take(4),
            not_service_accounts: lists.take(5),
            trust_domains: lists.take(6),
            not_trust_domains: lists.take(7),
            request_principals: lists.take(8),
            not_request_principals: lists.take(9),
            remote_ip_blocks: lists.take(10),
            not_remote_ip_blocks: lists.take(11),
            ip_blocks: lists.take(12).map(|_| IgnoredAny),
            not_ip_blocks: lists.take(13).map(|_| IgnoredAny),
        })
    }
}

/// An operation. Fields are ANDed, the values of one field are ORed, `notX` means none of them.
#[derive(Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct RawOperation {
    /// Hosts (`:authority`); exact, `prefix*`, `*suffix` or `*`.
    pub hosts: Option<Vec<String>>,
    /// None of these hosts.
    pub not_hosts: Option<Vec<String>>,
    /// Ports of this workload, as strings.
    pub ports: Option<Vec<String>>,
    /// None of these ports.
    pub not_ports: Option<Vec<String>>,
    /// HTTP methods; exact, `prefix*`, `*suffix` or `*`.
    pub methods: Option<Vec<String>>,
    /// None of these methods.
    pub not_methods: Option<Vec<String>>,
    /// Paths without query; exact, `prefix*`, `*suffix`, `*`, or a template with `{*}` (one segment) and `{**}` (any rest).
    pub paths: Option<Vec<String>>,
    /// None of these paths.
    pub not_paths: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for RawOperation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const NAMES: &[&str] =
            &["hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths"];
        let mut lists = lists(deserializer, "an operation", NAMES, 8)?;
        Ok(Self {
            hosts: lists.take(0),
            not_hosts: lists.take(1),
            ports: lists.take(2),
            not_ports: lists.take(3),
            methods: lists.take(4),
            not_methods: lists.take(5),
            paths: lists.take(6),
            not_paths: lists.take(7),
        })
    }
}

/// A further condition. With `key`: the attribute has one of `values` and none of `notValues`. With `claim` (AccessPolicy only): a
/// claim of the caller's verified token is what all of the other fields say.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "a condition (`key` and `values`)")]
pub struct RawCondition {
    /// The attribute, such as `request.headers[x-role]`, `source.namespace` or `request.auth.claims[groups]`.
    #[serde(default, deserialize_with = "given")]
    pub key: Option<String>,
    /// One of these; exact, `prefix*`, `*suffix` or `*`.
    #[serde(default, deserialize_with = "given")]
    pub values: Option<Vec<String>>,
    /// None of these.
    #[serde(default, deserialize_with = "given")]
    pub not_values: Option<Vec<String>>,
    /// The names that lead to the claim, one inside another: `[realm_access, roles]`.
    #[serde(default, deserialize_with = "given")]
    pub claim: Option<Vec<String>>,
    /// The claim is this string, number or boolean.
    #[serde(default, deserialize_with = "given")]
    pub equals: Option<Scalar>,
    /// The claim is one of these strings, numbers or booleans.
    #[serde(default, deserialize_with = "given")]
    pub r#in: Option<Vec<Scalar>>,
    /// The claim is a string that begins with this.
    #[serde(default, deserialize_with = "given")]
    pub prefix: Option<String>,
    /// The claim is a string that ends with this.
    #[serde(default, deserialize_with = "given")]
    pub suffix: Option<String>,
    /// The claim is a list with this element, or a string with this word (as in `scope`, words are separated by spaces).
    #[serde(default, deserialize_with = "given")]
    pub contains: Option<Scalar>,
    /// The claim is a number greater than this.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub gt: Option<Scalar>,
    /// The claim is a number less than this.
    #[serde(default, deserialize_with = "given")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<f64>"))]
    pub lt: Option<Scalar>,
    /// Not supported: a condition is read by people and proved by machines.
    #[cfg_attr(feature = "schema", schemars(skip))]
    #[serde(default, deserialize_with = "given")]
    pub regex: Option<IgnoredAny>,
    /// Whether the token has the claim.
    #[serde(default, deserialize_with = "given")]
    pub exists: Option<bool>,
}
