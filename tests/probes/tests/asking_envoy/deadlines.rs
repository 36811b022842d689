//! What becomes of a request whose answer is late, lost, or none at all.

use crate::setup::{Wanted, asking, engines};
use meshward_harness::client::RawRequest;
use meshward_harness::upstream::Reply;
use std::time::{Duration, Instant};

/// A machine with much else to do may wake us late.
const SLACK: Duration = Duration::from_millis(1_500);

#[test]
fn a_late_answer_is_not_waited_for() {
    let wanted = Wanted { deadline_millis: 200, ..Wanted::default() };
    for (engine, binary) in engines() {
        let running = wanted.start(&binary);
        running.answers.always("/late", Reply::status(200).body("allow").held());
        running.answers.always("/soon", Reply::status(200).body("allow"));

        let asked = Instant::now();
        assert_eq!(running.send(&asking("/1", "http", "/late")).status, 503, "{engine}");
        let waited = asked.elapsed();
        assert!(waited >= Duration::from_millis(199) && waited < SLACK, "{engine}: {waited:?}");
        assert_eq!(running.why("/1"), "503 meshward_denied[plugin.deadline_passed]", "{engine}");
        // The stage may decide without the answer.
        let lenient = asking("/2", "http", "/late").header("x-late", "allow");
        assert_eq!(running.send(&lenient).status, 200, "{engine}");
        // Now both answers come, for nobody; the next request is none the worse for it.
        running.answers.release();
        assert_eq!(running.send(&asking("/3", "http", "/soon")).status, 200, "{engine}");
        assert_eq!(running.echo.count(), 2, "{engine}");
    }
}

#[test]
fn requests_with_different_deadlines_end_each_at_its_own() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        running.answers.always("/never", Reply::never());
        let asked = Instant::now();
        let waited: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> = [600, 100, 300]
                .map(|deadline: u64| {
                    let running = &running;
                    let request = asking("/", "http", "/never").header("x-deadline", deadline.to_string());
                    scope.spawn(move || {
                        assert_eq!(running.send(&request).status, 503);
                        (Duration::from_millis(deadline), asked.elapsed())
                    })
                })
                .into_iter()
                .collect();
            all.into_iter().map(|one| one.join().expect("no panic")).collect()
        });
        for (deadline, waited) in waited {
            assert!(
                waited + Duration::from_millis(1) >= deadline && waited < deadline + SLACK,
                "{engine}: {deadline:?} {waited:?}"
            );
        }
    }
}

#[test]
fn a_call_that_times_out_is_answered_by_the_proxy_and_does_not_allow() {
    let wanted = Wanted { timeout_millis: 150, ..Wanted::default() };
    for (engine, binary) in engines() {
        let running = wanted.start(&binary);
        running.answers.always("/never", Reply::never());
        running.grpc.always("/probe.Answers/Never", meshward_harness::upstream::GrpcReply::never());
        let asked = Instant::now();
        // 504 from Envoy itself: an answer like any other that is not 200.
        assert_eq!(running.send(&asking("/1", "http", "/never")).status, 403, "{engine}");
        assert_eq!(running.send(&asking("/2", "grpc", "Never")).status, 503, "{engine}");
        assert!(asked.elapsed() < SLACK * 2, "{engine}: {:?}", asked.elapsed());
        assert_eq!(running.why("/1"), "403 meshward_denied[authz.no_allow_match]", "{engine}");
        assert_eq!(running.why("/2"), "503 meshward_denied[plugin.cannot_ask]", "{engine}");
    }
}

#[test]
fn what_the_stage_leaves_parked_ends_at_its_deadline() {
    let wanted = Wanted { deadline_millis: 200, ..Wanted::default() };
    for (engine, binary) in engines() {
        let running = wanted.start(&binary);
        running.answers.always("/wait", Reply::status(200).body("wait"));
        assert_eq!(running.send(&asking("/1", "http", "/wait")).status, 503, "{engine}");
        assert_eq!(running.why("/1"), "503 meshward_denied[plugin.deadline_passed]", "{engine}");
    }
}

#[test]
fn a_body_does_not_let_a_parked_request_go_on() {
    for (engine, binary) in engines() {
        for stops_at_headers in [true, false] {
            let wanted = Wanted { deadline_millis: 300, stops_at_headers, ..Wanted::default() };
            let running = wanted.start(&binary);
            running.answers.always("/never", Reply::never());
            running
                .answers
                .always("/soon", Reply::status(200).body("allow").after(Duration::from_millis(50)));
            let post = |ask_path: &str| {
                RawRequest::new("POST", "/post")
                    .header("x-ask", "http")
                    .header("x-ask-path", ask_path)
                    .body(vec![b'x'; 10_000])
            };
            assert_eq!(running.send(&post("/never")).status, 503, "{engine} {stops_at_headers}");
            assert_eq!(running.echo.count(), 0, "{engine} {stops_at_headers}");
            assert_eq!(running.send(&post("/soon")).status, 200, "{engine} {stops_at_headers}");
            let seen = running.echo.last().expect("it arrived").to_string();
            assert!(seen.contains(r#""body_bytes":10000"#), "{engine} {stops_at_headers}: {seen}");
        }
    }
}
