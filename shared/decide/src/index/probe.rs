//! What a request is looked up by: every key that a rule which matches it may be filed under.

use core::net::IpAddr;

use meshward_model::{Claim, Peer, Token};

use super::cover::{Dimension, Label};
use super::key::{self, KINDS, Key, Kind, Running};
use crate::matching::address::network_of;
use crate::rule::Subject;

/// The longest segment that a template can name.
const MAX_SEGMENT: usize = meshward_http::template::MAX_TEMPLATE_BYTES;

/// What kinds of keys rules are filed under, so that nothing is looked up in vain and no long text is read to its end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Filed {
    /// By kind, in rising order: how long the texts are; for [`Kind::PathSegment`] their places.
    sizes: [Vec<usize>; KINDS],
    /// The headers that rules are filed under.
    headers: Vec<Box<[u8]>>,
    /// The claims that rules are filed under, by the names that lead to them.
    claims: Vec<Vec<Box<str>>>,
}

impl Filed {
    /// Looks for what is filed under `label` from now on.
    pub(super) fn note(&mut self, label: Label) {
        if let Some(sizes) = self.sizes.get_mut(label.kind as usize)
            && let Err(at) = sizes.binary_search(&label.size)
        {
            sizes.insert(at, label.size);
        }
    }

    /// Looks at the values of this header from now on.
    pub(super) fn note_header(&mut self, name: &[u8]) {
        if !self.headers.iter().any(|known| **known == *name) {
            self.headers.push(name.into());
        }
    }

    /// Looks at this claim from now on.
    pub(super) fn note_claim(&mut self, path: &[Box<str>]) {
        if !self.claims.iter().any(|known| known == path) {
            self.claims.push(path.to_vec());
        }
    }

    /// Gives `found` every key of the request.
    pub(super) fn probe(&self, subject: &Subject<'_>, found: &mut dyn FnMut(Dimension, Key)) {
        if let Some(path) = subject.target.path {
            self.text(path, [Kind::Path, Kind::PathPrefix, Kind::PathSuffix], &mut |key| {
                found(Dimension::Path, key);
            });
            self.segments(path, &mut |key| found(Dimension::Path, key));
        }
        let host = match (&subject.target.host, subject.target.authority) {
            (Some(host), _) => Some(host.name.as_bytes()),
            (None, authority) => authority,
        };
        if let Some(host) = host {
            self.text(host, [Kind::Host, Kind::HostPrefix, Kind::HostSuffix], &mut |key| {
                found(Dimension::Host, key);
            });
        }
        self.caller(subject.peer, &mut |key| found(Dimension::Who, key));
        self.headers(subject, &mut |key| found(Dimension::Header, key));
        if let Some(token) = subject.token {
            self.token(token, &mut |key| found(Dimension::Token, key));
        }
        if let Some(address) = subject.remote {
            let address = if subject.strict { address.to_canonical() } else { address };
            self.blocks(address, &mut |key| found(Dimension::Remote, key));
        }
    }

    /// Whether any rule is filed under one of these kinds of keys.
    pub(super) fn has(&self, kinds: &[Kind]) -> bool {
        kinds.iter().any(|kind| !self.of(*kind).is_empty())
    }

    fn of(&self, kind: Kind) -> &[usize] {
        self.sizes.get(kind as usize).map_or(&[], Vec::as_slice)
    }

    /// A text whole, its beginnings and its ends. Hosts are read in lower case.
    fn text(&self, text: &[u8], [whole, prefix, suffix]: [Kind; 3], found: &mut dyn FnMut(Key)) {
        let lower = whole == Kind::Host;
        let read = |byte: &u8| if lower { byte.to_ascii_lowercase() } else { *byte };
        let beginnings = self.of(prefix);
        let is_whole = self.of(whole).binary_search(&text.len()).is_ok();
        if is_whole || !beginnings.is_empty() {
            let end = walk(text.iter().map(read), beginnings, is_whole, prefix, found);
            if is_whole {
                found(end.key(whole));
            }
        }
        let ends = self.of(suffix);
        if !ends.is_empty() {
            walk(text.iter().rev().map(read), ends, false, suffix, found);
        }
    }

    fn segments(&self, path: &[u8], found: &mut dyn FnMut(Key)) {
        let places = self.of(Kind::PathSegment);
        let Some(last) = places.last() else { return };
        let Some(path) = path.strip_prefix(b"/") else { return };
        let segments = path.split(|byte| *byte == b'/').enumerate().take(last.saturating_add(1));
        for (place, segment) in segments {
            if segment.len() <= MAX_SEGMENT && places.binary_search(&place).is_ok() {
                found(key::segment(place, segment));
            }
        }
    }

