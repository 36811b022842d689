//! The scenarios.

use crate::setup::{DEADLINE, TIMEOUT, answer, callout, closed, forwarded, ok, path, proxy, refused, send};
use meshward_host::{Attributes, CalloutAnswer, CalloutKind, FailurePolicy, Progress, VmState};
use std::time::Duration;

const MOST: usize = 256;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn an_answer_lets_a_request_go_edits_its_headers_or_refuses_it() {
    let mut proxy = closed();
    let stream = send(&mut proxy, "http", "/who", &[("x-secret", "a"), ("x-user", "eve"), ("x-secret", "b")]);
    assert_eq!(proxy.progress(stream), Progress::Paused);
    assert_eq!(path(&callout(&proxy)), "/who");
    answer(&mut proxy, ok("allow x-user=anna"));
    let sent = proxy.forwarded(stream).expect("it goes on");
    assert_eq!(sent.header("x-user"), Some(b"anna".as_slice()));
    let names: Vec<_> = sent.headers.iter().map(|(name, _)| name.as_slice()).collect();
    assert!(!names.contains(&b"x-secret".as_slice()), "{names:?}");
    assert_eq!(names.iter().filter(|name| **name == b"x-user").count(), 1);

    let stream = send(&mut proxy, "http", "/who", &[]);
    answer(&mut proxy, ok("deny"));
    assert_eq!(refused(&proxy, stream), (403, "meshward_denied[authz.deny_rule]".to_owned()));
}

#[test]
fn a_grpc_message_decides_and_a_grpc_failure_refuses() {
    let mut proxy = closed();
    let stream = send(&mut proxy, "grpc", "Take", &[("x-message", "who")]);
    let CalloutKind::Grpc { cluster, service, method, message, .. } = callout(&proxy).kind else {
        panic!("no gRPC call");
    };
    assert_eq!((cluster.as_str(), service.as_str(), method.as_str()), ("grpc", "probe.Answers", "Take"));
    assert_eq!(message, b"who");
    answer(&mut proxy, CalloutAnswer::Grpc { message: b"allow".to_vec() });
    assert!(forwarded(&proxy, stream));

    let failures = [CalloutAnswer::GrpcStatus { code: 8, message: String::new() }, CalloutAnswer::Reset];
    for failure in failures {
        let stream = send(&mut proxy, "grpc", "Take", &[]);
        answer(&mut proxy, failure);
        assert_eq!(refused(&proxy, stream), (503, "meshward_denied[plugin.cannot_ask]".to_owned()));
    }
}

#[test]
fn a_deadline_passes_to_the_millisecond_and_a_late_answer_is_for_nobody() {
    let mut proxy = closed();
    let stream = send(&mut proxy, "http", "/late", &[]);
    proxy.advance(millis(DEADLINE - 1));
    assert_eq!(proxy.progress(stream), Progress::Paused);
    proxy.advance(millis(1));
    assert_eq!(refused(&proxy, stream), (503, "meshward_denied[plugin.deadline_passed]".to_owned()));
    answer(&mut proxy, ok("allow"));
    assert!(!forwarded(&proxy, stream));
    proxy.advance(millis(TIMEOUT));
    assert_eq!(proxy.next_event(), None, "no timer runs for nobody");

    let lenient = send(&mut proxy, "http", "/late", &[("x-late", "allow")]);
    proxy.advance(millis(DEADLINE));
    assert!(forwarded(&proxy, lenient));
    let unasked = send(&mut proxy, "http", "/", &[("x-ask-cluster", "nowhere")]);
    assert!(!forwarded(&proxy, unasked));
    let counts = [
        ("questions", 2),
        ("questions_failed", 1),
        ("parked", 3),
        ("late", 2),
        ("allowed", 1),
        ("denied", 2),
    ];
    for (name, count) in counts {
        assert_eq!(proxy.counter(&format!("meshward_probe_{name}_total")), Some(count), "{name}");
    }
}

#[test]
fn an_answer_that_is_too_long_or_none_does_not_allow() {
    let mut proxy = closed();
    let answers = [
        (ok(&"x".repeat(1001)), (403, "authz.otherwise")),
        (CalloutAnswer::Reset, (503, "plugin.cannot_ask")),
        (
            CalloutAnswer::Http { headers: Vec::new(), body: b"allow".to_vec(), trailers: None },
            (503, "plugin.cannot_ask"),
        ),
    ];
    for (given, (status, reason)) in answers {
        let stream = send(&mut proxy, "http", "/", &[]);
        answer(&mut proxy, given);
        assert_eq!(refused(&proxy, stream), (status, format!("meshward_denied[{reason}]")));
    }
    let stream = send(&mut proxy, "http", "/", &[("x-ask-cluster", "nowhere")]);
    assert_eq!(refused(&proxy, stream), (503, "meshward_denied[plugin.cannot_ask]".to_owned()));
}

