//! What a refusal adds to its reason: the rule that was nearest, and what of it did not hold.

use core::fmt;

use crate::RuleId;

/// Why it came to a refusal, told by one rule.
///
/// Where no ALLOW rule matched: the one that was nearest to it, and what it missed. Where a DENY rule refused that does not hold for
/// certain: that rule, and what could not be ruled out. Places only: no value of the request's and none of the policy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NearMiss {
    /// The rule.
    pub rule: RuleId,
    /// What of it did not hold, or could not be told; at least one.
    pub missed: Vec<Missed>,
}

/// A part of a rule that did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// Where it stands in the rule: `to[0].operation.methods`, `when[1]`.
    pub place: String,
    /// Whether it could not be told, since the request leaves it open: what it speaks of is missing, or can be read in two ways.
    pub open: bool,
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)?;
        f.write_str(if self.open { "?" } else { "" })
    }
}
