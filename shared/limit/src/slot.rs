//! Buckets in the proxy's shared data: a fixed number of slots for ever, since the proxy never frees one, with a fixed number of
//! buckets in each.

use std::fmt::Write;

use meshward_model::UnixMillis;

use crate::gcra::{CLOCK_SLACK_MILLIS, Rate, Tat};
use crate::sealed::{Reader, open, seal};

/// How many slots there are. A full one takes about 350 bytes of the proxy's memory, all of them 1.4 MiB.
const SLOTS: u64 = 4_096;

/// How many buckets a slot holds.
const WAYS: usize = 16;

/// Magic and version of the layout: `count × (key: u64, TAT: u64)`, little-endian.
const MAGIC: [u8; 4] = *b"mwq1";

/// Which bucket: 64 bits of a SHA-256 over limit and key, the same in every worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Fingerprint(pub(crate) u64);

impl Fingerprint {
    /// The name of the slot that it lies in.
    pub(crate) fn slot(self) -> String {
        let number = self.0.checked_rem(SLOTS).unwrap_or_default();
        let mut name = "meshward.limit.".to_owned();
        // Writing into memory does not fail.
        let _ = write!(name, "{number}");
        name
    }
}

/// The buckets of one slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Slot {
    buckets: Vec<(Fingerprint, Tat)>,
}

impl Slot {
    /// Reads a slot; `None` for what is no slot.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(open(MAGIC, bytes)?);
        let mut buckets = Vec::with_capacity(WAYS);
        while !reader.0.is_empty() {
            buckets.push((Fingerprint(reader.u64()?), Tat::from_bits(reader.u64()?)));
        }
        (buckets.len() <= WAYS).then_some(Self { buckets })
    }

    /// The slot's bytes.
    pub(crate) fn write(&self) -> Vec<u8> {
        let body: Vec<u8> = self
            .buckets
            .iter()
            .flat_map(|(key, tat)| [key.0.to_le_bytes(), tat.bits().to_le_bytes()])
            .flatten()
            .collect();
        seal(MAGIC, &body)
    }

    /// The bucket of `key`, if it is there and a bucket of this rate can hold that.
    pub(crate) fn find(&self, key: Fingerprint, rate: Rate, now: UnixMillis) -> Option<Tat> {
        let (_, tat) = self.buckets.iter().find(|(known, _)| *known == key)?;
        rate.is_plausible(*tat, now).then_some(*tat)
    }

    /// The key of the first bucket.
    #[cfg(test)]
    pub(crate) fn first(&self) -> Option<Fingerprint> {
        self.buckets.first().map(|(key, _)| *key)
    }

    /// Puts a bucket in. `false` when there is no place: every other bucket is in debt, and a debtor is never given up.
    pub(crate) fn put(&mut self, key: Fingerprint, tat: Tat, now: UnixMillis) -> bool {
        let horizon = now.0.saturating_add(Rate::MAX_FILL_MILLIS).saturating_add(CLOCK_SLACK_MILLIS);
        self.buckets.retain(|(known, tat)| *known != key && !tat.is_past(now) && tat.millis() <= horizon);
        let free = self.buckets.len() < WAYS;
        if free {
            self.buckets.push((key, tat));
        }
        free
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn rate() -> Rate {
        Rate::new(10, 1_000, 5).unwrap()
    }

    fn debt() -> Tat {
        rate().take(Tat::FULL, NOW, 3).unwrap()
    }

    fn full_slot() -> Slot {
        let mut slot = Slot::default();
        for key in 0..16 {
            assert!(slot.put(Fingerprint(key), debt(), NOW));
        }
        slot
    }

    #[test]
    fn what_is_written_is_read_again() {
        for slot in [Slot::default(), full_slot()] {
            assert_eq!(Slot::read(&slot.write()), Some(slot));
        }
    }

    #[test]
    fn a_debtor_is_never_given_up_for_a_newcomer() {
        let mut slot = full_slot();
        assert!(!slot.put(Fingerprint(99), debt(), NOW));
        assert_eq!(slot, full_slot());
        assert!(slot.put(Fingerprint(3), debt(), NOW), "but each may write its own");
        let full_again = UnixMillis(NOW.0 + 1_000);
        assert!(slot.put(Fingerprint(99), debt(), full_again));
    }

    #[test]
    fn an_absurd_time_counts_as_no_bucket_and_holds_no_place() {
        let absurd = Tat::from_bits(u64::MAX);
        let mut slot = Slot { buckets: (0..16).map(|key| (Fingerprint(key), absurd)).collect() };
        assert_eq!(slot.find(Fingerprint(3), rate(), NOW), None);
        assert!(slot.put(Fingerprint(99), debt(), NOW));
        assert_eq!(slot.find(Fingerprint(99), rate(), NOW), Some(debt()));
    }

    #[test]
    fn there_are_as_many_names_as_slots() {
        let names: std::collections::BTreeSet<_> = (0..100_000).map(|key| Fingerprint(key).slot()).collect();
        assert_eq!(names.len(), 4_096);
    }

    #[test]
    fn more_buckets_than_a_slot_has_are_no_slot() {
        let crowd = Slot { buckets: (0..17).map(|key| (Fingerprint(key), debt())).collect() };
        assert_eq!(Slot::read(&crowd.write()), None);
    }

    proptest! {
        #[test]
        fn rubbish_is_no_slot(bytes: Vec<u8>) {
            prop_assert_eq!(Slot::read(&bytes), None);
        }
    }
}
