//! What a condition may hold, as the JSON Schema says it; read it is by a table.
#![expect(dead_code, reason = "only described")]

use crate::scalar::Scalar;

/// A further condition. With `key`: the attribute has one of `values` and none of `notValues`. With `claim`, `header`, `query`,
/// `cookie`, `capture`, `peer` or `request` (AccessPolicy only, one of them): this part of the request is what all of the other fields
/// say.
#[derive(schemars::JsonSchema)]
#[schemars(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Condition {
    /// The attribute, such as `request.headers[x-role]`, `source.namespace` or `request.auth.claims[groups]`.
    key: Option<String>,
    /// One of these; exact, `prefix*`, `*suffix` or `*`.
    values: Option<Vec<String>>,
    /// None of these.
    not_values: Option<Vec<String>>,
    /// A claim of the caller's verified token; the names that lead to it, one inside another: `[realm_access, roles]`.
    claim: Option<Vec<String>>,
    /// A header; every value of it counts.
    header: Option<String>,
    /// A parameter of the query, by its decoded name.
    query: Option<String>,
    /// A cookie.
    cookie: Option<String>,
    /// A segment of the path that each of the rule's paths calls so: `user` for `/users/{user}/{**}`.
    capture: Option<String>,
    /// A part of the peer's SPIFFE ID.
    peer: Option<PeerPart>,
    /// The request's path in the form in which `paths` are matched, without query.
    request: Option<RequestPart>,
    /// It is this string, number or boolean.
    equals: Option<Scalar>,
    /// It is one of these strings, numbers or booleans.
    r#in: Option<Vec<Scalar>>,
    /// It is a string that begins with this.
    prefix: Option<String>,
    /// It is a string that ends with this.
    suffix: Option<String>,
    /// It is a list with this element (a list claim, a header's elements between commas), or a string with this word (as in `scope`, words
    /// are separated by spaces).
    contains: Option<Scalar>,
    /// It is a number greater than this.
    #[schemars(with = "Option<f64>")]
    gt: Option<Scalar>,
    /// It is a number less than this.
    #[schemars(with = "Option<f64>")]
    lt: Option<Scalar>,
    /// It is a string that this regular expression matches, whole.
    regex: Option<String>,
    /// Whether it is there.
    exists: Option<bool>,
    /// It is the same string as another attribute.
    same_as: Option<Attribute>,
}

/// Another attribute: one of these.
#[derive(schemars::JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Attribute {
    /// A claim of the caller's verified token.
    claim: Option<Vec<String>>,
    /// A header.
    header: Option<String>,
    /// A parameter of the query.
    query: Option<String>,
    /// A cookie.
    cookie: Option<String>,
    /// A segment of the path.
    capture: Option<String>,
    /// A part of the peer's SPIFFE ID.
    peer: Option<PeerPart>,
    /// The request's path.
    request: Option<RequestPart>,
}

/// A part of the peer's SPIFFE ID.
#[derive(schemars::JsonSchema)]
#[schemars(rename_all = "camelCase")]
enum PeerPart {
    /// All of it, without `spiffe://`.
    Principal,
    /// The namespace.
    Namespace,
    /// The service account.
    ServiceAccount,
    /// The trust domain.
    TrustDomain,
}

/// A part of the request line.
#[derive(schemars::JsonSchema)]
#[schemars(rename_all = "camelCase")]
enum RequestPart {
    /// The path, without query.
    Path,
}
