//! Buckets in a worker's own memory: fixed capacity, nobody gets out of it by a flood.
//!
//! A set-associative table with a seeded hash, so that nobody outside can choose which keys meet in one set. A bucket that is full
//! again is as good as none, and its place is free. A bucket in debt is never given away: in a set where every place is in debt,
//! newcomers share the set's overflow bucket, and whoever moves from there into a place of its own takes the overflow bucket's
//! debt along. So a flood of new keys slows other new keys down, but frees nobody.

use meshward_model::{Seed, UnixMillis};

use crate::gcra::{Rate, Tat};
use crate::siphash;

/// Buckets of one rate.
#[derive(Debug, Clone)]
pub struct Table {
    rate: Rate,
    seed: u64,
    sets: Box<[Set]>,
}

/// As many as lie in two cache lines of 64 bytes, with the overflow bucket.
const WAYS: usize = 8;

#[derive(Debug, Clone, Copy, Default)]
struct Set {
    ways: [Bucket; WAYS],
    overflow: Tat,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    tag: u64,
    tat: Tat,
}

/// Where a key's bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    set: usize,
    tag: u64,
    /// `None`: the set's overflow bucket.
    way: Option<usize>,
    /// What it holds.
    pub tat: Tat,
}

impl Spot {
    /// Whether the key shares the bucket with every other newcomer of its set.
    pub const fn is_overflow(self) -> bool {
        self.way.is_none()
    }
}

impl Table {
    /// A table of about `capacity` buckets: rounded up to a power of two, at least one set.
    pub fn new(rate: Rate, capacity: usize, seed: Seed) -> Self {
        let sets = capacity.div_ceil(WAYS).max(1).next_power_of_two();
        Self { rate, seed: seed.0, sets: vec![Set::default(); sets].into_boxed_slice() }
    }

    /// How much memory it takes, in bytes; it never changes.
    pub fn bytes(&self) -> usize {
        size_of_val::<[Set]>(&self.sets)
    }

    /// The rate of its buckets.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// Where `key` is, or would be.
    pub fn find(&self, key: &[u8], now: UnixMillis) -> Spot {
        let tag = self.hash(key);
        // The tag's low bits choose the set: the number of sets is a power of two.
        let mask = self.sets.len().saturating_sub(1);
        let set = usize::try_from(tag & u64::try_from(mask).unwrap_or_default()).unwrap_or_default();
        let Some(here) = self.sets.get(set) else { return Spot { set, tag, way: None, tat: Tat::FULL } };
        let alive = |bucket: &Bucket| !bucket.tat.is_past(now) && self.rate.is_plausible(bucket.tat, now);
        if let Some(way) = here.ways.iter().position(|bucket| bucket.tag == tag && alive(bucket)) {
            let tat = here.ways.get(way).map_or(Tat::FULL, |bucket| bucket.tat);
            return Spot { set, tag, way: Some(way), tat };
        }
        let tat = if self.rate.is_plausible(here.overflow, now) { here.overflow } else { Tat::FULL };
        let way = here.ways.iter().position(|bucket| !alive(bucket));
        Spot { set, tag, way, tat }
    }

    /// Writes what the bucket at `spot` holds now.
    pub fn put(&mut self, spot: Spot, tat: Tat) {
        let Some(set) = self.sets.get_mut(spot.set) else { return };
        match spot.way.and_then(|way| set.ways.get_mut(way)) {
            Some(bucket) => *bucket = Bucket { tag: spot.tag, tat },
            None => set.overflow = tat,
        }
    }

    fn hash(&self, key: &[u8]) -> u64 {
        siphash::of(self.seed, key)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "table_tests.rs"]
mod tests;
