//! What a rule is filed under: keys of which a request that the rule matches has at least one, dimension by dimension.

use meshward_reading::attribute::Attribute;

use super::key::{self, Key, Kind};
use crate::matching::Field;
use crate::matching::address::Block;
use crate::matching::attribute::AttributeCondition;
use crate::matching::claim::{ClaimTest, RequestPrincipal};
use crate::matching::header::HeaderCondition;
use crate::matching::operation::{HostMatcher, Operation, OperationField, PathMatcher};
use crate::matching::peer::PeerMatcher;
use crate::pattern::Pattern;
use crate::rule::{Condition, Rule, Source};
use meshward_reading::Scalar;

/// How many dimensions there are.
pub(super) const DIMENSIONS: usize = 6;

/// What rules are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// The path.
    Path,
    /// The host.
    Host,
    /// The caller.
    Who,
    /// A header.
    Header,
    /// The caller's token.
    Token,
    /// The address that the request came from.
    Remote,
}

/// All dimensions, in the order of their numbers.
pub(crate) const ALL: &[Dimension] = &[
    Dimension::Path,
    Dimension::Host,
    Dimension::Who,
    Dimension::Header,
    Dimension::Token,
    Dimension::Remote,
];
/// Those in which a request is found whose caller has a name and an address, where nobody knows what a missing token would have said.
pub(crate) const TOKENLESS: &[Dimension] =
    &[Dimension::Path, Dimension::Host, Dimension::Who, Dimension::Header, Dimension::Remote];
/// Those in which a request is found whose caller has none of these.
pub(crate) const NAMELESS: &[Dimension] = &[Dimension::Path, Dimension::Host, Dimension::Header];

/// A key, and what is needed to look for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label {
    pub(super) key: Key,
    pub(super) kind: Kind,
    /// How long the text is; for a segment its place.
    pub(super) size: usize,
}

impl Label {
    fn whole(kind: Kind, text: &[u8]) -> Self {
        Self { key: key::whole(kind, text), kind, size: text.len() }
    }

    fn end(kind: Kind, text: &[u8]) -> Self {
        Self { key: key::backwards(kind, text), kind, size: text.len() }
    }

    fn segment(place: usize, text: &[u8]) -> Self {
        Self { key: key::segment(place, text), kind: Kind::PathSegment, size: place }
    }

    fn claim(path: &[Box<str>], value: &[u8]) -> Self {
        Self { key: key::claim(path, value), kind: Kind::Claim, size: 0 }
    }

    fn both(kind: Kind, first: &[u8], second: &[u8]) -> Self {
        Self { key: key::both(kind, first, second), kind, size: 0 }
    }
}

/// One value of a rule: a request that has this value has *each* of these keys, so that any of them will do.
pub(super) type Alternatives = Vec<Label>;

/// One dimension of a rule: a request that the rule matches has one of these values. `None`: the rule does not ask, or asks for
/// something that has no key.
pub(super) type Cover = Option<Vec<Alternatives>>;

/// What `rule` is filed under in `dimension`. It runs when a plugin is configured, so one copy of it is enough.
#[inline(never)]
pub(super) fn of(rule: &Rule, dimension: Dimension) -> Cover {
    match dimension {
        Dimension::Path => any_of(&rule.to, &paths),
        Dimension::Host => any_of(&rule.to, &hosts),
        Dimension::Who => {
            let conditions = rule.when.iter().filter_map(|condition| {
                let Condition::Peer(field) = condition else { return None };
                values(field, &peer)
            });
            any_of(&rule.from, &who).or_else(|| conditions.min_by_key(Vec::len))
        }
        Dimension::Header => header(rule).map(|(_, cover)| cover),
        Dimension::Token => any_of(&rule.from, &|source| values(source.token.as_ref()?, &principal))
            .or_else(|| rule.when.iter().find_map(|condition| claim(condition).map(|(_, cover)| cover))),
        Dimension::Remote => any_of(&rule.from, &remote).or_else(|| {
            rule.when.iter().find_map(|condition| {
                let Condition::Remote(field) = condition else { return None };
                values(field, &block)
            })
        }),
    }
}