#[test]
fn of_300_requests_256_wait_and_44_are_refused_at_once() {
    let mut proxy = closed();
    let streams: Vec<_> = (0..300).map(|_| send(&mut proxy, "http", "/", &[])).collect();
    let (waiting, rest) = streams.split_at(MOST);
    for stream in rest {
        let too_many = (503, "meshward_denied[plugin.too_many_parked]".to_owned());
        assert_eq!(refused(&proxy, *stream), too_many);
    }
    let calls = proxy.callouts();
    assert_eq!(calls.len(), MOST);
    for call in calls {
        proxy.answer(call.id, ok("allow"));
    }
    assert!(waiting.iter().all(|stream| forwarded(&proxy, *stream)));
}

#[test]
fn clients_that_go_away_make_room_and_are_not_let_through() {
    let mut proxy = closed();
    let gone: Vec<_> = (0..MOST).map(|_| send(&mut proxy, "http", "/", &[])).collect();
    for stream in &gone {
        proxy.reset(*stream);
    }
    let calls = proxy.callouts();
    let next: Vec<_> = (0..MOST).map(|_| send(&mut proxy, "http", "/", &[])).collect();
    for call in calls {
        proxy.answer(call.id, ok("allow"));
    }
    assert!(!gone.iter().any(|stream| forwarded(&proxy, *stream)));
    assert!(next.iter().all(|stream| proxy.progress(*stream) == Progress::Paused));
    assert_eq!(proxy.vm_state(0, 0), VmState::Running);
}

#[test]
fn many_requests_share_one_question_and_each_keeps_its_deadline() {
    let mut proxy = closed();
    let long = send(&mut proxy, "share", "/keys", &[]);
    let short = send(&mut proxy, "share", "/keys", &[("x-deadline", "100")]);
    proxy.advance(millis(100));
    assert_eq!(refused(&proxy, short).0, 503);
    let last = send(&mut proxy, "share", "/keys", &[]);
    answer(&mut proxy, ok("allow"));
    assert!(forwarded(&proxy, long) && forwarded(&proxy, last));
}

#[test]
fn a_body_does_not_let_a_parked_request_go_on() {
    let mut proxy = closed();
    let stream = proxy.open(0, Attributes::plaintext());
    let headers = [(":method", "POST"), (":path", "/"), (":authority", "a.test"), ("x-ask", "http")];
    let headers = headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    proxy.request_headers(stream, headers.to_vec(), false);
    proxy.request_body(stream, b"a body", true);
    assert_eq!(proxy.progress(stream), Progress::Paused);
    answer(&mut proxy, ok("allow"));
    assert_eq!(proxy.forwarded(stream).map(|sent| sent.body.clone()), Some(b"a body".to_vec()));
}

#[test]
fn after_a_trap_nobody_is_let_through_and_a_reloaded_module_decides_rightly() {
    let mut proxy = proxy(0, FailurePolicy::Reload);
    let parked: Vec<_> = (0..50).map(|_| send(&mut proxy, "http", "/", &[])).collect();
    let calls = proxy.callouts();
    let trapped = send(&mut proxy, "trap", "/", &[]);
    assert_eq!(refused(&proxy, trapped).0, 503);
    for call in calls {
        proxy.answer(call.id, ok("allow"));
    }
    assert!(!parked.iter().any(|stream| forwarded(&proxy, *stream)));
    proxy.advance(Duration::from_secs(3));
    for (body, lets) in [("allow", true), ("deny", false)] {
        let stream = send(&mut proxy, "http", "/after", &[]);
        let calls = proxy.callouts();
        let call = calls.iter().find(|call| path(call) == "/after").expect("it asks");
        proxy.answer(call.id, ok(body));
        assert_eq!(forwarded(&proxy, stream), lets, "{body}");
    }
}

#[test]
fn a_tick_asks_at_once_and_every_period_and_a_parked_request_does_not_disturb_it() {
    let mut proxy = proxy(5_000, FailurePolicy::Closed);
    proxy.advance(millis(1));
    assert_eq!(path(&callout(&proxy)), "/keys");
    answer(&mut proxy, ok("allow x-key=k1"));
    let known = send(&mut proxy, "known", "/", &[]);
    assert_eq!(proxy.forwarded(known).and_then(|sent| sent.header("x-key")), Some(b"k1".as_slice()));

    let late = send(&mut proxy, "http", "/", &[("x-deadline", "700")]);
    proxy.advance(millis(700));
    assert_eq!(refused(&proxy, late).0, 503);
    let asked =
        |proxy: &meshward_host::Proxy| proxy.callouts().iter().filter(|call| path(call) == "/keys").count();
    proxy.advance(millis(4_298));
    assert_eq!(asked(&proxy), 0);
    proxy.advance(millis(2));
    assert_eq!(asked(&proxy), 1);
    proxy.advance(millis(5_000));
    assert_eq!(asked(&proxy), 2);
}
