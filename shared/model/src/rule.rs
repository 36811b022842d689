//! The name of a rule, as it stands in verdicts, events and access logs.

use core::fmt;
use std::sync::Arc;

/// Which kind of document a rule stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentKind {
    /// meshward's own, strict.
    AccessPolicy,
    /// Istio's, with Istio's meaning.
    AuthorizationPolicy,
    /// How fast callers may go; its rules are limits.
    RateLimit,
}

impl DocumentKind {
    /// As it stands in `kind:`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessPolicy => "AccessPolicy",
            Self::AuthorizationPolicy => "AuthorizationPolicy",
            Self::RateLimit => "RateLimit",
        }
    }
}

/// Where a rule stands: document and place. Prints in the shape that Istio's own access logs use:
/// `ns[shop]-policy[orders]-rule[1]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuleName {
    /// The document's kind.
    pub kind: DocumentKind,
    /// The document's namespace.
    pub namespace: String,
    /// The document's name.
    pub policy: String,
    /// The rule's place in the document, from 0.
    pub index: usize,
}

/// A shared [`RuleName`]: naming a rule in a verdict copies a pointer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RuleId(Arc<RuleName>);

impl RuleId {
    /// Shares `name`.
    pub fn new(name: RuleName) -> Self {
        Self(Arc::new(name))
    }

    /// The name.
    pub fn name(&self) -> &RuleName {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RuleName { namespace, policy, index, .. } = self.name();
        write!(f, "ns[{namespace}]-policy[{policy}]-rule[{index}]")
    }
}
