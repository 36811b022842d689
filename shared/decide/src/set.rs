//! All documents of one kind and one mode: DENY first, then ALLOW, then the default.

use std::borrow::Cow;

use meshward_http::{host, method, path};
use meshward_model::{Allowed, Decision, Denial, Needs, NotSingle, Reason, Request};

use crate::matching::operation::Target;
use crate::near;
use crate::rule::{Rule, Subject};
use crate::rules::Rules;

/// The compiled documents of one kind, all enforced or all shadow.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// Whether the documents are `AccessPolicy`: one reading only, and a missing identity proves nothing.
    pub strict: bool,
    /// Rules of DENY documents, in the order of the documents.
    pub deny: Rules,
    /// Rules of ALLOW documents, in the order of the documents.
    pub allow: Rules,
    /// Whether there is an ALLOW document, even one without rules (which allows nothing).
    pub has_allow_document: bool,
    /// What a DENY-only set does with the rest.
    pub otherwise: Decision,
    /// What the rules look at.
    pub uses: Uses,
}

/// How the first rule is found that matches.
type First = for<'r> fn(&'r Rules, &Subject<'_>) -> Option<&'r Rule>;

/// What the rules of a set look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Uses {
    /// The peer.
    pub peer: bool,
    /// The address that the request came from.
    pub remote: bool,
    /// Headers that they name.
    pub headers: bool,
    /// The host.
    pub host: bool,
    /// The port that the connection was accepted on.
    pub port: bool,
    /// The method.
    pub method: bool,
    /// The path.
    pub path: bool,
}

impl Uses {
    /// What either looks at.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self {
            peer: self.peer | other.peer,
            remote: self.remote | other.remote,
            headers: self.headers | other.headers,
            host: self.host | other.host,
            port: self.port | other.port,
            method: self.method | other.method,
            path: self.path | other.path,
        }
    }

    /// What has to be read; `peer` is what reading the peer takes.
    pub(crate) fn needs(self, peer: Needs) -> Needs {
        let rest = Needs {
            headers: self.headers || self.host || self.method || self.path,
            destination_port: self.port,
            source_address: self.remote,
            ..Needs::default()
        };
        if self.peer { rest.union(peer) } else { rest }
    }
}

impl Set {
    /// Decides `request` by this set alone.
    pub(crate) fn decide(&self, request: &Request) -> Decision {
        self.decide_with(request, Rules::first)
    }

    /// The same by comparing rule by rule.
    pub(crate) fn decide_one_by_one(&self, request: &Request) -> Decision {
        self.decide_with(request, Rules::first_one_by_one)
    }

    fn decide_with(&self, request: &Request, first: First) -> Decision {
        let canonical;
        let target = if self.strict {
            canonical = match Canonical::new(request, self.uses) {
                Ok(canonical) => canonical,
                Err(reason) => return Decision::Deny(Denial::new(reason, None)),
            };
            canonical.target(request)
        } else {
            Target {
                authority: request.authority().ok(),
                host: None,
                port: request.destination_port,
                method: request.method().ok(),
                path: request.path().ok().map(path::without_query),
                headers: None,
            }
        };
        let Request { peer, headers, token, source_address: remote, .. } = request;
        let token = token.as_deref();
        let subject = Subject { peer, token, headers, remote: *remote, target, strict: self.strict };
        self.combine(&subject, first)
    }

    fn combine(&self, subject: &Subject<'_>, first: First) -> Decision {
        if let Some(rule) = first(&self.deny, subject) {
            let denial = Denial::new(Reason::DenyRule, Some(rule.id.clone()));
            return Decision::Deny(denial.near(near::told(rule, subject)));
        }
        if self.has_allow_document {
            return match first(&self.allow, subject) {
                Some(rule) => Decision::Allow(Allowed::new(Reason::AllowRule, Some(rule.id.clone()))),
                None => {
                    let near = near::nearest(self.allow.near(subject), subject);
                    Decision::Deny(Denial::new(Reason::NoAllowMatch, None).near(near))
                }
            };
        }
        self.otherwise.clone()
    }
}

/// The one form of what a strict set looks at.
struct Canonical<'r> {
    method: Option<&'r [u8]>,
    host: Option<host::Host<'r>>,
    path: Option<Cow<'r, str>>,
}

impl<'r> Canonical<'r> {
    /// The reason is that of the first part that has no one form.
    fn new(request: &'r Request, uses: Uses) -> Result<Self, Reason> {
        let method = request.method().ok();
        if uses.method && !method.is_some_and(method::is_token) {
            return Err(Reason::MethodRefused);
        }
        let path = if uses.path {
            let raw = request.path().map_err(|_: NotSingle| Reason::PathRefused)?;
            let method = method.unwrap_or_default();
            Some(path::canonical_for(method, raw).map_err(|_| Reason::PathRefused)?)
        } else {
            None
        };
        let host = if uses.host {
            let raw = request.authority().map_err(|_: NotSingle| Reason::HostRefused)?;
            Some(host::canonical(raw).map_err(|_| Reason::HostRefused)?)
        } else {
            None
        };
        Ok(Self { method, host, path })
    }

    fn target(&'r self, request: &'r Request) -> Target<'r> {
        Target {
            authority: None,
            host: self.host.clone(),
            port: request.destination_port,
            method: self.method,
            path: self.path.as_deref().map(str::as_bytes),
            headers: Some(&request.headers),
        }
    }
}
