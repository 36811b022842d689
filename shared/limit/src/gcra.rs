//! The generic cell rate algorithm: a bucket is one number, eight bytes.
//!
//! The number is the theoretical arrival time (TAT, ITU-T I.371): the moment at which the bucket is full again. Each request moves
//! it on by one interval (`period / requests`); as long as it stays within `burst` intervals of now, the request is within the
//! limit. All arithmetic is exact: intervals that are no whole milliseconds are kept as fractions.

use meshward_model::UnixMillis;

/// How many requests may come in how much time, and how many of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    requests: u32,
    period_millis: u32,
    burst: u32,
    /// How long an empty bucket takes to be full again.
    fill_millis: u64,
}

/// A theoretical arrival time: milliseconds since the epoch, and a fraction of one in units of `1 / requests`.
///
/// The milliseconds are the upper 44 bits, so that whoever does not know the rate can still tell whether it lies in the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tat(u64);

/// How far two workers' clocks may be apart before one calls the other's time absurd, in milliseconds.
pub const CLOCK_SLACK_MILLIS: u64 = 1_000;

impl Tat {
    /// How many bits the fraction has; [`Rate::MAX_REQUESTS`] fits.
    const FRACTION_BITS: u32 = 20;

    /// The latest millisecond that a bucket can hold: in the year 2527.
    const MAX_MILLIS: u64 = (1 << (u64::BITS - Self::FRACTION_BITS)) - 1;

    /// A bucket that was never used.
    pub const FULL: Self = Self(0);

    /// From the bits that [`Tat::bits`] gave.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The eight bytes that are kept of a bucket.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The whole milliseconds.
    pub const fn millis(self) -> u64 {
        self.0 >> Self::FRACTION_BITS
    }

    const fn fraction(self) -> u64 {
        self.0 & ((1 << Self::FRACTION_BITS) - 1)
    }

    /// Whether the bucket is full, so that forgetting it frees nobody.
    pub const fn is_past(self, now: UnixMillis) -> bool {
        self.millis() < now.0 || (self.millis() == now.0 && self.fraction() == 0)
    }
}

impl Rate {
    /// The most requests of a period.
    pub const MAX_REQUESTS: u32 = 1_000_000;
    /// The longest period, in milliseconds: a day.
    pub const MAX_PERIOD_MILLIS: u32 = 86_400_000;
    /// The most requests at once.
    pub const MAX_BURST: u32 = 1_000_000;
    /// The longest that an empty bucket may take to be full again, in milliseconds: a week.
    pub const MAX_FILL_MILLIS: u64 = 604_800_000;

    /// `requests` in `period_millis`, `burst` of them at once; `None` when one is 0 or over its bound, or an empty bucket takes
    /// longer than [`Rate::MAX_FILL_MILLIS`] to be full again.
    pub fn new(requests: u32, period_millis: u32, burst: u32) -> Option<Self> {
        let fill_millis = intervals(burst, period_millis).div_ceil(u64::from(requests.max(1)));
        let rate = Self { requests, period_millis, burst, fill_millis };
        let bounded = (1..=Self::MAX_REQUESTS).contains(&requests)
            && (1..=Self::MAX_PERIOD_MILLIS).contains(&period_millis)
            && (1..=Self::MAX_BURST).contains(&burst)
            && fill_millis <= Self::MAX_FILL_MILLIS;
        bounded.then_some(rate)
    }

    /// Requests in a period.
    pub const fn requests(self) -> u32 {
        self.requests
    }

    /// The period, in milliseconds.
    pub const fn period_millis(self) -> u32 {
        self.period_millis
    }

    /// How many requests may come at once.
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// How long an empty bucket takes to be full again, in milliseconds, rounded up.
    pub const fn fill_millis(self) -> u64 {
        self.fill_millis
    }

    /// How many requests come in that time, in milliseconds.
    pub fn requests_in(self, millis: u64) -> u64 {
        millis
            .saturating_mul(u64::from(self.requests))
            .checked_div(u64::from(self.period_millis))
            .unwrap_or_default()
    }

    /// The bucket after `count` more requests; `None` when they are too many now.
    pub fn take(self, tat: Tat, now: UnixMillis, count: u32) -> Option<Tat> {
        let moved = self.start(tat, now).saturating_add(self.intervals(count));
        (moved <= self.latest(now)).then(|| self.pack(moved))
    }

    /// How many requests may come now.
    pub fn available(self, tat: Tat, now: UnixMillis) -> u32 {
        let room = self.latest(now).saturating_sub(self.start(tat, now));
        let count = room.checked_div(u64::from(self.period_millis)).unwrap_or_default();
        u32::try_from(count).unwrap_or(self.burst).min(self.burst)
    }

    /// When `count` requests may come; `burst` at the most ever can.
    pub fn ready_at(self, tat: Tat, count: u32) -> UnixMillis {
        let count = count.min(self.burst);
        let missing = self.scaled(tat).saturating_add(self.intervals(count));
        let scaled = missing.saturating_sub(self.intervals(self.burst));
        UnixMillis(scaled.div_ceil(u64::from(self.requests)))
    }

    /// When the bucket is full again.
    pub fn full_at(self, tat: Tat, now: UnixMillis) -> UnixMillis {
        UnixMillis(self.scaled(tat).div_ceil(u64::from(self.requests)).max(now.0))
    }

    /// Whether a bucket of this rate can hold that. What lies further ahead than an empty one was never written by this algorithm,
    /// or by a clock that has been set back since.
    pub fn is_plausible(self, tat: Tat, now: UnixMillis) -> bool {
        let latest = now.0.saturating_add(self.fill_millis).saturating_add(CLOCK_SLACK_MILLIS);
        tat.millis() <= latest && tat.fraction() < u64::from(self.requests)
    }

    /// In units of `1 / requests` milliseconds every interval is whole: `period_millis`.
    fn scaled(self, tat: Tat) -> u64 {
        // A fraction is less than 2^20.
        self.scaled_millis(tat.millis()).wrapping_add(tat.fraction())
    }

    /// No product here needs more than 64 bits, and asking whether one does takes a multiplication of 128: less than 2^44
    /// milliseconds times [`Rate::MAX_REQUESTS`] leaves room for a fraction.
    fn scaled_millis(self, millis: u64) -> u64 {
        const { assert!(Tat::MAX_MILLIS.checked_mul(Self::MAX_REQUESTS as u64 + 1).is_some()) };
        millis.min(Tat::MAX_MILLIS).wrapping_mul(u64::from(self.requests))
    }

    fn pack(self, scaled: u64) -> Tat {
        let requests = u64::from(self.requests);
        let (millis, fraction) = (
            scaled.checked_div(requests).unwrap_or_default(),
            scaled.checked_rem(requests).unwrap_or_default(),
        );
        Tat((millis << Tat::FRACTION_BITS) | fraction)
    }

    fn intervals(self, count: u32) -> u64 {
        intervals(count, self.period_millis)
    }

    fn start(self, tat: Tat, now: UnixMillis) -> u64 {
        self.scaled(tat).max(self.scaled_millis(now.0))
    }

    fn latest(self, now: UnixMillis) -> u64 {
        self.scaled_millis(now.0).saturating_add(self.intervals(self.burst))
    }
}

/// So many intervals: two numbers of 32 bits, whose product has at most 64.
fn intervals(count: u32, period_millis: u32) -> u64 {
    u64::from(count).wrapping_mul(u64::from(period_millis))
}

#[cfg(test)]
#[path = "gcra_tests.rs"]
mod tests;
