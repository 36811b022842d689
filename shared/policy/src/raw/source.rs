//! A caller, as it is written.

use serde::de::IgnoredAny;

use crate::shape::{Fields, Kind, Shape};

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

pub(super) const SOURCE: Shape = Shape {
    what: "a source",
    names: &[
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
    ],
    kinds: &[
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Ignored,
        Kind::Ignored,
    ],
    whole: false,
};

impl From<Fields> for RawSource {
    fn from(mut fields: Fields) -> Self {
        let ignored = |at| fields.has(at).then_some(IgnoredAny);
        let (ip_blocks, not_ip_blocks) = (ignored(12), ignored(13));
        Self {
            principals: fields.take_texts(0),
            not_principals: fields.take_texts(1),
            namespaces: fields.take_texts(2),
            not_namespaces: fields.take_texts(3),
            service_accounts: fields.take_texts(4),
            not_service_accounts: fields.take_texts(5),
            trust_domains: fields.take_texts(6),
            not_trust_domains: fields.take_texts(7),
            request_principals: fields.take_texts(8),
            not_request_principals: fields.take_texts(9),
            remote_ip_blocks: fields.take_texts(10),
            not_remote_ip_blocks: fields.take_texts(11),
            ip_blocks,
            not_ip_blocks,
        }
    }
}
