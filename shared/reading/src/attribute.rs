//! The parts of a request that conditions speak of, and what each of them may be.

use meshward_http::merged;
use meshward_http::template::Template;
use meshward_model::{Claim, Headers, NotSingle, Peer, SpiffeId, Token};

use crate::reading::{Reading, Readings, decoded};
use crate::{cookie, query};

/// A part of a request that conditions speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// A claim of the verified token; the names that lead to it.
    Claim(Vec<Box<str>>),
    /// A header, by its name in lower case.
    Header(Box<[u8]>),
    /// A parameter of the query.
    Query(Box<str>),
    /// A cookie.
    Cookie(Box<str>),
    /// A segment of the path, as the templates call it that the rule is about.
    Capture(Box<str>, Vec<Template>),
    /// A part of the peer's SPIFFE ID.
    Peer(PeerPart),
    /// The path in its one form, without query.
    Path,
}

/// A part of the peer's SPIFFE ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerPart {
    /// All of it, without `spiffe://`.
    Principal,
    /// The namespace.
    Namespace,
    /// The service account, without its namespace.
    ServiceAccount,
    /// The trust domain.
    TrustDomain,
}

/// What is seen of a request.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'r> {
    /// All headers, `:path` with its query among them.
    pub headers: &'r Headers,
    /// The path in its one form, without query.
    pub path: Option<&'r [u8]>,
    /// Who is on the other end of the connection.
    pub peer: &'r Peer,
    /// The verified token.
    pub token: Option<&'r Token>,
}

impl Attribute {
    /// Every plausible reading.
    pub fn readings<'r>(&self, seen: &Seen<'r>) -> Readings<'r> {
        match self {
            Self::Claim(path) => {
                let text = seen
                    .token
                    .and_then(|token| token.claim_at(path.iter().map(|name| &**name)))
                    .and_then(Claim::text);
                Readings::only(text.map_or(Reading::Unclear, |text| Reading::Text(text.into())))
            }
            Self::Header(name) => header_values(name, seen.headers),
            Self::Query(name) => match seen.headers.path() {
                Ok(path) => query::parameter(path, name),
                Err(NotSingle::Missing) => Readings::only(Reading::Absent),
                Err(NotSingle::Repeated) => Readings::only(Reading::Unclear),
            },
            Self::Cookie(name) => cookie::value(seen.headers.all(b"cookie"), name),
            Self::Capture(name, templates) => {
                let mut readings = Readings::default();
                let path = seen.path.unwrap_or_default();
                for segment in templates.iter().filter_map(|template| template.captured(path, name)) {
                    readings.add(decoded(segment));
                }
                if readings.is_empty() { Readings::only(Reading::Unclear) } else { readings }
            }
            Self::Peer(part) => {
                let text = seen.peer.spiffe_id().and_then(|id| part.of(id));
                Readings::only(text.map_or(Reading::Unclear, |text| Reading::Text(text.into())))
            }
            Self::Path => {
                let mut readings = Readings::default();
                readings.add_bytes(seen.path.unwrap_or_default());
                readings
            }
        }
    }
}

impl PeerPart {
    fn of(self, id: &SpiffeId) -> Option<&str> {
        match self {
            Self::Principal => Some(id.principal()),
            Self::Namespace => id.namespace(),
            Self::ServiceAccount => id.service_account(),
            Self::TrustDomain => Some(id.trust_domain()),
        }
    }
}

/// The readings of a header's values, and of the parts of each where a proxy may have joined several.
pub fn header_values<'r>(name: &[u8], headers: &'r Headers) -> Readings<'r> {
    header(name, headers, merged::may_be_merged(name))
}

/// The readings of a header's lines, each a list.
pub fn header_lines<'r>(name: &[u8], headers: &'r Headers) -> Readings<'r> {
    header(name, headers, false)
}

/// The readings of a header's values, and of the parts of each where `parts` are readings, too.
///
/// Behind a gateway interface (RFC 3875 §4.1.18) `x_role` is `x-role`; such a name is one more reading.
fn header<'r>(name: &[u8], headers: &'r Headers, parts: bool) -> Readings<'r> {
    let mut readings = Readings::default();
    let mut is_there = false;
    for (is_it, value) in headers.alike(name) {
        is_there |= is_it;
        readings.add_bytes(value.trim_ascii());
        if parts && value.contains(&b',') {
            value.split(|byte| *byte == b',').for_each(|part| readings.add_bytes(part.trim_ascii()));
        }
    }
    if !is_there {
        readings.add(Reading::Absent);
    }
    readings
}
