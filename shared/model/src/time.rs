//! Time as an argument.

/// Milliseconds since 1970-01-01T00:00:00Z. Nothing in `shared/` reads a clock: whoever calls says what time it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// From the nanoseconds that the proxy's clock gives.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos / 1_000_000)
    }
}
