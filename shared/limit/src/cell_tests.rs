//! Standings as bytes that anybody may have written.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::caller::Caller;
use crate::gcra::CLOCK_SLACK_MILLIS;
use crate::toy::{NOW, request};
use proptest::prelude::*;

fn standing(number: usize) -> Standing {
    let caller = Caller::of(&request(&format!("shop/c{number}"), "/")).unwrap();
    Standing::new(&caller, false, NOW)
}

fn boxed(number: usize) -> Standing {
    let (since, until) = (NOW.0, NOW.0 + 60_000);
    Standing { level: Level::Quarantined, since, until, strikes: 1, score: 80_000, ..standing(number) }
}

#[test]
fn what_is_written_is_read_again() {
    let mut cell = Cell::default();
    for number in 0..16 {
        let simulated = number % 2 == 0;
        let paths = 1 << number;
        assert!(cell.put(Standing {
            simulated,
            paths,
            ..if number % 3 == 0 { boxed(number) } else { standing(number) }
        }));
    }
    assert_eq!(Cell::read(&cell.write(NOW), NOW), Some(cell));
    assert_eq!(Cell::read(&Cell::default().write(NOW), NOW), Some(Cell::default()));
}

#[test]
fn a_long_name_is_cut_and_read_again() {
    let mut cell = Cell::default();
    cell.put(Standing { name: "n".repeat(2_048), ..boxed(1) });
    let read = Cell::read(&cell.write(NOW), NOW).unwrap();
    let found = read.find(boxed(1).id, false).unwrap();
    assert_eq!((found.name.len(), found.level), (512, Level::Quarantined));
}

#[test]
fn a_newcomer_takes_the_place_of_one_that_is_clear_and_never_of_one_in_the_box() {
    let mut cell = Cell::default();
    for number in 0..15 {
        assert!(cell.put(boxed(number)));
    }
    assert!(cell.put(standing(15)) && cell.put(standing(16)));
    assert_eq!((cell.find(standing(15).id, false), cell.find(boxed(3).id, false)), (None, Some(&boxed(3))));
    assert!(cell.put(boxed(16)) && !cell.put(standing(17)) && !cell.put(boxed(18)));
    assert!(cell.put(Standing { strikes: 9, ..boxed(3) }), "but each may write its own");
}

#[test]
fn a_standing_that_cannot_be_is_left_out() {
    for (what, wrong) in [
        ("until for ever", Standing { until: u64::MAX, ..boxed(1) }),
        ("until in eight days", Standing { until: NOW.0 + 8 * 86_400_000, ..boxed(1) }),
        (
            "a stay of eight days",
            Standing { updated: NOW.0 - 86_400_000, until: NOW.0 + 604_000_000, ..boxed(1) },
        ),
        ("calm in eight days", Standing { calm: NOW.0 + 8 * 86_400_000, ..boxed(1) }),
        ("a stay without an end", Standing { until: 0, ..boxed(1) }),
        ("an end without a stay", Standing { until: NOW.0 + 1, ..standing(1) }),
    ] {
        let mut cell = Cell::default();
        assert!(cell.put(wrong) && cell.put(boxed(2)));
        let read = Cell::read(&cell.write(NOW), NOW).unwrap();
        assert_eq!(
            (read.find(boxed(1).id, false), read.find(boxed(2).id, false)),
            (None, Some(&boxed(2))),
            "{what}"
        );
    }
}

#[test]
fn a_clock_that_is_set_back_leaves_of_every_stay_what_was_left_of_it() {
    let mut cell = Cell::default();
    assert!(cell.put(boxed(1)) && cell.put(standing(2)));
    for back in [2_000, 3_600_000, 30 * 86_400_000] {
        let earlier = UnixMillis(NOW.0 - back);
        let read = Cell::read(&cell.write(NOW), earlier).unwrap();
        let banned = read.find(boxed(1).id, false).unwrap();
        assert_eq!((banned.level_at(earlier), banned.until), (Level::Quarantined, earlier.0 + 60_000));
        assert_eq!((banned.since, banned.strikes), (NOW.0, 1), "its name, and what it counts");
        assert!(read.followed);
        let again = Cell::read(&read.write(earlier), UnixMillis(earlier.0 + 60_000)).unwrap();
        assert_eq!(
            again.find(boxed(1).id, false).unwrap().level_at(UnixMillis(earlier.0 + 60_000)),
            Level::Clear
        );
        assert!(!again.followed, "and time goes on");
    }
    // However long ago it was that it was said of anybody: what is written tells what time it was.
    let later = UnixMillis(NOW.0 + 50_000);
    let read = Cell::read(&cell.write(later), UnixMillis(later.0 - 30_000)).unwrap();
    assert_eq!(read.find(boxed(1).id, false).unwrap().until, later.0 - 30_000 + 10_000);
    let apart = UnixMillis(NOW.0 - 1_000);
    assert!(!Cell::read(&cell.write(NOW), apart).unwrap().followed, "workers' clocks may be a little apart");
}

