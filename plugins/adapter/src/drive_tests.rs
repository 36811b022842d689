//! Driving without a proxy: parking, answers, deadlines, bounds.
#![expect(clippy::arithmetic_side_effects, reason = "tests")]

mod at_once;
mod held;
mod lives;
mod toy;

use meshward_model::{Answer, Reason, RequestId, Step, Ticket, Verdict, Waiting};

use crate::asked::{GRACE_MILLIS, Way};
use crate::drive::{Counts, MAX_WAITS};
use crate::hostcalls::Token;
use crate::moment::Steady;
use toy::{Bench, allow, ask, failed, ticket, wait};

const T: Ticket = ticket(7);

#[test]
fn an_answer_resumes_all_that_wait_for_its_ticket_and_no_other() {
    let mut bench = Bench::new(|_, _, _, request| Some((request.id, allow())));
    assert!(bench.begin(1, ask(T, 1_000)).is_empty());
    assert!(bench.begin(2, wait(T, 1_000)).is_empty());
    assert!(bench.begin(3, ask(ticket(8), 1_000)).is_empty());
    assert_eq!(bench.answer(0, failed()), [(1, None), (2, None)]);
    assert_eq!(bench.answer(0, failed()), [], "a token is answered once");
    assert_eq!(bench.answer(1, failed()), [(3, None)]);
}

#[test]
fn a_request_that_waits_for_something_else_is_none_of_an_answers_business() {
    let mut bench = Bench::new(|_, _, _, _| Some((RequestId(2), allow())));
    bench.begin(1, ask(T, 1_000));
    bench.begin(2, ask(ticket(8), 1_000));
    assert_eq!(bench.answer(0, failed()), []);
    assert_eq!(bench.pending.parked.len(), 2);
    assert_eq!(bench.answer(1, failed()), [(2, None)]);
}

#[test]
fn an_unknown_token_and_another_ways_token_are_ignored() {
    let mut bench = Bench::new(|_, _, _, request| Some((request.id, allow())));
    bench.begin(1, ask(T, 1_000));
    assert!(bench.pending.asked.take(Way::Grpc, Token(0)).is_none());
    assert!(bench.pending.asked.take(Way::Http, Token(99)).is_none());
    assert_eq!(bench.pending.parked.len(), 1);
}

#[test]
fn a_question_that_is_not_started_has_failed_at_once_for_all_that_wait_for_it() {
    let mut bench = Bench::new(|_, _, answer, request| {
        assert_eq!(*answer, Answer::Failed);
        Some((request.id, Step::Done(Verdict::deny(Reason::CannotAsk, None))))
    });
    bench.begin(1, wait(T, 1_000));
    bench.starts = false;
    let refused = Some(Reason::CannotAsk);
    assert_eq!(bench.begin(2, ask(T, 1_000)), [(1, refused), (2, refused)]);
}

#[test]
fn a_deadline_concerns_one_request_and_refuses_it_unless_the_stage_decides() {
    let mut bench = Bench::new(|_, _, answer, request| match answer {
        Answer::TimedOut => (request.id == RequestId(2)).then(|| (request.id, allow())),
        Answer::Http { .. }
        | Answer::Grpc { .. }
        | Answer::Loaded { .. }
        | Answer::Stored(_)
        | Answer::Called { .. }
        | Answer::Failed
        | Answer::TooLarge => None,
    });
    for (id, millis) in [(1, 100), (2, 100), (3, 200)] {
        bench.begin(id, ask(T, millis));
    }
    assert_eq!(bench.tick(99), []);
    assert_eq!(bench.tick(100), [(1, Some(Reason::DeadlinePassed)), (2, None)]);
    assert_eq!(bench.tick(250), [(3, Some(Reason::DeadlinePassed))]);
    assert_eq!(bench.pending.counts, Counts { questions: 3, failed: 0, parked: 3, late: 3 });
}

#[test]
fn what_comes_back_for_a_late_request_must_be_usable() {
    // The same deadline again is no deadline, and another request's step is none of this one's.
    let mut bench = Bench::new(|_, _, _, request| match request.id.0 {
        1 => Some((request.id, wait(T, 100))),
        _ => Some((RequestId(1), allow())),
    });
    bench.begin(1, ask(T, 100));
    bench.begin(2, ask(T, 100));
    let late = Some(Reason::DeadlinePassed);
    assert_eq!(bench.tick(100), [(1, late), (2, late)]);
}

#[test]
fn a_request_may_ask_again_but_not_for_ever() {
    let mut bench = Bench::new(|state, _, _, request| {
        state.rounds += 1;
        Some((request.id, ask(ticket(state.rounds), 1_000)))
    });
    bench.starts = false;
    assert_eq!(bench.begin(1, ask(T, 1_000)), [(1, Some(Reason::TooManyQuestions))]);
    assert_eq!(bench.started, MAX_WAITS);
}

#[test]
fn the_table_is_bounded_and_a_question_of_one_too_many_is_not_asked() {
    let mut bench = Bench::new(|_, _, _, _| None);
    bench.most = 2;
    bench.begin(1, ask(ticket(1), 1_000));
    bench.begin(2, ask(ticket(2), 1_000));
    assert_eq!(bench.begin(3, ask(ticket(3), 1_000)), [(3, Some(Reason::TooManyParked))]);
    assert_eq!(bench.started, 2);
    assert_eq!(bench.state.answers.last(), Some(&(ticket(3), Answer::Failed)), "the stage is told");
    assert!(bench.pending.parked.remove(RequestId(1)).is_some());
    assert_eq!(bench.begin(4, ask(ticket(4), 1_000)), []);
}

#[test]
fn a_question_whose_end_gets_lost_has_failed_when_its_mark_expires() {
    let mut bench = Bench::new(|_, _, _, request| Some((request.id, allow())));
    bench.begin(1, ask(T, 50_000));
    let expires = u64::from(toy::TIMEOUT) + GRACE_MILLIS;
    assert_eq!(bench.tick(expires - 1), []);
    assert_eq!(bench.tick(expires), [(1, None)]);
    assert_eq!(bench.state.answers, [(T, Answer::Failed)]);
}

#[test]
fn a_deadline_too_far_away_is_brought_near() {
    let mut bench = Bench::new(|_, _, _, _| None);
    bench.begin(1, wait(T, u64::MAX));
    assert_eq!(bench.pending.earliest(), Some(Steady(Waiting::MAX_MILLIS)));
}

#[test]
fn a_clock_that_is_set_back_keeps_nobody_waiting_longer() {
    let mut bench = Bench::new(|_, _, _, _| None);
    bench.begin(1, wait(T, 500));
    bench.back = 3_600_000;
    assert_eq!(bench.tick(500), [(1, Some(Reason::DeadlinePassed))]);
}

#[test]
fn ticks_come_at_once_and_then_every_period_and_their_questions_wait_for_nobody() {
    let mut bench = Bench::new(|_, _, _, _| None);
    bench.configure(5_000);
    assert_eq!(bench.pending.alarm.wanted(None, false, Steady(0)), Some(1));
    assert_eq!(bench.tick(1), []);
    assert_eq!((bench.started, bench.state.ticks), (1, 1));
    assert_eq!(bench.tick(2_000), []);
    assert_eq!(bench.state.ticks, 1, "an early tick is not the stage's");
    assert_eq!(bench.answer(0, failed()), []);
    assert_eq!(bench.tick(5_001), []);
    assert_eq!(bench.state.ticks, 2);
}
