//! How one caller rises and falls.
#![expect(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::detection::tests::detection;
use crate::toy::{NOW, at};
use proptest::prelude::*;
use serde_json::json;

fn caller() -> Caller {
    let request = crate::toy::request("shop/web", "/");
    Caller::of(&request).unwrap()
}

fn fresh() -> Standing {
    Standing::new(&caller(), false, NOW)
}

const FAILED: Hit = Hit { detector: Detector::FailedAuthentication, path: 0 };

fn path(bit: u32) -> Hit {
    Hit { detector: Detector::DeniedPaths, path: 1 << bit }
}

fn changes(said: Option<Vec<Said>>) -> Vec<Change> {
    said.unwrap_or_default().into_iter().map(|said| said.change).collect()
}

#[test]
fn five_failed_authentications_lead_over_note_and_throttle_to_quarantine() {
    let detection = detection(&json!({}));
    let mut standing = fresh();
    let seen: Vec<Vec<Change>> =
        (0..6).map(|second| changes(standing.hit(&detection, FAILED, at(second * 5_000)))).collect();
    let until = at(4 * 5_000 + 60_000);
    assert_eq!(
        seen,
        [
            vec![],
            vec![],
            vec![Change::Noted],
            vec![Change::Throttled],
            vec![Change::Quarantined { until }],
            // What was under way does not make it longer.
            vec![],
        ]
    );
    assert_eq!(standing.level_at(UnixMillis(until.0 - 1)), Level::Quarantined);
    assert_eq!(standing.level_at(until), Level::Clear);
}

#[test]
fn ten_different_paths_are_a_quarantine_and_one_path_ten_times_is_nothing() {
    let detection = detection(&json!({}));
    let mut standing = fresh();
    for _ in 0..100 {
        assert_eq!(changes(standing.hit(&detection, path(3), NOW)), []);
    }
    assert_eq!(standing.score, 9_000);
    let mut last = Vec::new();
    for bit in 10..18 {
        last = changes(standing.hit(&detection, path(bit), NOW));
    }
    assert!(matches!(last.as_slice(), [Change::Quarantined { .. }]), "{last:?}");
}

#[test]
fn slow_failures_are_forgotten_as_fast_as_they_come() {
    let detection = detection(&json!({}));
    let mut standing = fresh();
    for hit in 0..1_000 {
        assert_eq!(changes(standing.hit(&detection, FAILED, at(hit * 60_000))), [], "hit {hit}");
    }
}

#[test]
fn each_quarantine_is_twice_as_long_up_to_the_longest_and_an_hour_halves_the_strikes() {
    let detection = detection(&json!({"quarantine": {"seconds": 60, "maxSeconds": 300}}));
    let mut standing = fresh();
    let mut now = NOW;
    let mut stays = Vec::new();
    let mut serve = |standing: &mut Standing, now: &mut UnixMillis| {
        for _ in 0..5 {
            for said in standing.hit(&detection, FAILED, *now).unwrap_or_default() {
                if let Change::Quarantined { until } = said.change {
                    stays.push((until.0 - now.0, said.strikes));
                    *now = until;
                }
            }
        }
    };
    for _ in 0..4 {
        serve(&mut standing, &mut now);
    }
    now = UnixMillis(now.0 + 2 * FORGIVEN_MILLIS);
    serve(&mut standing, &mut now);
    assert_eq!(stays, [(60_000, 1), (120_000, 2), (240_000, 3), (300_000, 4), (120_000, 2)]);
}

#[test]
fn hits_that_lead_to_no_quarantine_keep_no_strike_from_being_forgiven() {
    let detection = detection(&json!({"quarantine": {"seconds": 60, "maxSeconds": 3600}}));
    let mut standing = fresh();
    let serve = |standing: &mut Standing, mut now: UnixMillis| {
        while standing.level_at(now) < Level::Quarantined {
            standing.hit(&detection, FAILED, now);
            now = UnixMillis(now.0 + 1);
        }
        (standing.strikes, UnixMillis(standing.until))
    };
    let (_, end) = serve(&mut standing, NOW);
    let (_, end) = serve(&mut standing, end);
    let (strikes, end) = serve(&mut standing, end);
    assert_eq!(strikes, 3);
    // A mistyped password every half an hour: the hours go by all the same, none of them twice.
    let mut seen = Vec::new();
    for half in 1..=5 {
        standing.hit(&detection, FAILED, UnixMillis(end.0 + half * FORGIVEN_MILLIS / 2));
        seen.push(standing.strikes);
    }
    assert_eq!(seen, [3, 1, 1, 0, 0]);
    let later = UnixMillis(end.0 + 3 * FORGIVEN_MILLIS);
    let (strikes, until) = serve(&mut standing, later);
    assert_eq!((strikes, until.0 - later.0 < 61_000), (1, true), "as if it were the first");
}