fn remote(source: &Source) -> Cover {
    values(source.remote.as_ref()?, &block)
}

fn block(value: &Block) -> Alternatives {
    let (network, size) = (value.network(), key::block_size(value.network(), value.length()));
    vec![Label { key: key::block(network, size), kind: Kind::Block, size }]
}

/// The first header that has keys, by its name.
fn header(rule: &Rule) -> Option<(&[u8], Vec<Alternatives>)> {
    rule.when.iter().find_map(|condition| {
        let Condition::Header(header) = condition else { return None };
        Some((&*header.name, headers(header)?))
    })
}

/// The name of the header that `rule` is filed under, where it is filed under one.
pub(super) fn header_name(rule: &Rule) -> Option<&[u8]> {
    header(rule).map(|(name, _)| name)
}

/// The claim that `rule` is filed under, where it may be filed under one.
pub(super) fn claim_name(rule: &Rule) -> Option<&[Box<str>]> {
    rule.when.iter().find_map(claim).map(|(path, _)| path)
}

/// What a condition asks of the token, and the claim that it asks.
fn claim(condition: &Condition) -> Option<(&[Box<str>], Vec<Alternatives>)> {
    let text = |path: &[Box<str>], value: &[u8]| vec![Label::claim(path, value)];
    match condition {
        Condition::RequestPrincipal(field) => Some((&[], values(field, &principal)?)),
        Condition::ClaimStrings(strings) => {
            let exact = |pattern: &Pattern| match pattern {
                Pattern::Exact(value) => text(&strings.path, value),
                Pattern::Any | Pattern::Prefix(_) | Pattern::Suffix(_) => Vec::new(),
            };
            Some((&strings.path, values(&strings.values, &exact)?))
        }
        Condition::Attribute(AttributeCondition { attribute: Attribute::Claim(path), tests, .. }) => {
            tests.iter().find_map(|test| {
                let wanted: &[Scalar] = match test {
                    ClaimTest::In(values) => values,
                    ClaimTest::Contains(value) => core::slice::from_ref(value),
                    ClaimTest::Prefix(_)
                    | ClaimTest::Suffix(_)
                    | ClaimTest::Compared(..)
                    | ClaimTest::Exists(_)
                    | ClaimTest::Regex(_) => return None,
                };
                let covered = wanted.iter().map(|value| match value {
                    Scalar::Text(value) => Some(text(path, value.as_bytes())),
                    Scalar::Bool(_) | Scalar::Integer(_) | Scalar::Real(_) => None,
                });
                Some((&**path, covered.collect::<Option<_>>()?))
            })
        }
        Condition::Attribute(_)
        | Condition::Header(_)
        | Condition::Peer(_)
        | Condition::Port(_)
        | Condition::Remote(_) => None,
    }
}

/// The values of all entries together, where each entry has some.
fn any_of<T>(entries: &[T], cover: &dyn Fn(&T) -> Cover) -> Cover {
    if entries.is_empty() {
        return None;
    }
    let mut together = Vec::new();
    for entry in entries {
        together.extend(cover(entry)?);
    }
    Some(together)
}

/// The values of a field, where it asks for some and each has a key.
fn values<M>(field: &Field<M>, keys: &dyn Fn(&M) -> Alternatives) -> Cover {
    if field.any.is_empty() {
        return None;
    }
    let covered: Vec<Alternatives> = field.any.iter().map(keys).collect();
    covered.iter().all(|alternatives| !alternatives.is_empty()).then_some(covered)
}

fn paths(operation: &Operation) -> Cover {
    operation.fields.iter().find_map(|field| {
        let OperationField::Paths(field) = field else { return None };
        values(field, &path)
    })
}

fn hosts(operation: &Operation) -> Cover {
    operation.fields.iter().find_map(|field| {
        let OperationField::Hosts(field) = field else { return None };
        values(field, &host)
    })
}

/// One field is enough: all of a source's fields must hold. The one with the fewest values tells most apart.
fn who(source: &Source) -> Cover {
    source.fields.iter().filter_map(|field| values(field, &peer)).min_by_key(Vec::len)
}

