//! The timer: the stage's own, and what it never delays.

use crate::setup::{WITHIN, Wanted, asking, engines};
use meshward_harness::poll;
use meshward_harness::upstream::Reply;
use std::time::{Duration, Instant};

/// A worker's VM, and the one that Envoy keeps on its main thread: each has a timer of its own.
const VMS: usize = 2;

#[test]
fn a_question_without_a_request_is_asked_right_after_configuring_and_then_every_period() {
    for (engine, binary) in engines() {
        let wanted = Wanted { tick_period_millis: 60, tick_path: Some("/keys"), ..Wanted::default() };
        let running = wanted.start(&binary);
        running.answers.always("/keys", Reply::status(200).body("allow x-key=k1"));
        running.answers.always("/never", Reply::never());
        let known = || (running.send(&asking("/1", "known", "/")).status == 200).then_some(());
        poll::until("the keys", WITHIN, known).expect("the answer of a tick is remembered");
        let seen = running.echo.last().expect("it arrived").to_string();
        assert!(seen.contains(r#"["x-key","k1"]"#), "{engine}: {seen}");
        // A parked request shortens the period for its deadline, and it goes on as before afterwards.
        let late = asking("/2", "http", "/never").header("x-deadline", "20");
        assert_eq!(running.send(&late).status, 503, "{engine}");
        let before = running.answers.count("/keys");
        let more = || (running.answers.count("/keys") >= before + 5 * VMS).then_some(());
        let since = Instant::now();
        poll::until("five more ticks of each", WITHIN, more).expect("it goes on ticking");
        assert!(since.elapsed() >= Duration::from_millis(4 * 60), "{engine}: {:?}", since.elapsed());
    }
}

#[test]
fn with_a_period_of_five_seconds_the_first_tick_does_not_wait_for_it() {
    for (engine, binary) in engines() {
        let wanted = Wanted { tick_period_millis: 5_000, tick_path: Some("/keys"), ..Wanted::default() };
        let running = wanted.start(&binary);
        let since = Instant::now();
        poll::until("the questions", WITHIN, || (running.answers.count("/keys") == VMS).then_some(()))
            .expect("each VM asks once");
        assert!(since.elapsed() < Duration::from_secs(2), "{engine}: {:?}", since.elapsed());
    }
}

/// The first question of a fresh proxy waits for nothing but its answer: not for a tick, five seconds away.
///
/// Each try is a new Envoy, since only a first question counts; the best of them, since the machine may be busy.
#[test]
fn the_first_questions_wait_is_its_answer_and_at_most_ten_milliseconds() {
    const ANSWER: Duration = Duration::from_millis(100);
    const MORE: Duration = Duration::from_millis(10);
    for (engine, binary) in engines() {
        let mut waits = Vec::new();
        for _ in 0..10 {
            let wanted = Wanted { tick_period_millis: 5_000, ..Wanted::default() };
            let running = wanted.start(&binary);
            running.answers.always("/ask", Reply::status(200).body("deny").after(ANSWER));
            let mut client = running.client();
            client.connect().expect("a connection");
            let asked = Instant::now();
            let status = client.send(&asking("/1", "http", "/ask")).expect("an answer").status;
            waits.push(asked.elapsed());
            assert_eq!(status, 403, "{engine}");
            if waits.iter().any(|wait| *wait <= ANSWER + MORE) {
                break;
            }
        }
        println!("{engine}: the first question waited {waits:?} for an answer after {ANSWER:?}");
        assert!(waits.iter().any(|wait| *wait <= ANSWER + MORE), "{engine}: {waits:?}");
    }
}
