//! Every field of an AuthorizationPolicy that is compared, and the forms that its values take. A field that we learn to decide is
//! one more line here.

use About::{
    Audience, Authority, Claim, DestinationAddress, DirectAddress, Header, Metadata, Method, Namespace, Path,
    Port, Presenter, Principal, RemoteAddress, RequestPrincipal, ServerName, ServiceAccount, TrustDomain,
};
use Place::{Condition, Operation, Source};
use Shape::{
    Address, Address6, Any, AnyIssuer, AnySubject, Bare, Block, Block6, Exact, Inner, Listed, Middle,
    OneSegment, Prefix, Qualified, Rest, RestThen, StarStar, SubjectPrefix, Suffix, SuffixIssuer,
};

/// Where a field stands in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// `from[].source`
    Source,
    /// `to[].operation`
    Operation,
    /// `when[]`
    Condition,
}

/// What of a request a field speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    Principal,
    Namespace,
    ServiceAccount,
    TrustDomain,
    RequestPrincipal,
    /// Who Envoy thinks the client is, `x-forwarded-for` included.
    RemoteAddress,
    /// Who connected.
    DirectAddress,
    DestinationAddress,
    /// What TLS asked for (SNI).
    ServerName,
    /// What another filter wrote under this key of [`METADATA`].
    Metadata(&'static str),
    Authority,
    Port,
    Method,
    Path,
    Header(&'static str),
    Audience,
    Presenter,
    /// The names that lead to a claim.
    Claim(&'static [&'static str]),
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// No wildcard.
    Exact,
    /// `begin*`
    Prefix,
    /// `*end`
    Suffix,
    /// `*`
    Any,
    /// `*middle*`
    Middle,
    /// `begin*end`
    Inner,
    /// `/a/{*}/c`
    OneSegment,
    /// `/a/{**}`
    Rest,
    /// `/a/{**}/c`
    RestThen,
    /// `issuer/*`
    AnySubject,
    /// `issuer/begin*`
    SubjectPrefix,
    /// `*/subject`
    AnyIssuer,
    /// `*end/subject`
    SuffixIssuer,
    /// `*/*`
    StarStar,
    /// No slash: an issuer, or a service account of the policy's own namespace.
    Bare,
    /// `namespace/name`
    Qualified,
    /// `10.0.0.1`
    Address,
    /// `10.0.0.0/8`
    Block,
    /// `2001:db8::1`
    Address6,
    /// `2001:db8::/32`
    Block6,
    /// `[value]`: in a list
    Listed,
}

impl Shape {
    /// What the table calls it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Exact => "exact",
            Prefix => "begin*",
            Suffix => "*end",
            Any => "*",
            Middle => "*middle*",
            Inner => "begin*end",
            OneSegment => "/a/{*}/c",
            Rest => "/a/{**}",
            RestThen => "/a/{**}/c",
            AnySubject => "issuer/*",
            SubjectPrefix => "issuer/begin*",
            AnyIssuer => "*/subject",
            SuffixIssuer => "*end/subject",
            StarStar => "*/*",
            Bare => "no slash",
            Qualified => "namespace/name",
            Address => "IPv4",
            Block => "IPv4/n",
            Address6 => "IPv6",
            Block6 => "IPv6/n",
            Listed => "[value]",
        }
    }
}

/// A field.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Field {
    pub(super) place: Place,
    pub(super) about: About,
    /// Its name; of a condition, the key.
    pub(super) name: &'static str,
    /// Its negative's name.
    pub(super) not_name: &'static str,
    pub(super) shapes: &'static [Shape],
}

/// The usual string matches.
const STRINGS: &[Shape] = &[Exact, Prefix, Suffix, Any, Middle, Inner];
const ACCOUNTS: &[Shape] = &[Bare, Qualified];
const DOMAINS: &[Shape] = &[Exact, Prefix, Suffix, Any];
const CALLERS: &[Shape] =
    &[Exact, Any, AnySubject, SubjectPrefix, Prefix, Suffix, AnyIssuer, SuffixIssuer, StarStar, Bare];
const PATHS: &[Shape] = &[Exact, Prefix, Suffix, Any, Middle, Inner, OneSegment, Rest, RestThen];
const PLAIN: &[Shape] = &[Exact];
const ADDRESSES: &[Shape] = &[Address, Block, Address6, Block6];
const ADDRESSES4: &[Shape] = &[Address, Block];
const METADATA_VALUES: &[Shape] = &[Exact, Prefix, Suffix, Any, Middle, Inner, Listed];

