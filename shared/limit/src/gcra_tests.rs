//! A bucket, by tables and against a naive model.
#![expect(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "tests")]

use super::*;
#[cfg(not(target_arch = "wasm32"))]
use proptest::prelude::*;

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn at(millis: u64) -> UnixMillis {
    UnixMillis(NOW.0 + millis)
}

fn rate(requests: u32, period_millis: u32, burst: u32) -> Rate {
    Rate::new(requests, period_millis, burst).unwrap()
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_new_bucket_gives_its_burst_and_then_one_per_interval() {
    let rate = rate(10, 1_000, 3);
    let mut tat = Tat::FULL;
    for left in [2, 1, 0] {
        tat = rate.take(tat, NOW, 1).unwrap();
        assert_eq!(rate.available(tat, NOW), left);
    }
    assert_eq!(rate.take(tat, NOW, 1), None);
    assert_eq!(
        (rate.ready_at(tat, 1), rate.ready_at(tat, 3), rate.full_at(tat, NOW)),
        (at(100), at(300), at(300))
    );
    assert_eq!(rate.take(tat, at(99), 1), None);
    assert!(rate.take(tat, at(100), 1).is_some());
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn intervals_that_are_no_whole_milliseconds_add_up_exactly() {
    // Three in a second: 333⅓ ms. After 3,000 of them exactly 1,000 seconds have passed, not 999.
    let rate = rate(3, 1_000, 2);
    let (mut tat, mut now) = (Tat::FULL, NOW);
    for _ in 0..3_000 {
        tat = rate.take(tat, now, 1).unwrap();
        now = rate.ready_at(tat, 1);
    }
    assert_eq!(rate.full_at(tat, NOW), at(1_000_000));
}

#[test]
fn what_is_empty_or_beyond_its_bounds_is_no_rate() {
    for (requests, period, burst) in [
        (0, 1_000, 1),
        (1, 0, 1),
        (1, 1_000, 0),
        (Rate::MAX_REQUESTS + 1, 1_000, 1),
        (1, Rate::MAX_PERIOD_MILLIS + 1, 1),
        (1, 1_000, Rate::MAX_BURST + 1),
        // Eight days until it is full again.
        (1, Rate::MAX_PERIOD_MILLIS, 8),
    ] {
        assert_eq!(Rate::new(requests, period, burst), None, "{requests} {period} {burst}");
    }
    assert!(Rate::new(Rate::MAX_REQUESTS, Rate::MAX_PERIOD_MILLIS, Rate::MAX_BURST).is_some());
    assert!(Rate::new(1, Rate::MAX_PERIOD_MILLIS, 7).is_some());
}

#[test]
fn a_time_further_ahead_than_an_empty_bucket_is_not_plausible() {
    let rate = rate(1, 1_000, 5);
    let mut tat = Tat::FULL;
    for _ in 0..5 {
        tat = rate.take(tat, NOW, 1).unwrap();
    }
    assert!(rate.is_plausible(tat, NOW) && rate.is_plausible(Tat::FULL, NOW));
    // The clock was set back by a minute, or somebody wrote it.
    assert!(!rate.is_plausible(tat, UnixMillis(NOW.0 - 60_000)));
    assert!(!rate.is_plausible(Tat::from_bits(u64::MAX), NOW));
    assert!(!rate.is_plausible(Tat::from_bits((NOW.0 << 20) | 7), NOW), "no such fraction");
}

#[test]
fn a_bucket_is_past_when_it_is_full() {
    let rate = rate(3, 1_000, 2);
    let tat = rate.take(Tat::FULL, NOW, 1).unwrap();
    let full = rate.full_at(tat, NOW);
    assert!(!tat.is_past(NOW) && !tat.is_past(UnixMillis(full.0 - 1)) && tat.is_past(full));
    assert!(Tat::FULL.is_past(NOW));
}

/// The same bucket as a level that drips in exact fractions: tokens are counted in units of `1 / period` of a request.
#[cfg(not(target_arch = "wasm32"))]
struct Naive {
    rate: Rate,
    level: u128,
    last: u64,
}

#[cfg(not(target_arch = "wasm32"))]
impl Naive {
    fn full(rate: Rate, now: UnixMillis) -> Self {
        Self { rate, level: u128::from(rate.burst()) * u128::from(rate.period_millis()), last: now.0 }
    }

    fn fill(&mut self, now: UnixMillis) {
        let most = u128::from(self.rate.burst()) * u128::from(self.rate.period_millis());
        self.level += u128::from(now.0 - self.last) * u128::from(self.rate.requests());
        self.level = self.level.min(most);
        self.last = now.0;
    }

    fn take(&mut self, now: UnixMillis, count: u32) -> bool {
        self.fill(now);
        let cost = u128::from(count) * u128::from(self.rate.period_millis());
        let enough = self.level >= cost;
        if enough {
            self.level -= cost;
        }
        enough
    }

    fn available(&self) -> u32 {
        u32::try_from(self.level / u128::from(self.rate.period_millis())).unwrap()
    }
}

#[cfg(not(target_arch = "wasm32"))]
proptest! {
    #[test]
    fn a_bucket_does_what_a_dripping_level_does(
        requests in 1_u32..2_000,
        period in 1_u32..120_000,
        burst in 1_u32..50,
        steps in proptest::collection::vec((0_u64..5_000, 1_u32..4), 1..200),
    ) {
        let Some(rate) = Rate::new(requests, period, burst) else { return Ok(()) };
        let (mut now, mut tat, mut naive) = (NOW, Tat::FULL, Naive::full(rate, NOW));
        for (wait, count) in steps {
            now = UnixMillis(now.0 + wait);
            let taken = rate.take(tat, now, count);
            prop_assert_eq!(taken.is_some(), naive.take(now, count));
            if taken.is_none() && count <= burst {
                // Not a millisecond earlier, and not a millisecond later.
                let ready = rate.ready_at(tat, count);
                prop_assert!(ready > now);
                prop_assert!(rate.take(tat, UnixMillis(ready.0 - 1), count).is_none());
                prop_assert!(rate.take(tat, ready, count).is_some());
            }
            tat = taken.unwrap_or(tat);
            prop_assert_eq!(rate.available(tat, now), naive.available());
            prop_assert!(rate.is_plausible(tat, now));
            prop_assert_eq!(Tat::from_bits(tat.bits()), tat);
        }
    }

    #[test]
    fn no_more_than_rate_times_time_and_burst_is_ever_admitted(
        requests in 1_u32..1_000,
        period in 1_u32..10_000,
        burst in 1_u32..100,
        waits in proptest::collection::vec(0_u64..50, 1..500),
    ) {
        let rate = rate(requests, period, burst);
        let (mut now, mut tat, mut admitted) = (NOW, Tat::FULL, 0_u64);
        for wait in waits {
            now = UnixMillis(now.0 + wait);
            if let Some(taken) = rate.take(tat, now, 1) {
                tat = taken;
                admitted += 1;
            }
            prop_assert!(admitted <= rate.requests_in(now.0 - NOW.0) + u64::from(burst));
        }
    }
}