#[test]
fn no_stay_is_longer_than_what_a_worker_takes_for_one() {
    let detection = detection(&json!({
        "halfLifeSeconds": 86_400, "thresholds": {"note": 1, "throttle": 900, "quarantine": 1_000},
        "detectors": {"failedAuthentication": {"weight": 999}},
    }));
    let mut standing = fresh();
    standing.hit(&detection, FAILED, NOW);
    assert_eq!((standing.level, standing.until - NOW.0), (Level::Throttled, 604_800_000));
}

#[test]
fn a_throttled_caller_is_free_when_its_score_is_below_note_again() {
    let detection = detection(&json!({}));
    let mut standing = fresh();
    for _ in 0..4 {
        standing.hit(&detection, FAILED, NOW);
    }
    assert_eq!(standing.level, Level::Throttled);
    // 72 falls below 40 within 0.848 half-lives.
    let until = standing.until;
    assert!((50_800..51_000).contains(&(until - NOW.0)), "{}", until - NOW.0);
    assert_eq!(standing.release(&detection, UnixMillis(until - 1)), None);
    let stay = standing.id.stay(standing.since);
    let said = standing.release(&detection, UnixMillis(until)).unwrap();
    assert_eq!((said.change, said.stay, said.detector), (Change::Released, stay, None));
    assert_eq!((standing.level, standing.score, standing.strikes), (Level::Clear, 0, 0));
    assert_eq!(standing.release(&detection, UnixMillis(until)), None, "it is said once");
}

#[test]
fn a_detector_that_does_not_look_adds_nothing() {
    let detection = detection(&json!({"detectors": {"deniedPaths": {"weight": 50}}}));
    let mut standing = fresh();
    assert_eq!(standing.hit(&detection, FAILED, NOW), None);
    assert_eq!(changes(standing.hit(&detection, path(1), NOW)), [Change::Noted]);
}

#[test]
fn one_hit_over_several_thresholds_is_one_change() {
    let detection = detection(&json!({"detectors": {"failedAuthentication": {"weight": 1000}}}));
    let mut standing = fresh();
    let said = standing.hit(&detection, FAILED, NOW).unwrap();
    assert!(matches!(
        said.as_slice(),
        [Said { change: Change::Quarantined { .. }, threshold: 80, strikes: 1, .. }]
    ));
}

proptest! {
    #[test]
    fn a_stay_is_told_once_from_its_beginning_to_its_end(hits in proptest::collection::vec((0_u64..30_000, 0_u32..128, any::<bool>()), 1..300)) {
        let detection = detection(&json!({}));
        let mut standing = fresh();
        let mut now = NOW;
        // (stay, level) of what was said.
        let mut told: Vec<(String, u8)> = Vec::new();
        for (wait, bit, failed) in hits {
            now = UnixMillis(now.0 + wait);
            let hit = if failed { FAILED } else { path(bit) };
            for said in standing.hit(&detection, hit, now).unwrap_or_default() {
                let level = match said.change {
                    Change::Noted => 1,
                    Change::Throttled => 2,
                    Change::Quarantined { until } => {
                        prop_assert!(until > now);
                        3
                    }
                    Change::Released => 4,
                };
                match told.last() {
                    // Within a stay it only gets worse, until it is over; then it is another stay.
                    Some((stay, before)) if *before < 4 => prop_assert!(*stay == said.stay && *before < level),
                    Some((stay, _)) => prop_assert!(*stay != said.stay && level < 4),
                    None => prop_assert!(level < 4),
                }
                told.push((said.stay, level));
            }
            prop_assert_eq!(standing.level > Level::Clear, standing.until > 0);
            prop_assert!(standing.score <= HIGHEST);
        }
    }
}
