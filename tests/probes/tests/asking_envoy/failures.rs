//! What cannot be asked, what is no answer, and what a trap leaves behind.

use crate::setup::{Running, WITHIN, Wanted, asking, engines};
use meshward_harness::config::{Cluster, FailurePolicy};
use meshward_harness::poll;
use meshward_harness::upstream::{GrpcReply, Reply};
use serde_json::json;
use std::net::TcpListener;
use std::time::{Duration, Instant};

#[test]
fn a_question_that_cannot_be_started_fails_at_once() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        for ask in ["http", "grpc"] {
            let request = asking(&format!("/{ask}"), ask, "/x").header("x-ask-cluster", "nowhere");
            assert_eq!(running.send(&request).status, 503, "{engine} {ask}");
            let why = running.why(&format!("/{ask}"));
            assert_eq!(why, "503 meshward_denied[plugin.cannot_ask]", "{engine} {ask}");
        }
        running.answers.always("/ask", Reply::status(200).body("allow"));
        assert_eq!(running.send(&asking("/1", "http", "/ask")).status, 200, "{engine}");
    }
}

#[test]
fn an_answer_that_is_too_long_cut_or_reset_does_not_allow() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        let long = vec![b'x'; 1001];
        running.answers.always("/long", Reply::status(200).body(long.clone()));
        running.answers.always("/cut", Reply::status(200).body("allow and more").cut(5));
        running.answers.always("/close", Reply::close());
        running.answers.always("/reset", Reply::reset());
        running.grpc.always("/probe.Answers/Long", GrpcReply::message(long));
        assert_eq!(running.send(&asking("/1", "http", "/long")).status, 403, "{engine}");
        assert_eq!(running.why("/1"), "403 meshward_denied[authz.otherwise]", "{engine}");
        assert_eq!(running.send(&asking("/2", "grpc", "Long")).status, 403, "{engine}");
        assert_eq!(running.why("/2"), "403 meshward_denied[authz.otherwise]", "{engine}");
        for path in ["/cut", "/close", "/reset"] {
            let status = running.send(&asking(path, "http", path)).status;
            assert!(status == 403 || status == 503, "{engine} {path}: {status}");
        }
        assert_eq!(running.echo.count(), 0, "{engine}");
    }
}

#[test]
fn a_cluster_that_refuses_connections_does_not_allow() {
    // Bound and never listening: connections are refused, and nobody else is given the port.
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = held.local_addr().expect("its address");
    drop(held);
    let wanted = Wanted { clusters: vec![Cluster::plain("closed", address)], ..Wanted::default() };
    for (engine, binary) in engines() {
        let running = wanted.start(&binary);
        let request = asking("/1", "http", "/x").header("x-ask-cluster", "closed");
        assert_eq!(running.send(&request).status, 403, "{engine}");
    }
}

/// Parks 50 requests, traps the VM, and gives the statuses (none: closed without one) and how long the last took.
fn trap_under_fifty(running: &Running) -> (Vec<Option<u16>>, Duration) {
    let request = asking("/parked", "http", "/never");
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..50)
            .map(|_| scope.spawn(|| running.client().send(&request).map(|answer| answer.status).ok()))
            .collect();
        poll::until("50 questions", WITHIN, || (running.answers.count("/never") == 50).then_some(()))
            .expect("50 are parked");
        let trapped = Instant::now();
        let status = running.send(&asking("/trap", "trap", "/")).status;
        assert_eq!(status, 503);
        let statuses = all.into_iter().map(|one| one.join().expect("no panic")).collect();
        (statuses, trapped.elapsed())
    })
}

#[test]
fn when_the_vm_traps_all_that_are_parked_end_and_none_is_let_through() {
    for failure_policy in [FailurePolicy::FailClosed, FailurePolicy::FailReload] {
        let wanted = Wanted { failure_policy, idle: "2s", ..Wanted::default() };
        for (engine, binary) in engines() {
            let running = wanted.start(&binary);
            running.answers.always("/never", Reply::never());
            running.answers.always("/allow", Reply::status(200).body("allow"));
            running.answers.always("/deny", Reply::status(200).body("deny"));
            let (statuses, took) = trap_under_fifty(&running);
            println!("{engine} {failure_policy:?}: {} ended within {took:?}", statuses.len());
            assert!(took < Duration::from_secs(5), "{engine} {failure_policy:?}: {took:?}");
            assert!(statuses.iter().all(|status| *status != Some(200)), "{engine}: {statuses:?}");
            assert_eq!(running.echo.count(), 0, "{engine} {failure_policy:?}");

            let allowed = || running.send(&asking("/after", "http", "/allow")).status == 200;
            if failure_policy == FailurePolicy::FailReload {
                poll::until("the VM", WITHIN, || allowed().then_some(())).expect("the module is back");
                assert_eq!(running.send(&asking("/no", "http", "/deny")).status, 403, "{engine}");
                assert_eq!(running.send(&asking("/yes", "http", "/allow")).status, 200, "{engine}");
            } else {
                assert!(!allowed(), "{engine}: closed");
            }
        }
    }
}

#[test]
fn an_answer_that_traps_leaves_no_request_hanging_nor_let_through() {
    for (engine, binary) in engines() {
        let wanted = Wanted { failure_policy: FailurePolicy::FailReload, idle: "2s", ..Wanted::default() };
        let running = wanted.start(&binary);
        running.answers.always("/trap", Reply::status(200).body("trap"));
        running.answers.always("/allow", Reply::status(200).body("allow"));
        let asked = Instant::now();
        let status = running.client().send(&asking("/1", "http", "/trap")).map(|answer| answer.status);
        println!("{engine}: an answer that traps: {status:?} after {:?}", asked.elapsed());
        assert!(
            asked.elapsed() < Duration::from_secs(5) && status.is_ok_and(|status| status != 200),
            "{engine}"
        );
        let allowed = || (running.send(&asking("/2", "http", "/allow")).status == 200).then_some(());
        poll::until("the VM", WITHIN, allowed).expect("the module is back");
        assert_eq!(running.echo.count(), 1, "{engine}");
    }
}

#[test]
fn a_cluster_without_hosts_does_not_allow() {
    let mut nobody = Cluster::plain("nobody", "127.0.0.1:1");
    nobody.patch = json!({"load_assignment": {"cluster_name": "nobody", "endpoints": []}});
    let wanted = Wanted { clusters: vec![nobody.http2()], ..Wanted::default() };
    for (engine, binary) in engines() {
        let mut running = wanted.start(&binary);
        for ask in ["grpc", "http"] {
            let request = asking(&format!("/{ask}"), ask, "/x").header("x-ask-cluster", "nobody");
            let status = running.client().send(&request).map(|answer| answer.status);
            assert!(running.envoy.exited().is_none(), "{engine} {ask}: {status:?}");
            assert_eq!(status.ok(), Some(503), "{engine} {ask}");
            let why = running.why(&format!("/{ask}"));
            assert_eq!(why, "503 meshward_denied[plugin.cannot_ask]", "{engine} {ask}");
        }
    }
}
