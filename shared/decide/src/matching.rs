//! What one value of a rule matches, once compiled: peers, addresses, tokens, headers, operations, and parts of them typed. Cannot be
//! wrong, only false.

pub mod address;
pub mod attribute;
pub mod claim;
pub mod grpc;
pub mod header;
pub mod operation;
pub mod peer;

use crate::truth::{Truth, all, any};

/// A field of a rule: one of `any` (or none given) and none of `none`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<M> {
    /// The values of `x`; empty when the field was left out.
    pub any: Vec<M>,
    /// The values of `notX`.
    pub none: Vec<M>,
}

impl<M> Field<M> {
    /// What the field says, where `positive` judges a value of `x` and `negative` a value of `notX` (already negated).
    pub(crate) fn truth(&self, positive: impl Fn(&M) -> Truth, negative: impl Fn(&M) -> Truth) -> Truth {
        let some = if self.any.is_empty() { Truth::Yes } else { any(self.any.iter().map(positive)) };
        match some {
            Truth::No => Truth::No,
            Truth::Maybe | Truth::Yes => some.min(all(self.none.iter().map(negative))),
        }
    }

    /// What the field says where every value is plainly true or false.
    pub(crate) fn plain(&self, matches: impl Fn(&M) -> bool) -> Truth {
        let some = self.any.is_empty() || self.any.iter().any(&matches);
        (some && !self.none.iter().any(matches)).into()
    }
}
