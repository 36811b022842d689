//! Kleene's three truth values: what a strict rule says of a request that leaves something open.

use core::ops::Not;

/// Whether something holds. An ALLOW rule matches on [`Truth::Yes`] only, a DENY rule on everything but [`Truth::No`], so that
/// what cannot be told never opens a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    /// It does not hold.
    No,
    /// It holds in one plausible reading of the request and not in another, or what it speaks of is missing.
    Maybe,
    /// It holds.
    Yes,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

/// The strongest of `truths`; `No` when there are none.
pub(crate) fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let mut best = Truth::No;
    for truth in truths {
        best = best.max(truth);
        if best == Truth::Yes {
            break;
        }
    }
    best
}

/// The weakest of `truths`; `Yes` when there are none.
pub(crate) fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
    let mut worst = Truth::Yes;
    for truth in truths {
        worst = worst.min(truth);
        if worst == Truth::No {
            break;
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::Truth::{Maybe, No, Yes};
    use super::*;

    #[test]
    fn any_is_the_strongest_and_all_is_the_weakest() {
        assert_eq!((any([No, Maybe, No]), any([Maybe, Yes]), any([No]), any([])), (Maybe, Yes, No, No));
        assert_eq!((all([Yes, Maybe]), all([Maybe, No]), all([Yes]), all([])), (Maybe, No, Yes, Yes));
    }

    #[test]
    fn what_is_open_stays_open_when_negated() {
        assert_eq!((!No, !Maybe, !Yes), (Yes, Maybe, No));
    }
}
