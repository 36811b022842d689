//! What time it is, on two clocks: the wall's, for stages and reports, and a steady one, for all that is waited for.

use meshward_model::UnixMillis;

use crate::hostcalls::{self, Status};

/// Milliseconds of a clock that nobody sets; only differences mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Steady(pub(crate) u64);

impl Steady {
    pub(crate) const fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Now, on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) now: UnixMillis,
    pub(crate) steady: Steady,
}

impl Moment {
    pub(crate) fn read() -> Result<Self, Status> {
        Self::at(hostcalls::now()?)
    }

    /// The moment whose wall-clock time has been read already.
    pub(crate) fn at(now: UnixMillis) -> Result<Self, Status> {
        Ok(Self { now, steady: Steady(hostcalls::steady_millis()?) })
    }

    /// When a deadline is reached, at most so many milliseconds from now; `None` when it is past.
    pub(crate) fn reaches(self, deadline: UnixMillis, most: u64) -> Option<Steady> {
        let left = deadline.0.saturating_sub(self.now.0);
        (left > 0).then(|| self.steady.plus(left.min(most)))
    }
}
