//! Matching on who calls.
//!
//! Two dialects. Strict (`AccessPolicy`): the SPIFFE ID's parts, compared as parts; what is missing is neither equal nor
//! different. Istio's (`AuthorizationPolicy`): the regular expressions that istiod writes, whose slack is kept on purpose, and a
//! missing identity that satisfies every negative match.

use meshward_model::{Peer, SpiffeId};

use super::Field;
use crate::pattern::Pattern;
use crate::truth::Truth;

/// One value of a field that speaks of the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerMatcher {
    /// The SPIFFE ID without `spiffe://`; both dialects.
    Principal(Pattern),
    /// Strict: the namespace part.
    Namespace(Pattern),
    /// Strict: namespace and service account parts.
    ServiceAccount {
        /// The namespace.
        namespace: Box<str>,
        /// The account's name.
        name: Box<str>,
    },
    /// Strict: the trust domain.
    TrustDomain(Pattern),
    /// Istio: `.*/ns/<pattern>/.*`; the pieces between the pattern's stars, `/ns/` and `/` included.
    IstioNamespace(Vec<Box<str>>),
    /// Istio: `.+/ns/<ns>/(.+/|)sa/<sa>(/.+)?` after the scheme; `/ns/<ns>/` and `sa/<sa>`.
    IstioServiceAccount {
        /// With its slashes.
        namespace: Box<str>,
        /// With `sa/`.
        account: Box<str>,
    },
    /// Istio: `<before>[^/]*<after>/.*` after the scheme.
    IstioTrustDomain {
        /// What stands before the star.
        before: Box<str>,
        /// What stands behind it.
        after: Box<str>,
        /// Whether there is a star.
        open: bool,
    },
}

/// What the field says of `peer`; `strict` is the dialect.
pub(crate) fn truth(field: &Field<PeerMatcher>, peer: &Peer, strict: bool) -> Truth {
    let Some(id) = peer.spiffe_id() else {
        return if strict {
            field.truth(PeerMatcher::where_missing, |_| Truth::Maybe)
        } else {
            field.plain(|_| false)
        };
    };
    field.truth(
        |value| value.matches(id).map_or_else(|| value.where_missing(), Truth::from),
        |value| value.matches(id).map_or(Truth::Maybe, |matches| (!matches).into()),
    )
}

impl PeerMatcher {
    /// `Some(whether it matches)`, or `None` when the ID has no such part.
    fn matches(&self, id: &SpiffeId) -> Option<bool> {
        Some(match self {
            Self::Principal(pattern) => pattern.matches(id.principal().as_bytes()),
            Self::Namespace(pattern) => pattern.matches(id.namespace()?.as_bytes()),
            Self::ServiceAccount { namespace, name } => {
                id.namespace()? == &**namespace && id.service_account()? == &**name
            }
            Self::TrustDomain(pattern) => pattern.matches(id.trust_domain().as_bytes()),
            Self::IstioNamespace(pieces) => contains_in_order(id.as_str(), pieces),
            Self::IstioServiceAccount { namespace, account } => {
                istio_service_account(id.principal(), namespace, account)
            }
            Self::IstioTrustDomain { before, after, open } => {
                let domain = id.trust_domain();
                !id.path().is_empty()
                    && if *open {
                        domain.len() >= before.len().saturating_add(after.len())
                            && domain.starts_with(&**before)
                            && domain.ends_with(&**after)
                    } else {
                        domain == &**before
                    }
            }
        })
    }

    /// What a strict value says of a caller that has no identity, or not this part of one: it surely does not have any; whether
    /// it is the one named here cannot be told.
    fn where_missing(&self) -> Truth {
        match self {
            Self::Principal(Pattern::Any)
            | Self::Namespace(Pattern::Any)
            | Self::TrustDomain(Pattern::Any) => Truth::No,
            Self::Principal(_)
            | Self::Namespace(_)
            | Self::ServiceAccount { .. }
            | Self::TrustDomain(_)
            | Self::IstioNamespace(_)
            | Self::IstioServiceAccount { .. }
            | Self::IstioTrustDomain { .. } => Truth::Maybe,
        }
    }
}

/// Whether `pieces` stand in `text` one after another, with anything before, between and after.
fn contains_in_order(text: &str, pieces: &[Box<str>]) -> bool {
    let mut left = text;
    for piece in pieces {
        match left.split_once(&**piece) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    true
}

/// `.+<namespace>(.+/|)<account>(/.+)?`, where `namespace` begins and ends with a slash. The leftmost namespace is enough: what
/// follows a later one is reached from it through `.+/`.
fn istio_service_account(principal: &str, namespace: &str, account: &str) -> bool {
    let Some((_, rest)) = principal.split_once(namespace) else { return false };
    // No SPIFFE ID ends with a slash: behind one there is more.
    let ends = |after: &str| after.is_empty() || after.starts_with('/');
    let starts = core::iter::once(0).chain(rest.match_indices('/').map(|(at, _)| at.saturating_add(1)));
    starts
        .filter(|start| *start != 1)
        .any(|start| rest.get(start..).and_then(|from| from.strip_prefix(account)).is_some_and(ends))
}

#[cfg(test)]
#[path = "peer_tests.rs"]
mod tests;
