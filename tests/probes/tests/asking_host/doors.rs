//! The doors behind the decision: responses, ends, and what is answered in the same callback.

use crate::setup::{answer, closed, forwarded, ok, plugin, refused, respond, send};
use meshward_host::{FailurePolicy, Progress, Proxy, Stream, VmState};

/// What the upstream is sent in this header.
fn sent(proxy: &Proxy, stream: Stream, name: &str) -> Option<String> {
    let value = proxy.forwarded(stream).expect("it goes on").header(name)?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// What the client gets: the status, and the header `x-seen`.
fn got(proxy: &Proxy, stream: Stream) -> (String, Option<String>) {
    let response = proxy.responded(stream).expect("an answer");
    let text = |name| response.header(name).map(|value| String::from_utf8_lossy(value).into_owned());
    (text(":status").expect("a status"), text("x-seen"))
}

fn yes(status: &str) -> (String, Option<String>) {
    (status.to_owned(), Some("yes".to_owned()))
}

const SEEN: (&str, &str) = ("x-respond", "x-seen=yes");

#[test]
fn a_response_is_edited_whoever_gives_it_once_the_request_was_decided() {
    let mut proxy = closed();
    let stream = send(&mut proxy, "http", "/", &[SEEN]);
    answer(&mut proxy, ok("allow"));
    respond(&mut proxy, stream, 200, &[("x-seen", "no"), ("x-seen", "never")]);
    assert_eq!(got(&proxy, stream), yes("200"));
    let names = &proxy.responded(stream).expect("an answer").headers;
    assert_eq!(names.iter().filter(|(name, _)| name == b"x-seen").count(), 1);

    let unreachable = send(&mut proxy, "http", "/", &[SEEN]);
    answer(&mut proxy, ok("allow"));
    proxy.fail_upstream(unreachable, 503, "no", "upstream_reset_before_response_started");
    assert_eq!(got(&proxy, unreachable), yes("503"));

    // Its own refusal, at once and later.
    let at_once = send(&mut proxy, "what?", "/", &[SEEN]);
    assert_eq!(got(&proxy, at_once), yes("403"));
    let later = send(&mut proxy, "http", "/", &[SEEN]);
    answer(&mut proxy, ok("deny"));
    assert_eq!(got(&proxy, later), yes("403"));

    // What is no header of a response is not made one, and the answer goes to the client all the same.
    for wrong in [":status=200", "X Seen=yes"] {
        let stream = send(&mut proxy, "http", "/", &[("x-respond", wrong)]);
        answer(&mut proxy, ok("allow"));
        respond(&mut proxy, stream, 404, &[]);
        assert_eq!(got(&proxy, stream), ("404".to_owned(), None), "{wrong:?}");
    }
}

/// How a request ended, as the next request reads it in shared data.
fn ended(proxy: &mut Proxy, slot: &str) -> Option<String> {
    let reader = send(proxy, "load", slot, &[]);
    if !forwarded(proxy, reader) {
        return None;
    }
    let ended = sent(proxy, reader, "x-ended");
    proxy.finish(reader);
    ended
}

#[test]
fn how_a_request_ended_is_seen_at_its_end_and_not_before() {
    let mut proxy = closed();
    let at = |slot| ("x-observe", slot);
    let found = send(&mut proxy, "http", "/", &[at("found")]);
    answer(&mut proxy, ok("allow"));
    assert_eq!(ended(&mut proxy, "found"), None, "it is not over");
    respond(&mut proxy, found, 404, &[]);
    assert_eq!(ended(&mut proxy, "found").as_deref(), Some("404,none"));

    send(&mut proxy, "what?", "/", &[at("refused")]);
    assert_eq!(ended(&mut proxy, "refused").as_deref(), Some("403,authz.no_allow_match"));

    let native = send(&mut proxy, "http", "/", &[at("native")]);
    answer(&mut proxy, ok("allow"));
    proxy.fail_upstream(native, 403, "no", "rbac_access_denied_matched_policy[none]");
    assert_eq!(ended(&mut proxy, "native").as_deref(), Some("403,sentinel.native_denied"));

    let gone = send(&mut proxy, "http", "/", &[at("gone")]);
    answer(&mut proxy, ok("allow"));
    proxy.reset(gone);
    assert!(ended(&mut proxy, "gone").is_some_and(|ended| ended.ends_with(",none")));

    // Nobody has decided on one that went away while it waited.
    let undecided = send(&mut proxy, "http", "/", &[at("undecided")]);
    proxy.reset(undecided);
    assert_eq!(ended(&mut proxy, "undecided"), None);

    // Two for each end; the readers that came through ended, too.
    let (decided, readers) = (4, 4);
    let refused_readers = 2;
    let all = (decided + readers + refused_readers) * 2;
    assert_eq!(proxy.counter("meshward_probe_ended_total"), Some(all));
}

#[test]
fn what_is_answered_at_once_needs_no_parking() {
    let mut proxy = closed();
    let parked: Vec<_> = (0..256).map(|_| send(&mut proxy, "http", "/", &[])).collect();
    let no_slot = send(&mut proxy, "load", "slot", &[]);
    assert_eq!(refused(&proxy, no_slot).1, "meshward_denied[authz.no_allow_match]");
    let stored = send(&mut proxy, "store", "slot", &[("x-message", "allow x-read=it")]);
    assert!(forwarded(&proxy, stored));
    let loaded = send(&mut proxy, "load", "slot", &[]);
    assert_eq!(sent(&proxy, loaded, "x-read").as_deref(), Some("it"));
    let called = send(&mut proxy, "call", "clear_route_cache", &[]);
    assert!(forwarded(&proxy, called));
    let unknown = send(&mut proxy, "call", "what?", &[]);
    assert_eq!(refused(&proxy, unknown).1, "meshward_denied[plugin.cannot_ask]");
    let for_ever = send(&mut proxy, "loop", "slot", &[]);
    assert_eq!(refused(&proxy, for_ever).1, "meshward_denied[plugin.too_many_questions]");
    assert!(parked.iter().all(|stream| proxy.progress(*stream) == Progress::Paused));
}

#[test]
fn of_two_workers_that_create_a_slot_the_first_does() {
    let plugin = plugin("asking", 0, FailurePolicy::Closed);
    let mut proxy = Proxy::builder().workers(2).plugin(plugin).start().expect("it starts");
    let mut create = |worker, value: &str| {
        let stream = crate::setup::send_on(&mut proxy, worker, "create", "slot", &[("x-message", value)]);
        forwarded(&proxy, stream)
    };
    assert!(create(0, "allow"));
    assert!(!create(1, "deny"));
    assert!(!create(0, "deny"));
    assert_eq!(proxy.shared_data("", b"slot").map(|(value, _)| value), Some(b"allow.".to_vec()));
}

#[test]
fn a_refusal_leaves_a_note_and_what_goes_on_leaves_none() {
    let mut proxy = closed();
    let refused_at_once = send(&mut proxy, "what?", "/", &[]);
    let refused_later = send(&mut proxy, "http", "/", &[]);
    answer(&mut proxy, ok("deny"));
    let allowed = send(&mut proxy, "http", "/", &[]);
    answer(&mut proxy, ok("allow"));
    let note = |stream| proxy.filter_state(stream, "meshward").map(String::from_utf8_lossy);
    assert_eq!(note(refused_at_once).as_deref(), Some("denied authz.no_allow_match 403 own"));
    assert_eq!(note(refused_later).as_deref(), Some("denied authz.deny_rule 403 own"));
    assert_eq!(note(allowed), None);
}

#[test]
fn what_is_kept_for_the_end_is_given_back_whatever_the_end_is() {
    let mut proxy = closed();
    let mut way = |nth: u32| {
        let stream = send(&mut proxy, "http", "/", &[SEEN, ("x-observe", "slot")]);
        match nth % 4 {
            0 => {
                answer(&mut proxy, ok("allow"));
                respond(&mut proxy, stream, 200, &[]);
            }
            1 => answer(&mut proxy, ok("deny")),
            // It goes away while it waits, and after it has gone on.
            2 => {
                proxy.reset(stream);
                answer(&mut proxy, ok("allow"));
            }
            _ => {
                answer(&mut proxy, ok("allow"));
                proxy.reset(stream);
            }
        }
        proxy.finish(stream);
        if nth.is_multiple_of(1_000) { proxy.gauge("meshward_probe_memory_bytes") } else { None }
    };
    let before = (0..=4_000).filter_map(&mut way).last();
    let after = (4_001..=40_000).filter_map(&mut way).last();
    assert!(before.is_some());
    assert_eq!(before, after, "bytes");
    assert_eq!(proxy.vm_state(0, 0), VmState::Running);
}