#[test]
fn a_slot_is_old_after_ten_seconds_while_somebody_is_in_the_box() {
    let mut cell = Cell::default();
    assert!(cell.put(standing(2)));
    let is_old = |cell: &Cell, after| Cell::read(&cell.write(NOW), UnixMillis(NOW.0 + after)).unwrap().is_old;
    assert!(!is_old(&cell, 60_000), "nobody is");
    assert!(cell.put(boxed(1)));
    assert!(!is_old(&cell, 9_999) && is_old(&cell, 10_000));
}

#[test]
fn callers_spread_over_all_slots() {
    let cells: std::collections::BTreeSet<u8> = (0..4_000).map(|number| standing(number).id.cell()).collect();
    assert_eq!((cells.len(), cells.last()), (127, Some(&126)), "names have theirs");
    let address = |number: u32| {
        let mut request = request("shop/any", "/");
        request.peer = meshward_model::Peer::Anonymous(meshward_model::Anonymous::NoIdentity);
        request.source_address = Some(core::net::Ipv4Addr::from(number).into());
        Caller::of(&request).unwrap().id.cell()
    };
    let cells: std::collections::BTreeSet<u8> = (0..4_000).map(address).collect();
    assert_eq!(
        (cells.len(), cells.first(), cells.last()),
        (128, Some(&127), Some(&254)),
        "and addresses theirs"
    );
    assert_eq!(name(254), "meshward.penalty.254");
}

proptest! {
    #[test]
    fn rubbish_is_no_slot(bytes: Vec<u8>) {
        prop_assert_eq!(Cell::read(&bytes, NOW), None);
    }

    #[test]
    fn even_rubbish_with_our_seal_is_read_without_harm(body: Vec<u8>) {
        if let Some(cell) = Cell::read(&seal(MAGIC, &body), NOW) {
            prop_assert!(cell.iter().all(is_plausible));
            let latest = NOW.0 + 604_800_000 + CLOCK_SLACK_MILLIS;
            prop_assert!(cell.iter().all(|standing| standing.until <= latest), "and nobody is banned for ever");
        }
    }
}

#[test]
fn a_milder_standing_frees_nobody_before_the_end_of_the_stay() {
    use crate::known::Known;
    use crate::penalty::strictest;
    let (banned, fresh) = (boxed(1), standing(1));
    assert_eq!(strictest(Some(&fresh), Some(&banned), NOW), Some(&banned));
    assert_eq!(strictest(Some(&banned), Some(&fresh), NOW), Some(&banned));
    let mut known = Known::default();
    known.note(&banned, NOW);
    known.note(&fresh, NOW);
    assert_eq!(known.find(banned.id, NOW), Some(&banned), "whoever wrote it over");
    known.note(&Standing { simulated: true, ..banned.clone() }, NOW);
    assert_eq!(known.find(banned.id, NOW), Some(&banned), "what is simulated says nothing of what is not");
    let end = UnixMillis(banned.until);
    assert_eq!(strictest(Some(&fresh), Some(&banned), end), Some(&fresh));
    known.note(&fresh, end);
    assert_eq!(known.find(banned.id, NOW), None, "and then it is over");
}

#[test]
fn simulated_and_real_standings_of_a_caller_lie_side_by_side() {
    let simulated = Standing { simulated: true, ..standing(1) };
    let mut cell = Cell::default();
    assert!(cell.put(boxed(1)) && cell.put(simulated.clone()));
    assert_eq!(cell.find(boxed(1).id, false), Some(&boxed(1)));
    assert_eq!(cell.find(boxed(1).id, true), Some(&simulated));
}