/// The namespace of the metadata that a filter before both engines writes.
pub(super) const METADATA: &str = "envoy.filters.http.probe";

const fn source(about: About, name: &'static str, not_name: &'static str, shapes: &'static [Shape]) -> Field {
    Field { place: Source, about, name, not_name, shapes }
}

const fn operation(
    about: About,
    name: &'static str,
    not_name: &'static str,
    shapes: &'static [Shape],
) -> Field {
    Field { place: Operation, about, name, not_name, shapes }
}

const fn condition(about: About, name: &'static str, shapes: &'static [Shape]) -> Field {
    Field { place: Condition, about, name, not_name: name, shapes }
}

/// All of them.
pub(super) static FIELDS: [Field; 33] = [
    source(Principal, "principals", "notPrincipals", STRINGS),
    source(Namespace, "namespaces", "notNamespaces", STRINGS),
    source(ServiceAccount, "serviceAccounts", "notServiceAccounts", ACCOUNTS),
    source(TrustDomain, "trustDomains", "notTrustDomains", DOMAINS),
    source(RequestPrincipal, "requestPrincipals", "notRequestPrincipals", CALLERS),
    source(RemoteAddress, "remoteIpBlocks", "notRemoteIpBlocks", ADDRESSES),
    source(DirectAddress, "ipBlocks", "notIpBlocks", ADDRESSES4),
    operation(Authority, "hosts", "notHosts", STRINGS),
    operation(Port, "ports", "notPorts", PLAIN),
    operation(Method, "methods", "notMethods", STRINGS),
    operation(Path, "paths", "notPaths", PATHS),
    condition(Principal, "source.principal", STRINGS),
    condition(Namespace, "source.namespace", STRINGS),
    condition(ServiceAccount, "source.serviceAccount", ACCOUNTS),
    condition(TrustDomain, "source.trustDomain", DOMAINS),
    condition(RemoteAddress, "remote.ip", ADDRESSES),
    condition(DirectAddress, "source.ip", ADDRESSES4),
    condition(DestinationAddress, "destination.ip", ADDRESSES4),
    condition(Port, "destination.port", PLAIN),
    condition(ServerName, "connection.sni", STRINGS),
    condition(Metadata("tier"), "experimental.envoy.filters.http.probe[tier]", METADATA_VALUES),
    condition(Header("x-role"), "request.headers[x-role]", STRINGS),
    condition(Header("X-Team"), "request.headers[X-Team]", STRINGS),
    condition(Header(":method"), "request.headers[:method]", STRINGS),
    condition(Header(":path"), "request.headers[:path]", STRINGS),
    condition(Header("host"), "request.headers[host]", STRINGS),
    condition(RequestPrincipal, "request.auth.principal", CALLERS),
    condition(Audience, "request.auth.audiences", STRINGS),
    condition(Presenter, "request.auth.presenter", STRINGS),
    condition(Claim(&["groups"]), "request.auth.claims[groups]", STRINGS),
    condition(Claim(&["scope"]), "request.auth.claims[scope]", STRINGS),
    condition(Claim(&["realm_access", "roles"]), "request.auth.claims[realm_access][roles]", STRINGS),
    condition(Claim(&["https://id.example/team"]), "request.auth.claims[https://id.example/team]", STRINGS),
];

impl Field {
    /// Whether it looks at the connection, which many requests share.
    pub(super) fn is_of_the_connection(&self) -> bool {
        matches!(
            self.about,
            Principal | Namespace | ServiceAccount | TrustDomain | DirectAddress | ServerName
        )
    }
}

/// A field, one form of its values, positive or negative: a line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Form {
    pub(super) field: &'static Field,
    pub(super) not: bool,
    pub(super) shape: Shape,
}

impl Form {
    /// All forms of the fields that `wanted` takes.
    pub(super) fn all(wanted: impl Fn(&'static Field) -> bool) -> Vec<Self> {
        let fields = FIELDS.iter().filter(|field| wanted(field));
        fields
            .flat_map(|field| {
                let shapes = field.shapes.iter();
                shapes.flat_map(move |shape| [false, true].map(|not| Self { field, not, shape: *shape }))
            })
            .collect()
    }

    /// What the table calls it.
    pub(super) fn label(self) -> String {
        let Self { field, not, shape } = self;
        let shape = shape.label();
        match (field.place, not) {
            (Condition, false) => format!("{} values {shape}", field.name),
            (Condition, true) => format!("{} notValues {shape}", field.name),
            (_, false) => format!("{} {shape}", field.name),
            (_, true) => format!("{} {shape}", field.not_name),
        }
    }
}
