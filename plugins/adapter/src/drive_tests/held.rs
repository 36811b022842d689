//! What is settled in another request's callback, what a new configuration finds, and what a caller may fill.

use meshward_model::{Reason, RequestId, Ticket};

use super::toy::{Bench, allow, ask, failed, ticket, wait};
use crate::asked::MAX_ASKED;
use crate::moment::Steady;

const T: Ticket = ticket(7);

#[test]
fn what_was_parked_under_the_old_configuration_is_refused_at_once_by_the_root() {
    let mut bench = Bench::new(|_, _, _, request| Some((request.id, allow())));
    bench.begin(1, ask(T, 1_000));
    bench.begin(2, ask(ticket(8), 1_000));
    bench.configure(0);
    assert_eq!(bench.pending.len(), 2, "they are kept waiting until the root carries them out");
    assert_eq!(bench.pending.earliest(), Some(Steady::default()), "which is at once");
    bench.pending.forget(RequestId(1));
    let held = bench.pending.with_held(Vec::new());
    let held: Vec<_> = held.iter().map(|held| (held.request.id.0, held.verdict.reason())).collect();
    assert_eq!(held, [(2, Reason::NotConfigured)], "whoever has gone is forgotten");
    assert_eq!(bench.answer(0, failed()), [], "an old answer is nobody's");
}

#[test]
fn what_is_held_counts_as_waiting() {
    let mut bench = Bench::new(|_, _, _, _| None);
    bench.most = 1;
    bench.begin(1, ask(T, 1_000));
    bench.configure(0);
    assert_eq!(bench.begin(2, ask(T, 1_000)), [(2, Some(Reason::TooManyParked))]);
}

#[test]
fn a_full_table_of_questions_refuses_and_does_not_let_the_stage_choose() {
    let mut bench = Bench::new(|_, _, _, request| Some((request.id, allow())));
    bench.most = usize::MAX;
    for at in 0..MAX_ASKED {
        let id = u32::try_from(at).unwrap_or_default();
        assert!(bench.begin(id, ask(ticket(u64::from(id)), 1_000)).is_empty());
        bench.pending.forget(RequestId(id));
    }
    assert_eq!(bench.begin(9_999, ask(ticket(9_999), 1_000)), [(9_999, Some(Reason::TooManyParked))]);
}

#[test]
fn a_second_question_of_a_ticket_that_is_not_started_leaves_the_first_to_tell() {
    let mut bench = Bench::new(|_, _, _, request| Some((request.id, allow())));
    bench.begin(1, ask(T, 1_000));
    bench.starts = false;
    assert_eq!(bench.begin(2, ask(T, 1_000)), [], "the first is under way");
    assert_eq!(bench.answer(0, failed()), [(1, None), (2, None)]);
}

#[test]
fn a_lost_tick_is_set_anew_and_one_that_is_a_little_late_is_not_put_off() {
    let mut bench = Bench::new(|_, _, _, _| None);
    bench.begin(1, wait(T, 100));
    let at =
        |bench: &Bench, now: u64| bench.pending.alarm.wanted(bench.pending.earliest(), false, Steady(now));
    assert_eq!(at(&bench, 0), Some(100));
    bench.pending.alarm.set(100, Steady(0));
    assert_eq!(at(&bench, 1_000), None, "it comes");
    assert_eq!(at(&bench, 1_101), Some(1), "it was lost");
}
