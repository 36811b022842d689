//! The doors behind the decision, in real Envoys: responses, ends, what is answered in the same callback, the note.

use crate::setup::{NOTE, Running, WITHIN, Wanted, asking, engines};
use meshward_harness::client::RawRequest;
use meshward_harness::poll;
use meshward_harness::upstream::Reply;

/// What an earlier request left of its end in shared data, once it is there.
fn ended(running: &Running, slot: &str) -> String {
    let read = || {
        let read = running.send(&asking("/read", "load", slot));
        (read.status == 200).then(|| running.echo.last().expect("it arrived").to_string())
    };
    let seen = poll::until("the end is written down", WITHIN, read).expect("it is");
    let (_, rest) = seen.split_once(r#"["x-ended",""#).expect("how it ended");
    rest.split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn responses_are_edited_the_upstreams_the_proxys_and_its_own() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        running.answers.always("/allow", Reply::status(200).body("allow"));
        running.answers.always("/deny", Reply::status(200).body("deny"));
        let seen = |path: &str, ask: &str, ask_path: &str, wanted: &str| {
            let response = running.send(&asking(path, ask, ask_path).header("x-respond", wanted));
            (response.status, response.header("x-seen").map(<[u8]>::to_vec))
        };
        let yes = Some(b"yes".to_vec());
        assert_eq!(seen("/upstream", "http", "/allow", "x-seen=yes"), (200, yes.clone()), "{engine}");
        assert_eq!(seen("/own", "what?", "/", "x-seen=yes"), (403, yes.clone()), "{engine}");
        assert_eq!(seen("/later", "http", "/deny", "x-seen=yes"), (403, yes.clone()), "{engine}");
        assert_eq!(seen("/shut", "http", "/allow", "x-seen=yes"), (503, yes), "{engine}: of the router");
        assert_eq!(seen("/upstream", "http", "/allow", ":status=500"), (200, None), "{engine}: no header");
    }
}

#[test]
fn how_a_request_ended_is_known_at_its_end() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        running.answers.always("/allow", Reply::status(200).body("allow"));
        let send = |path: &str, ask: &str, slot: &str| {
            running.send(&asking(path, ask, "/allow").header("x-observe", slot)).status
        };
        assert_eq!(send("/", "http", "good"), 200, "{engine}");
        assert_eq!(ended(&running, "good"), "200,none", "{engine}");
        assert_eq!(send("/", "what?", "refused"), 403, "{engine}");
        assert_eq!(ended(&running, "refused"), "403,authz.no_allow_match", "{engine}");
        assert_eq!(send("/shut", "http", "shut"), 503, "{engine}");
        assert_eq!(ended(&running, "shut"), "503,none", "{engine}");
        let counted = running.envoy.stat("wasmcustom.meshward_probe_ended_total").expect("it is counted");
        assert!(counted >= 12 && counted % 2 == 0, "{engine}: {counted}");
    }
}

#[test]
fn what_is_answered_at_once_is_and_a_slot_is_created_once() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        let why = |path: &str, ask: &str, ask_path: &str, message: &str| {
            let path = format!("/{path}");
            running.send(&asking(&path, ask, ask_path).header("x-message", message));
            running.why(&path)
        };
        assert_eq!(why("1", "load", "slot", "x"), "403 meshward_denied[authz.no_allow_match]", "{engine}");
        assert_eq!(why("2", "create", "slot", "allow"), "200 via_upstream", "{engine}");
        assert_eq!(why("3", "create", "slot", "deny"), "403 meshward_denied[authz.deny_rule]", "{engine}");
        assert_eq!(why("4", "load", "slot", "x"), "200 via_upstream", "{engine}");
        assert_eq!(why("5", "store", "slot", "deny"), "200 via_upstream", "{engine}");
        assert_eq!(why("6", "load", "slot", "x"), "403 meshward_denied[authz.deny_rule]", "{engine}");
        assert_eq!(why("7", "call", "clear_route_cache", "x"), "200 via_upstream", "{engine}");
        assert_eq!(why("8", "call", "what?", "x"), "503 meshward_denied[plugin.cannot_ask]", "{engine}");
        assert_eq!(
            why("9", "loop", "slot", "x"),
            "503 meshward_denied[plugin.too_many_questions]",
            "{engine}"
        );
    }
}

#[test]
fn the_access_log_has_the_note_of_a_refusal() {
    for (engine, binary) in engines() {
        let running = Wanted::default().start(&binary);
        running.answers.always("/deny", Reply::status(200).body("deny"));
        running.send(&asking("/at-once", "what?", "/"));
        running.send(&asking("/later", "http", "/deny"));
        running.send(&RawRequest::get("/allowed"));
        let note = |path: &str| {
            let begin = format!("{path} ");
            let line = running.envoy.wait_access_log(NOTE, |line| line.starts_with(&begin), WITHIN);
            line.expect("a line").strip_prefix(&begin).unwrap_or_default().to_owned()
        };
        assert_eq!(note("/at-once"), "denied authz.no_allow_match 403 own", "{engine}");
        assert_eq!(note("/later"), "denied authz.deny_rule 403 own", "{engine}");
        assert_eq!(note("/allowed"), "-", "{engine}");
    }
}
