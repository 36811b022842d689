//! One compiled limit.

use std::sync::Arc;

use meshward_http::template::Template;
use meshward_model::{Allowance, Denial, Needs, Reason, Request, RuleId, StageId, UnixMillis};

use crate::fields::parameter;
use crate::gcra::Rate;
use crate::key::KeyPart;

/// How fast callers that are alike may go.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    pub(crate) name: Arc<str>,
    pub(crate) rule: RuleId,
    pub(crate) rate: Rate,
    pub(crate) terms: Terms,
    pub(crate) parts: Vec<KeyPart>,
    /// Whether the workers of the proxy share the buckets.
    pub(crate) shared: bool,
    /// Whether it refuses.
    pub(crate) enforced: bool,
    pub(crate) matches: Matches,
    /// Tells the limit from every other one in shared data: a limit whose rate was changed begins anew.
    pub(crate) identity: Box<[u8]>,
}

/// Which requests are counted; an empty list counts all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Matches {
    pub(crate) methods: Vec<Box<[u8]>>,
    pub(crate) paths: Vec<Template>,
}

impl Limit {
    /// Whether the request is counted. What cannot be read in one way is: a limit must not be evaded by a path that nobody can read.
    pub(crate) fn applies(&self, request: &Request, path: Option<&str>) -> bool {
        let Matches { methods, paths } = &self.matches;
        let method = methods.is_empty()
            || request.method().map_or(true, |method| methods.iter().any(|known| **known == *method));
        let path = paths.is_empty()
            || path.is_none_or(|path| paths.iter().any(|template| template.matches(path.as_bytes())));
        method && path
    }

    /// Whether the path is looked at.
    pub(crate) fn reads_path(&self) -> bool {
        !self.matches.paths.is_empty()
            || self.parts.iter().any(|part| matches!(part, KeyPart::PathTemplate(_)))
    }

    /// What is read of a request; `peer` is what reading the peer takes.
    pub(crate) fn needs(&self, peer: Needs) -> Needs {
        let headers = self.reads_path() || !self.matches.methods.is_empty();
        let mut needs = Needs { headers, ..Needs::default() };
        for part in &self.parts {
            match part {
                KeyPart::Peer | KeyPart::Namespace => needs = needs.union(peer),
                KeyPart::Header(_) | KeyPart::PathTemplate(_) => needs.headers = true,
                // The token comes with the handover.
                KeyPart::Subject => {}
            }
        }
        needs
    }

    /// What is left of it.
    pub(crate) fn allowance(&self, remaining: u32, full_at: UnixMillis) -> Allowance {
        Allowance {
            stage: StageId::Ratelimit,
            policy: Arc::clone(&self.name),
            quota: self.terms.quota,
            remaining: remaining.into(),
            full_at,
        }
    }

    /// The refusal of a request that is over it.
    pub(crate) fn denial(&self) -> Denial {
        Denial::new(Reason::LimitExceeded, Some(self.rule.clone()))
    }
}

/// A limit as draft-ietf-httpapi-ratelimit-headers tells it: what does not change from answer to answer is written once.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// How many requests may come in a window.
    pub(crate) quota: u64,
    /// The member of `RateLimit-Policy`.
    pub(crate) policy: Box<str>,
    /// How the member of `RateLimit` begins: the name, in quotes.
    pub(crate) name: Box<str>,
}

impl Terms {
    /// The terms of a rate, in whole seconds. The window is the time in which an empty bucket fills, rounded up, so that no more than
    /// the quota is ever left. The name was checked: it needs no escapes.
    pub(crate) fn new(name: &str, rate: Rate) -> Self {
        let window = rate.fill_millis().div_ceil(1_000).max(1);
        let quota = rate.requests_in(window.saturating_mul(1_000)).max(rate.burst().into());
        let name = ["\"", name, "\""].concat();
        let mut policy = name.clone();
        parameter(&mut policy, ";q=", quota);
        parameter(&mut policy, ";w=", window);
        Self { quota, policy: policy.into(), name: name.into() }
    }
}
