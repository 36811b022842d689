//! Questions that are answered at once: nobody is parked, and there is an end to them.

use meshward_model::{Answer, Cas, Reason, Step, Verdict};

use super::T;
use super::toy::{Bench, allow, ask, failed, load, question, slot, ticket};
use crate::drive::{Counts, MAX_ASIDE, MAX_IMMEDIATE};

const NOTHING: Answer = Answer::Loaded { value: None, cas: Cas::ABSENT };

#[test]
fn it_is_answered_in_the_same_callback_and_nobody_is_parked() {
    let mut bench = Bench::new(|_, _, _, request| Some((request.id, allow())));
    // Nobody may be parked: that does not matter here.
    bench.most = 0;
    assert_eq!(bench.begin(1, load(T)), [(1, None)]);
    assert_eq!(bench.state.answers, [(T, NOTHING)]);
    assert_eq!(bench.pending.counts, Counts::default());
}

#[test]
fn it_concerns_the_request_that_asked_and_not_those_that_wait_for_the_same_ticket() {
    let mut bench = Bench::new(|_, _, _, request| Some((request.id, allow())));
    bench.begin(1, ask(T, 1_000));
    assert_eq!(bench.begin(2, load(T)), [(2, None)]);
    assert_eq!(bench.pending.parked.len(), 1);
}

#[test]
fn what_the_host_does_not_answer_has_failed_and_the_stage_decides() {
    let mut bench = Bench::new(|_, _, answer, request| {
        let reason = if *answer == Answer::Failed { Reason::CannotAsk } else { Reason::Internal };
        Some((request.id, Step::Done(Verdict::deny(reason, None))))
    });
    bench.starts = false;
    assert_eq!(bench.begin(1, load(T)), [(1, Some(Reason::CannotAsk))]);
    assert_eq!(bench.pending.counts.failed, 1);
}

#[test]
fn a_stage_that_says_nothing_to_its_answer_has_its_request_refused() {
    let mut bench = Bench::new(|_, _, _, _| None);
    assert_eq!(bench.begin(1, load(T)), [(1, Some(Reason::Internal))]);
}

#[test]
fn a_request_does_not_ask_for_ever() {
    let mut bench = Bench::new(|_, _, _, request| Some((request.id, load(T))));
    assert_eq!(bench.begin(1, load(T)), [(1, Some(Reason::TooManyQuestions))]);
    assert_eq!(bench.started, MAX_IMMEDIATE);
}

#[test]
fn it_may_come_before_and_after_a_question_that_takes_time() {
    let mut bench = Bench::new(|state, _, _, request| {
        state.rounds += 1;
        let step = match state.rounds {
            1 => ask(ticket(8), 1_000),
            2 => load(T),
            _ => allow(),
        };
        Some((request.id, step))
    });
    assert_eq!(bench.begin(1, load(T)), []);
    assert_eq!(bench.answer(1, failed()), [(1, None)]);
    assert_eq!(bench.state.answers, [(T, NOTHING), (ticket(8), Answer::Failed), (T, NOTHING)]);
}

#[test]
fn a_stage_that_asks_aside_whenever_it_is_told_something_comes_to_an_end() {
    // Answered at once, or not taken by the host: either way the stage is told in the same callback.
    for (aside, starts) in [(slot(), true), (slot(), false), (question(), false)] {
        let mut bench = Bench::new(|_, _, _, _| None);
        bench.state.aside = Some(aside);
        bench.starts = starts;
        assert_eq!(bench.begin(1, load(T)), [(1, Some(Reason::Internal))]);
        // One is the request's own.
        assert!(bench.started <= MAX_ASIDE + 1, "{}", bench.started);
        let told = u32::try_from(bench.state.answers.len()).unwrap_or(u32::MAX);
        assert!(told <= MAX_ASIDE * 2 + 1, "{told}");
        assert_eq!(bench.state.answers.last().map(|(_, answer)| answer.clone()), Some(Answer::Failed));
    }
}
