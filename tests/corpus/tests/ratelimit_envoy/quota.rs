//! Limits: what callers are told, and what survives.

use crate::setup::{Running, WITHIN, Wanted, by_header, module, text};
use crate::trapping;
use meshward_harness::client::RawRequest;
use meshward_harness::poll;

/// Uses up the burst of three of a key.
fn use_up(running: &Running, key: &str) {
    for left in [2, 1, 0] {
        let answer = running.with_key(key);
        assert_eq!(answer.status, 200);
        assert!(text(&answer, "ratelimit").starts_with(&format!("\"per-key\";r={left};t=")), "{answer:?}");
        assert_eq!(text(&answer, "ratelimit-policy"), "\"per-key\";q=3;w=3600");
    }
}

#[test]
fn callers_are_told_their_limits_on_allowed_answers_and_on_refusals() {
    let running = Wanted::new(1, by_header(3, 3_600, 3)).start();
    use_up(&running, "one");
    let refused = running.with_key("one");
    assert_eq!(refused.status, 429);
    let seconds: u64 = text(&refused, "retry-after").parse().expect("a number");
    assert!((1_100..=1_200).contains(&seconds), "{seconds}");
    assert_eq!(text(&refused, "ratelimit"), format!("\"per-key\";r=0;t={seconds}"));
    assert_eq!(text(&refused, "ratelimit-policy"), "\"per-key\";q=3;w=3600");
    assert_eq!(running.with_key("two").status, 200);
    assert_eq!(running.requests_upstream(), 4, "what is refused does not reach the upstream");
    let grpc = RawRequest::new("POST", "/orders.Orders/List").host("orders").header("x-key", "one");
    let refused = running.send(&grpc.header("content-type", "application/grpc").header("te", "trailers"));
    assert_eq!((refused.status, text(&refused, "grpc-status")), (200, "8"), "RESOURCE_EXHAUSTED");
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert_eq!(running.keeps_ports(), 2);
}

#[test]
fn new_vms_find_the_buckets_as_they_were() {
    let mut running = Wanted::new(2, by_header(3, 3_600, 3)).start();
    use_up_somewhere(&running, "one");
    running.replace_vms();
    poll::until("the new listener", WITHIN, || (running.with_key("two").status == 200).then_some(()))
        .expect("a new listener");
    assert_eq!(running.with_key("one").status, 429);
}

#[test]
fn a_vm_that_traps_comes_back_and_finds_the_buckets_as_they_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let trapping = trapping::twin(&module("ratelimit"), folder.path());
    let running = Wanted { module: trapping, ..Wanted::new(1, by_header(3, 3_600, 3)) }.start();
    use_up(&running, "one");
    trapping::trap(&running);
    poll::until("the VM comes back", WITHIN, || (running.with_key("two").status == 200).then_some(()))
        .expect("a new VM");
    assert_eq!(running.with_key("one").status, 429);
}

#[test]
fn rubbish_in_shared_data_frees_nobody_that_a_worker_knows_and_bans_nobody() {
    let running = Wanted::new(1, by_header(3, 3_600, 3)).start();
    use_up(&running, "one");
    let mut writer = running.writer();
    for slot in 0..4_096 {
        running.overwrite(&mut writer, &format!("meshward.limit.{slot}"), "rubbish of another plugin");
    }
    for _ in 0..3 {
        assert_eq!(running.with_key("one").status, 429);
    }
    use_up(&running, "two");
    assert_eq!(running.with_key("two").status, 429);
    assert!(running.counter("meshward_ratelimit_rubbish_total") > 0);
}

/// As [`use_up`], but by whichever workers: what is left is what the worker knows.
fn use_up_somewhere(running: &Running, key: &str) {
    for _ in 0..3 {
        assert_eq!(running.with_key(key).status, 200);
    }
    assert_eq!(running.with_key(key).status, 429);
}
