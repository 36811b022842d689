//! Twenty thousand refusals, and a collector that fails in the middle of them.

use super::setup::{ACCESS_LOG, Scene, WITHIN, counted};
use meshward_corpus::{engines, stand};
use meshward_harness::client::{Client, RawRequest, spread};
use meshward_harness::poll;
use meshward_harness::ports::Reserved;
use serde_json::json;
use std::collections::BTreeSet;

/// How many in each part: all is well, it refuses, it is slow, all is well again.
const PARTS: [usize; 4] = [5_000, 8_000, 4_000, 3_000];

#[test]
fn every_refusal_arrives_or_is_counted_as_dropped() {
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let scene = Scene::new();
    // Small enough that the failing collector costs events.
    let sink = json!({"otlpHttp": {
        "cluster": "collector", "timeoutMillis": 5000, "maxQueueBytes": 1_048_576,
        "batch": {"everyMillis": 200, "maxBytes": 262_144},
    }});
    let port = Reserved::loopback().expect("a port");
    let listener = scene.listener(&port, vec![scene.sentinel(&sink), scene.refusing()]);
    let envoy = scene.envoy(&binary, vec![listener], 2).start().expect("Envoy starts");
    let mut clients: Vec<Client> = (0..32).map(|_| Client::plain(port.address())).collect();
    let mut refused = 0;
    for (part, requests) in PARTS.into_iter().enumerate() {
        scene.collector.refuse((part == 1).then_some(503));
        scene.collector.slow_down(if part == 2 { 300 } else { 0 });
        let all = (0..requests).map(|_| RawRequest::get("/orders/7").host("orders.shop"));
        let sent = spread(&mut clients, all, |answer| refused += u64::from(answer.status == 403));
        assert_eq!(sent.expect("answers"), requests as u64);
    }
    let total: usize = PARTS.iter().sum();
    assert_eq!(refused, total as u64, "everything was refused");
    let settled = poll::until("every record sent or dropped", WITHIN, || {
        let (recorded, sent, dropped) = (
            counted(&envoy, "events_recorded"),
            counted(&envoy, "events_sent"),
            counted(&envoy, "events_dropped"),
        );
        (recorded >= total as u64 && recorded == sent + dropped).then_some((recorded, sent, dropped))
    });
    let (recorded, sent, dropped) = settled.expect("the queue empties");
    // Its own troubles are told in the log as well; those that say that the collector fails are told only there.
    let troubles = stand::events(&envoy).into_iter().filter(|event| {
        let is_over_or_lost = event.get("status_id") == Some(&json!(1))
            || event.pointer("/metadata/event_code") == Some(&json!("sentinel.events_dropped"));
        event.get("class_uid") == Some(&json!(6008)) && is_over_or_lost
    });
    assert_eq!(recorded - troubles.count() as u64, total as u64);
    let received = scene.received();
    let uids: BTreeSet<String> = received
        .iter()
        .filter_map(|one| one.body.pointer("/metadata/uid")?.as_str().map(str::to_owned))
        .collect();
    assert_eq!((received.len() as u64, uids.len() as u64), (sent, sent), "each once");
    let log = poll::until("every request in the access log", WITHIN, || {
        let lines = envoy
            .access_log(ACCESS_LOG)
            .iter()
            .filter(|line| line.starts_with("403 meshward_denied["))
            .count();
        (lines == total).then_some(lines)
    });
    log.expect("as many refusals in the access log");
    assert!(dropped > 0, "the bound was never met: the test shows less than it says");
    println!(
        "{total} refusals by 2 workers: {} records received, {dropped} dropped and counted",
        received.len()
    );
}