fn principal(value: &RequestPrincipal) -> Alternatives {
    match (&value.issuer, &value.subject) {
        (Pattern::Exact(issuer), Pattern::Exact(subject)) => {
            vec![Label::both(Kind::RequestPrincipal, issuer, subject)]
        }
        (Pattern::Exact(issuer), _) => vec![Label::whole(Kind::Issuer, issuer)],
        (_, _) => Vec::new(),
    }
}

fn headers(header: &HeaderCondition) -> Cover {
    values(&header.values, &|pattern| match pattern {
        Pattern::Exact(value) => vec![Label::both(Kind::Header, &header.name, value)],
        Pattern::Any | Pattern::Prefix(_) | Pattern::Suffix(_) => Vec::new(),
    })
}

fn path(value: &PathMatcher) -> Alternatives {
    match value {
        PathMatcher::Pattern(value) => {
            pattern(value, [Kind::Path, Kind::PathPrefix, Kind::PathSuffix], false)
        }
        PathMatcher::Template(template) => {
            let literals = template.literals().map(|(place, literal)| Label::segment(place, literal));
            let tail = template.tail().map(|tail| Label::end(Kind::PathSuffix, tail));
            literals.chain(tail).collect()
        }
    }
}

fn host(value: &HostMatcher) -> Alternatives {
    let (HostMatcher::Strict { name, .. } | HostMatcher::Istio(name)) = value;
    pattern(name, [Kind::Host, Kind::HostPrefix, Kind::HostSuffix], true)
}

fn peer(value: &PeerMatcher) -> Alternatives {
    let one = |label| vec![label];
    match value {
        PeerMatcher::Principal(value) => {
            pattern(value, [Kind::Principal, Kind::PrincipalPrefix, Kind::PrincipalSuffix], false)
        }
        PeerMatcher::Namespace(Pattern::Exact(namespace)) => one(Label::whole(Kind::Namespace, namespace)),
        PeerMatcher::ServiceAccount { namespace, name } => {
            one(Label::both(Kind::Account, namespace.as_bytes(), name.as_bytes()))
        }
        PeerMatcher::TrustDomain(Pattern::Exact(domain)) => one(Label::whole(Kind::TrustDomain, domain)),
        PeerMatcher::IstioTrustDomain { before, open: false, .. } => {
            one(Label::whole(Kind::TrustDomain, before.as_bytes()))
        }
        // The one piece of a namespace without a star: `/ns/<namespace>/`.
        PeerMatcher::IstioNamespace(pieces) => {
            let only = (pieces.len() == 1).then(|| pieces.first()).flatten();
            let named = only.and_then(|piece| segment_of(piece, "/ns/", "/"));
            named.map(|namespace| Label::whole(Kind::Namespace, namespace.as_bytes())).into_iter().collect()
        }
        PeerMatcher::IstioServiceAccount { namespace, account } => {
            let both = segment_of(namespace, "/ns/", "/").zip(segment_of(account, "sa/", ""));
            let label = |(namespace, name): (&str, &str)| {
                Label::both(Kind::Account, namespace.as_bytes(), name.as_bytes())
            };
            both.map(label).into_iter().collect()
        }
        PeerMatcher::Namespace(_) | PeerMatcher::TrustDomain(_) | PeerMatcher::IstioTrustDomain { .. } => {
            Vec::new()
        }
    }
}

/// What stands between the two, where that is one segment.
fn segment_of<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let segment = text.strip_prefix(before)?.strip_suffix(after)?;
    (!segment.contains('/')).then_some(segment)
}

/// A pattern has one key, as a whole, a beginning or an end; `*` has none.
fn pattern(pattern: &Pattern, [whole, prefix, suffix]: [Kind; 3], lower: bool) -> Alternatives {
    let literal = if lower { pattern.literal().to_ascii_lowercase() } else { pattern.literal().to_vec() };
    match pattern {
        Pattern::Any => Vec::new(),
        Pattern::Exact(_) => vec![Label::whole(whole, &literal)],
        Pattern::Prefix(_) => vec![Label::whole(prefix, &literal)],
        Pattern::Suffix(_) => vec![Label::end(suffix, &literal)],
    }
}
