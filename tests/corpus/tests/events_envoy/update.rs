//! Configurations that come and go while requests are refused: what an old one still holds is sent by the new one, or counted.

use super::setup::{ACCESS_LOG, Scene, WITHIN, counted};
use meshward_corpus::{engines, stand};
use meshward_harness::client::{Client, RawRequest, spread};
use meshward_harness::envoy::{Envoy, Pushed};
use meshward_harness::poll;
use meshward_harness::ports::Reserved;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How many requests each configuration refuses.
const REFUSED: usize = 1_500;
/// How often those send that are replaced: a minute is not over when they end. All different, as the configurations must be.
const QUIET: [u32; 4] = [60_000, 59_999, 59_998, 59_997];
const WORKERS: u32 = 2;

/// What a sink of this place does that sends every so-many milliseconds.
fn sink(path: &str, every: u32) -> Value {
    json!({"otlpHttp": {
        "cluster": "collector", "path": path, "batch": {"everyMillis": every}, "maxQueueBytes": 67_108_864,
    }})
}

/// Refuses so many requests with new connections, so that every worker has some.
fn refuse(port: &Reserved) {
    let mut clients: Vec<Client> = (0..16).map(|_| Client::plain(port.address())).collect();
    let all = (0..REFUSED).map(|_| RawRequest::get("/orders/7").host("orders.shop"));
    let mut others = Vec::new();
    let sent =
        spread(&mut clients, all, |answer| others.extend((answer.status != 403).then_some(answer.status)));
    assert_eq!((sent.expect("answers"), others), (REFUSED as u64, Vec::new()));
}

/// One request after the other, until it is over; a connection that is closed under it is opened again.
fn stream(port: &Reserved, over: &AtomicBool) {
    let mut client = Client::plain(port.address());
    let request = RawRequest::get("/orders/8").host("orders.shop");
    while !over.load(Ordering::Relaxed) {
        if let Ok(answer) = client.send(&request) {
            assert_eq!(answer.status, 403);
        }
    }
}

/// Starts with the first of these sinks, and goes on to each next one after a share of the refusals, while others go on all the time.
fn through(binary: &Path, scene: &Scene, sinks: &[Value]) -> Envoy {
    let port = Reserved::loopback().expect("a port");
    let listener = |sink: &Value| scene.listener(&port, vec![scene.sentinel(sink), scene.refusing()]);
    let mut sinks = sinks.iter();
    let first = sinks.next().expect("a sink");
    let mut envoy = scene.updated(binary, vec![listener(first)], WORKERS).start().expect("Envoy starts");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let streaming = scope.spawn(|| stream(&port, &over));
        refuse(&port);
        for sink in sinks {
            assert_eq!(envoy.push_listeners(&[listener(sink)]).expect("an outcome"), Pushed::Accepted);
            refuse(&port);
        }
        over.store(true, Ordering::Relaxed);
        streaming.join().expect("nothing but refusals");
    });
    envoy
}

/// (recorded, sent, dropped), once nothing waits any more.
fn settled(envoy: &Envoy, at_least: usize) -> (u64, u64, u64) {
    let counts = || ["events_recorded", "events_sent", "events_dropped"].map(|what| counted(envoy, what));
    let settled = poll::until("every record sent or dropped", WITHIN, || {
        let [recorded, sent, dropped] = counts();
        (recorded >= at_least as u64 && recorded == sent.saturating_add(dropped))
            .then_some((recorded, sent, dropped))
    });
    settled.unwrap_or_else(|error| panic!("{error}: recorded, sent, dropped: {:?}", counts()))
}

/// Envoy's access log holds so many refusals: as many were decided.
fn decided(envoy: &Envoy, total: u64) {
    let lines = || {
        let lines = envoy.access_log(ACCESS_LOG);
        lines.iter().filter(|line| line.starts_with("403 meshward_denied[")).count() as u64
    };
    let same = poll::until("every request in the access log", WITHIN, || (lines() == total).then_some(()));
    same.unwrap_or_else(|error| panic!("{error}: {} of {total}", lines()));
}

#[test]
fn what_an_old_configuration_has_not_sent_the_new_one_sends() {
    for binary in [engines::main(), engines::second()] {
        let binary = binary.unwrap_or_else(|remedy| panic!("{remedy}"));
        let scene = Scene::new();
        let mut sinks: Vec<Value> = QUIET.into_iter().map(|every| sink("/v1/logs", every)).collect();
        sinks.push(sink("/v1/logs", 100));
        let envoy = through(&binary, &scene, &sinks);
        let (recorded, sent, dropped) = settled(&envoy, REFUSED * sinks.len());
        assert_eq!((sent, dropped), (recorded, 0));
        decided(&envoy, recorded);
        let received = scene.received();
        let uids: BTreeSet<String> = received
            .iter()
            .filter_map(|one| one.body.pointer("/metadata/uid")?.as_str().map(str::to_owned))
            .collect();
        assert_eq!((received.len() as u64, uids.len() as u64), (recorded, recorded), "each once");
        println!(
            "{recorded} refusals over {} updates: {sent} records received, {dropped} dropped",
            QUIET.len()
        );
    }
}

#[test]
fn what_nobody_sends_to_that_place_any_more_is_counted_and_said() {
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let scene = Scene::new();
    let envoy = through(&binary, &scene, &[sink("/v1/elsewhere", QUIET[0]), sink("/v1/logs", 100)]);
    let (recorded, sent, dropped) = settled(&envoy, 2 * REFUSED);
    assert!(dropped >= REFUSED as u64 && sent >= REFUSED as u64, "{sent} sent, {dropped} dropped");
    decided(&envoy, recorded);
    assert_eq!(scene.received().len() as u64, sent);
    let said: u64 = stand::events(&envoy)
        .iter()
        .filter(|event| event.pointer("/metadata/event_code") == Some(&json!("sentinel.events_dropped")))
        .filter_map(|event| event.get("count").and_then(Value::as_u64))
        .sum();
    assert_eq!(said, dropped, "each worker says how many it has dropped");
}
