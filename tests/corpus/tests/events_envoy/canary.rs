//! A secret in every place where a caller may put one: it is written down nowhere but where the operator asks for it.

use super::setup::{ACCESS_LOG, Scene, WITHIN, counted, envelope};
use meshward_corpus::engines;
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::poll;
use meshward_harness::ports::Reserved;
use serde_json::json;

const SECRET: &str = "cAnArY7c0ffee";

fn requests() -> Vec<(&'static str, RawRequest)> {
    let get = || RawRequest::get("/v1/orders").host("orders.shop");
    // {"alg":"none"} . {"sub":"cAnArY7c0ffee","iss":"cAnArY7c0ffee"} . (nothing)
    let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjQW5Bclk3YzBmZmVlIiwiaXNzIjoiY0FuQXJZN2MwZmZlZSJ9.";
    vec![
        ("segment", RawRequest::get(format!("/v1/{SECRET}/orders")).host("orders.shop")),
        ("parameter", RawRequest::get(format!("/v1/orders;{SECRET}")).host("orders.shop")),
        ("query", RawRequest::get(format!("/v1/orders?token={SECRET}")).host("orders.shop")),
        ("host", RawRequest::get("/v1/orders").host(SECRET)),
        ("port", RawRequest::get("/v1/orders").host(format!("orders.shop:{SECRET}"))),
        ("method", RawRequest::new(SECRET, "/v1/orders").host("orders.shop")),
        ("header value", get().header("x-api-key", SECRET)),
        ("header name", get().header(SECRET, "x")),
        ("authorization", get().header("authorization", format!("Bearer {SECRET}"))),
        ("claims", get().header("authorization", format!("Bearer {token}"))),
        ("cookie", get().header("cookie", format!("session={SECRET}"))),
        ("request id", get().header("x-request-id", SECRET)),
        ("user agent", get().header("user-agent", SECRET)),
        ("forwarded for", get().header("x-forwarded-for", SECRET)),
        ("client certificate", get().header("x-forwarded-client-cert", format!("URI=spiffe://a/{SECRET}"))),
        ("trace", get().header("traceparent", format!("00-{SECRET}-1-01"))),
        ("body", RawRequest::new("POST", "/v1/orders").host("orders.shop").body(SECRET)),
    ]
}

#[test]
fn a_secret_in_any_place_of_a_request_is_in_no_record_note_line_or_metric() {
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let scene = Scene::new();
    let sink = json!({
        "log": {}, "otlpHttp": {"cluster": "collector", "batch": {"everyMillis": 100}},
        "show": {"paths": ["/v1/orders"], "hosts": ["orders.shop"]},
    });
    // Refused by `authz` alone, by `authz` through the sentinel, and by a shadow document.
    let policy = |mode: &str| {
        json!([{
            "apiVersion": "meshward.io/v1alpha1", "kind": "AccessPolicy",
            "metadata": {"name": "nobody", "namespace": "shop"},
            "spec": {"action": "ALLOW", "mode": mode, "rules": [
                {"to": [{"operation": {"paths": ["/v1/orders"], "hosts": ["orders.shop"], "methods": ["PATCH"]}}]},
            ]},
        }])
    };
    let handover = json!({"events": "handover"});
    let chains = [
        vec![scene.wasm("authz", &envelope(&json!({}), &policy("enforce")))],
        vec![scene.sentinel(&sink), scene.wasm("authz", &envelope(&handover, &policy("enforce")))],
        vec![scene.sentinel(&sink), scene.wasm("authz", &envelope(&handover, &policy("shadow")))],
    ];
    let ports: Vec<Reserved> = chains.iter().map(|_| Reserved::loopback().expect("a port")).collect();
    let named = ["own", "left", "shadow"];
    let listeners = chains.into_iter().zip(&ports).zip(named);
    let listeners = listeners.map(|((chain, port), name)| scene.listener(port, chain).named(name)).collect();
    let envoy = scene.envoy(&binary, listeners, 1).start().expect("Envoy starts");
    let requests = requests();
    for port in &ports {
        for (place, request) in &requests {
            let answer = Client::plain(port.address()).send(request);
            assert!(answer.is_ok(), "{place}: {answer:?}");
        }
    }
    // What Envoy itself refuses (a method that is none) never comes to a filter.
    let written = poll::until("records", WITHIN, || {
        let sent = counted(&envoy, "events_sent");
        (sent > 0 && sent == counted(&envoy, "events_recorded") && sent >= 2 * requests.len() as u64 - 4)
            .then_some(sent)
    });
    let written = written.unwrap_or_else(|error| panic!("{error}: {}", counted(&envoy, "events_recorded")));
    let records = std::fs::read_to_string(scene.file()).expect("records");
    assert_eq!(records.lines().count() as u64, written);
    assert!(
        records.contains("/v1/orders") && records.contains("orders.shop"),
        "what the configuration names is shown"
    );
    let log = envoy.log().join("\n");
    let notes = envoy.access_log(ACCESS_LOG).join("\n");
    assert!(notes.contains("denied authz.no_allow_match") && notes.contains("would_deny"), "{notes}");
    let stats = envoy.stats("").expect("stats");
    let stats = stats.keys().map(String::as_str).collect::<Vec<_>>().join("\n");
    for (what, text) in [("record", &records), ("log", &log), ("note", &notes), ("metric", &stats)] {
        let lower = text.to_lowercase();
        let found = lower.lines().find(|line| line.contains(&SECRET.to_lowercase()));
        assert_eq!(found, None, "the secret stands in a {what}");
    }
}

/// The test above can fail: what it looks for is found where it is allowed.
#[test]
fn a_secret_in_a_path_is_found_where_whole_paths_are_shown() {
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let scene = Scene::new();
    let sink = json!({
        "otlpHttp": {"cluster": "collector", "batch": {"everyMillis": 100}}, "show": {"path": "whole"},
    });
    let port = Reserved::loopback().expect("a port");
    let listener = scene.listener(&port, vec![scene.sentinel(&sink), scene.refusing()]);
    let envoy = scene.envoy(&binary, vec![listener], 1).start().expect("Envoy starts");
    for (_, request) in requests().iter().take(3) {
        Client::plain(port.address()).send(request).expect("an answer");
    }
    poll::until("records", WITHIN, || (counted(&envoy, "events_sent") == 3).then_some(())).expect("three");
    let records = std::fs::read_to_string(scene.file()).expect("records");
    let shows: Vec<bool> = records.lines().map(|line| line.contains(SECRET)).collect();
    assert_eq!(shows, [true, true, false], "segment and parameter, never the query");
}