    fn caller(&self, peer: &Peer, found: &mut dyn FnMut(Key)) {
        let Some(id) = peer.spiffe_id() else { return };
        let principal = id.principal().as_bytes();
        self.text(principal, [Kind::Principal, Kind::PrincipalPrefix, Kind::PrincipalSuffix], found);
        if !self.of(Kind::TrustDomain).is_empty() {
            found(key::whole(Kind::TrustDomain, id.trust_domain().as_bytes()));
        }
        let (namespaces, accounts) = (self.of(Kind::Namespace), self.of(Kind::Account));
        if namespaces.is_empty() && accounts.is_empty() {
            return;
        }
        // The scheme's slashes count: Istio's expressions find a namespace wherever `/ns/` stands.
        let segments = || id.as_str().as_bytes().split(|byte| *byte == b'/');
        let mut before: &[u8] = b"";
        for (at, namespace) in segments().enumerate() {
            if before == b"ns" {
                found(key::whole(Kind::Namespace, namespace));
                if !accounts.is_empty() {
                    self::accounts(namespace, segments().skip(at), found);
                }
            }
            before = namespace;
        }
    }

    /// Every reading of every value: those included that stand between commas, and for strict rules those of names that are alike.
    fn headers(&self, subject: &Subject<'_>, found: &mut dyn FnMut(Key)) {
        for name in &self.headers {
            let values = subject.headers.alike(name).filter(|(same, _)| *same || subject.strict);
            for (_, value) in values {
                found(key::both(Kind::Header, name, value));
                if value.contains(&b',') {
                    for part in value.split(|byte| *byte == b',') {
                        found(key::both(Kind::Header, name, part.trim_ascii()));
                    }
                }
            }
        }
    }

    /// The block of each size that the address is in.
    fn blocks(&self, address: IpAddr, found: &mut dyn FnMut(Key)) {
        for size in self.of(Kind::Block) {
            if let Some(length) = key::block_length(address, *size) {
                found(key::block(network_of(address, length), *size));
            }
        }
    }

    /// Issuer and subject, and every string of the claims: whole, and its words.
    fn token(&self, token: &Token, found: &mut dyn FnMut(Key)) {
        if !self.of(Kind::Issuer).is_empty() {
            found(key::whole(Kind::Issuer, token.issuer.as_bytes()));
        }
        if let (Some(subject), false) = (&token.subject, self.of(Kind::RequestPrincipal).is_empty()) {
            found(key::both(Kind::RequestPrincipal, token.issuer.as_bytes(), subject.as_bytes()));
        }
        for path in &self.claims {
            match token.claim_at(path.iter().map(|name| &**name)) {
                Some(Claim::Text(text)) => {
                    found(key::claim(path, text.as_bytes()));
                    for word in text.split(' ') {
                        found(key::claim(path, word.as_bytes()));
                    }
                }
                Some(Claim::List(elements)) => {
                    for text in elements.iter().filter_map(Claim::text) {
                        found(key::claim(path, text.as_bytes()));
                    }
                }
                Some(Claim::Null | Claim::Bool(_) | Claim::Integer(_) | Claim::Real(_) | Claim::Map(_))
                | None => {}
            }
        }
    }
}

/// Every account that stands behind a segment `sa` of these.
fn accounts<'s>(namespace: &[u8], segments: impl Iterator<Item = &'s [u8]>, found: &mut dyn FnMut(Key)) {
    let mut before: &[u8] = b"";
    for account in segments {
        if before == b"sa" {
            found(key::both(Kind::Account, namespace, account));
        }
        before = account;
    }
}

/// Walks over a text, no farther than is asked for, and gives a key at each of the lengths.
fn walk(
    text: impl ExactSizeIterator<Item = u8>,
    lengths: &[usize],
    to_the_end: bool,
    kind: Kind,
    found: &mut dyn FnMut(Key),
) -> Running {
    let mut lengths = lengths.iter().copied();
    let mut next = lengths.next();
    let mut running = Running::new();
    for (at, byte) in text.enumerate() {
        if next.is_none() && !to_the_end {
            break;
        }
        running = running.byte(byte);
        if next == Some(at.saturating_add(1)) {
            found(running.key(kind));
            next = lengths.next();
        }
    }
    running
}
