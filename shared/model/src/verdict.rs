//! The end of every way: allowed or denied, why, and by which rule.

use crate::{FieldName, NearMiss, Reason, RuleId};

/// What becomes of the request, and what the shadow documents would have made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is done.
    pub decision: Decision,
    /// The refusal that the shadow documents would have given; `None` when they would have let it through or there are none.
    pub shadow: Option<Denial>,
}

/// Allow or deny. "No" is a value, never an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The request goes on.
    Allow(Allowed),
    /// The request ends here.
    Deny(Denial),
}

/// Why a request goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// The reason's code.
    pub reason: Reason,
    /// The ALLOW rule that matched, if one did.
    pub rule: Option<RuleId>,
    /// What is changed in the request's headers before it goes on; see `Stage::EDITS`.
    pub edits: Edits,
    /// What the next plugin of the chain gets to know, where this one hands over.
    pub handover: Option<Vec<u8>>,
}

/// Header edits: removals first, then additions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Names whose every value goes.
    pub remove: Vec<FieldName>,
    /// Pairs that are added.
    pub add: Vec<(FieldName, Vec<u8>)>,
}

impl Edits {
    /// Nothing is changed.
    pub const NONE: Self = Self { remove: Vec::new(), add: Vec::new() };

    /// Whether nothing is changed.
    pub const fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty()
    }

    /// Both, these first.
    pub fn extend(&mut self, other: Self) {
        // Most change nothing.
        if self.is_empty() {
            *self = other;
            return;
        }
        self.remove.extend(other.remove);
        self.add.extend(other.add);
    }

    /// Removes every value of `name`.
    #[must_use]
    pub fn without(mut self, name: impl Into<Vec<u8>>) -> Self {
        self.remove.push(FieldName::given(name));
        self
    }

    /// Adds a pair.
    #[must_use]
    pub fn with(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.add.push((FieldName::given(name), value.into()));
        self
    }
}

impl Allowed {
    /// Goes on as it came.
    pub const fn new(reason: Reason, rule: Option<RuleId>) -> Self {
        Self { reason, rule, edits: Edits::NONE, handover: None }
    }
}

/// Why a request ends here, and what the caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The reason's code.
    pub reason: Reason,
    /// The rule that refused, if one did.
    pub rule: Option<RuleId>,
    /// The HTTP status of the local reply.
    pub status: u16,
    /// What stands in the local reply's headers beside it.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// What the policy would have had otherwise; for people who look into the refusal, never for the caller.
    pub near: Option<Box<NearMiss>>,
}

impl Verdict {
    /// Lets the request go on.
    pub const fn allow(reason: Reason, rule: Option<RuleId>) -> Self {
        Self { decision: Decision::Allow(Allowed::new(reason, rule)), shadow: None }
    }

    /// Ends the request with the status that goes with `reason`.
    pub const fn deny(reason: Reason, rule: Option<RuleId>) -> Self {
        Self { decision: Decision::Deny(Denial::new(reason, rule)), shadow: None }
    }

    /// Ends the request as `denial` says.
    pub const fn refuse(denial: Denial) -> Self {
        Self { decision: Decision::Deny(denial), shadow: None }
    }

    /// The refusal, if it is one.
    pub const fn denial(&self) -> Option<&Denial> {
        match &self.decision {
            Decision::Allow(_) => None,
            Decision::Deny(denial) => Some(denial),
        }
    }

    /// The reason of the decision.
    pub const fn reason(&self) -> Reason {
        match &self.decision {
            Decision::Allow(allowed) => allowed.reason,
            Decision::Deny(denial) => denial.reason,
        }
    }

    /// The rule that decided, if one did.
    pub const fn rule(&self) -> Option<&RuleId> {
        match &self.decision {
            Decision::Allow(allowed) => allowed.rule.as_ref(),
            Decision::Deny(denial) => denial.rule.as_ref(),
        }
    }
}

impl Denial {
    /// A refusal with the status that goes with its reason; see [`Reason::status`].
    pub const fn new(reason: Reason, rule: Option<RuleId>) -> Self {
        Self { reason, rule, status: reason.status(), headers: Vec::new(), near: None }
    }

    /// The same, with a header in the reply.
    #[must_use]
    pub fn with(mut self, name: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The same, with what was missed.
    #[must_use]
    pub fn near(self, near: Option<Box<NearMiss>>) -> Self {
        Self { near, ..self }
    }

    /// The gRPC status of the local reply to a gRPC caller, where Envoy's own translation of the HTTP status says something else
    /// than is meant: it makes `UNAVAILABLE` of 429, which clients try again at once.
    pub const fn grpc_status(&self) -> Option<u8> {
        /// `RESOURCE_EXHAUSTED`.
        const EXHAUSTED: u8 = 8;
        if self.status == 429 { Some(EXHAUSTED) } else { None }
    }
}
