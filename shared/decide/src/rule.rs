//! A compiled rule, and what it says of a request.

use core::net::IpAddr;

use meshward_model::{Headers, Peer, RuleId, Token};
use meshward_reading::attribute::Seen;

use crate::matching::Field;
use crate::matching::address::{self, Block};
use crate::matching::attribute::AttributeCondition;
use crate::matching::claim::{self, ClaimStrings, RequestPrincipal};
use crate::matching::header::HeaderCondition;
use crate::matching::operation::{Operation, Target, port_truth};
use crate::matching::peer::{self, PeerMatcher};
use crate::truth::{Truth, all, any};

/// Any of `from` (or none given), any of `to` (or none given), all of `when`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// How verdicts name it.
    pub id: RuleId,
    /// Who calls; none given: anybody.
    pub from: Vec<Source>,
    /// What is asked for; none given: anything.
    pub to: Vec<Operation>,
    /// What else must hold.
    pub when: Vec<Condition>,
}

/// One entry of `from`: all of its fields must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// What the peer must be.
    pub fields: Vec<Field<PeerMatcher>>,
    /// Issuer and subject of the token.
    pub token: Option<Field<RequestPrincipal>>,
    /// The address that the request came from, as the proxy sees it.
    pub remote: Option<Field<Block>>,
}

/// One entry of `when`.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A request header.
    Header(HeaderCondition),
    /// A part of the peer.
    Peer(Field<PeerMatcher>),
    /// The port that the connection was accepted on.
    Port(Field<u16>),
    /// Issuer and subject of the token.
    RequestPrincipal(Field<RequestPrincipal>),
    /// The strings of a claim.
    ClaimStrings(ClaimStrings),
    /// A claim or another part of the request, typed.
    Attribute(AttributeCondition),
    /// The address that the request came from, as the proxy sees it.
    Remote(Field<Block>),
}

/// What a rule is matched against.
#[derive(Debug, Clone)]
pub(crate) struct Subject<'r> {
    pub(crate) peer: &'r Peer,
    pub(crate) token: Option<&'r Token>,
    pub(crate) headers: &'r Headers,
    pub(crate) remote: Option<IpAddr>,
    pub(crate) target: Target<'r>,
    pub(crate) strict: bool,
}

impl<'r> Subject<'r> {
    /// What attributes are read from.
    pub(crate) const fn seen(&self) -> Seen<'r> {
        Seen { headers: self.headers, path: self.target.path, peer: self.peer, token: self.token }
    }
}

impl Rule {
    /// What is asked for comes first: it tells most rules apart, and a path that differs is seen at its first bytes.
    pub(crate) fn truth(&self, subject: &Subject<'_>) -> Truth {
        let to = match self.to.as_slice() {
            [] => Truth::Yes,
            operations => any(operations.iter().map(|operation| operation.truth(&subject.target))),
        };
        if to == Truth::No {
            return Truth::No;
        }
        let from = match self.from.as_slice() {
            [] => Truth::Yes,
            sources => any(sources.iter().map(|source| source.truth(subject))),
        };
        if from == Truth::No {
            return Truth::No;
        }
        to.min(from).min(all(self.when.iter().map(|condition| condition.truth(subject))))
    }
}

impl Source {
    fn truth(&self, subject: &Subject<'_>) -> Truth {
        let peer = all(self.fields.iter().map(|field| peer::truth(field, subject.peer, subject.strict)));
        if peer == Truth::No {
            return Truth::No;
        }
        let token =
            self.token.iter().map(|field| claim::principal_truth(field, subject.token, subject.strict));
        let remote = self.remote.iter().map(|field| address::truth(field, subject.remote, subject.strict));
        peer.min(all(token.chain(remote)))
    }
}

impl Condition {
    pub(crate) fn truth(&self, subject: &Subject<'_>) -> Truth {
        match self {
            Self::Header(header) => header.truth(subject.headers, subject.strict),
            Self::Peer(field) => peer::truth(field, subject.peer, subject.strict),
            Self::Port(field) => port_truth(field, subject.target.port),
            Self::RequestPrincipal(field) => claim::principal_truth(field, subject.token, subject.strict),
            Self::ClaimStrings(strings) => strings.truth(subject.token, subject.strict),
            Self::Attribute(attribute) => attribute.truth(subject),
            Self::Remote(field) => address::truth(field, subject.remote, subject.strict),
        }
    }
}
