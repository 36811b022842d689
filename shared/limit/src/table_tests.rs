//! A table under floods.
#![expect(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn later(millis: u64) -> UnixMillis {
    UnixMillis(NOW.0 + millis)
}

fn table(burst: u32, capacity: usize) -> Table {
    Table::new(Rate::new(1, 10_000, burst).unwrap(), capacity, Seed(7))
}

fn take(table: &mut Table, key: &str, now: UnixMillis) -> bool {
    let spot = table.find(key.as_bytes(), now);
    match table.rate().take(spot.tat, now, 1) {
        Some(tat) => {
            table.put(spot, tat);
            true
        }
        None => false,
    }
}

#[test]
fn each_key_has_a_bucket_of_its_own() {
    let mut table = table(2, 1_024);
    assert!(take(&mut table, "a", NOW) && take(&mut table, "a", NOW) && !take(&mut table, "a", NOW));
    assert!(take(&mut table, "b", NOW));
    assert!(take(&mut table, "a", later(10_000)));
}

#[test]
fn a_flood_of_new_keys_takes_no_memory_and_free_no_debtor() {
    let mut table = table(3, 8_192);
    let bytes = table.bytes();
    for _ in 0..3 {
        assert!(take(&mut table, "offender", NOW));
    }
    let mut admitted = 0_u32;
    for key in 0..100_000_u32 {
        admitted += u32::from(take(&mut table, &key.to_string(), NOW));
        if key % 1_000 == 0 {
            assert!(!take(&mut table, "offender", NOW), "free after {key} new keys");
        }
    }
    assert_eq!(table.bytes(), bytes);
    // Each of 8,192 places and 1,024 overflow buckets admits at most its burst.
    assert!((8_000..=(8_192 + 1_024) * 3).contains(&admitted), "{admitted}");
}

#[test]
fn a_newcomer_to_a_full_set_shares_its_overflow_bucket() {
    let mut table = table(1, WAYS);
    for key in 0..WAYS {
        assert!(take(&mut table, &key.to_string(), NOW));
    }
    let spot = table.find(b"new", NOW);
    assert!(spot.is_overflow());
    assert!(take(&mut table, "new", NOW));
    assert!(!take(&mut table, "new", NOW) && !take(&mut table, "other", NOW));
}

#[test]
fn who_leaves_the_overflow_bucket_takes_its_debt_along() {
    let mut table = table(2, WAYS);
    for key in 0..WAYS {
        assert!(take(&mut table, &key.to_string(), NOW));
    }
    // The overflow bucket is emptied later than the others, which are full again first.
    assert!(take(&mut table, "new", later(5_000)) && take(&mut table, "new", later(5_000)));
    assert!(!take(&mut table, "new", later(5_000)));
    let free = later(10_001);
    assert!(!table.find(b"new", free).is_overflow());
    assert!(!take(&mut table, "new", free), "a place of its own is no fresh bucket");
    assert!(take(&mut table, "new", later(15_000)));
}

#[test]
fn a_clock_that_was_set_back_bans_nobody() {
    let mut table = table(1, WAYS);
    assert!(take(&mut table, "a", later(3_600_000)));
    assert!(take(&mut table, "a", NOW));
}

proptest! {
    #[test]
    fn a_key_is_never_admitted_more_often_than_alone(
        seed: u64,
        steps in proptest::collection::vec((0_u8..40, 0_u64..4_000), 1..400),
    ) {
        let rate = Rate::new(1, 5_000, 2).unwrap();
        let mut crowded = Table::new(rate, WAYS, Seed(seed));
        let mut admitted = std::collections::BTreeMap::<u8, u64>::new();
        let mut now = NOW;
        for (key, wait) in steps {
            now = UnixMillis(now.0 + wait);
            if take(&mut crowded, &key.to_string(), now) {
                let count = admitted.entry(key).or_default();
                *count += 1;
                prop_assert!(*count <= rate.requests_in(now.0 - NOW.0) + 2);
            }
        }
    }
}
