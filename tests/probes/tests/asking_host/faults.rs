//! Every host call fails in turn, in every way: never a trap, never a request let through that should not be, never one that hangs.

use crate::setup::{closed, forwarded, ok, refused, respond, send};
use meshward_host::{CalloutAnswer, Fault, FaultKind, Faults, Progress, Proxy, Status, Stream, VmState};
use std::time::Duration;

/// A minute and more: every deadline has passed, every mark expired.
const LONG: Duration = Duration::from_secs(70);

const FAILS: FaultKind = FaultKind::Status(Status::InternalFailure);

/// One way of a request that asks.
struct Scenario {
    name: &'static str,
    ask: &'static str,
    answer: fn() -> CalloutAnswer,
    /// What the request needs to go on; `None`: it must not.
    edited: Option<&'static [u8]>,
}

const SCENARIOS: [Scenario; 8] = [
    Scenario {
        name: "allowed and edited",
        ask: "http",
        answer: || ok("allow x-user=anna"),
        edited: Some(b"anna"),
    },
    Scenario { name: "denied", ask: "http", answer: || ok("deny"), edited: None },
    Scenario { name: "asks for ever", ask: "http", answer: || ok("again"), edited: None },
    Scenario {
        name: "allowed over gRPC",
        ask: "grpc",
        answer: || CalloutAnswer::Grpc { message: b"allow x-user=anna".to_vec() },
        edited: Some(b"anna"),
    },
    Scenario { name: "reset", ask: "grpc", answer: || CalloutAnswer::Reset, edited: None },
    Scenario {
        name: "allowed by shared data",
        ask: "load",
        answer: || CalloutAnswer::Reset,
        edited: Some(b"anna"),
    },
    Scenario { name: "creates what is there", ask: "create", answer: || CalloutAnswer::Reset, edited: None },
    Scenario { name: "reads for ever", ask: "loop", answer: || CalloutAnswer::Reset, edited: None },
];

/// A proxy in whose shared data somebody has written how to edit a request.
fn prepared() -> Proxy {
    let mut proxy = closed();
    let writes = send(&mut proxy, "store", "/who", &[("x-message", "allow x-user=anna")]);
    assert!(forwarded(&proxy, writes));
    proxy.finish(writes);
    proxy
}

/// Sends the request, answers what is asked, lets time pass, and lets the upstream answer.
fn run(proxy: &mut Proxy, scenario: &Scenario) -> Stream {
    let more = [
        ("x-secret", "a"),
        ("x-user", "eve"),
        ("x-message", "allow"),
        ("x-respond", "x-seen=yes"),
        ("x-observe", "/end"),
    ];
    let stream = send(proxy, scenario.ask, "/who", &more);
    while let Some(call) = proxy.callouts().into_iter().next() {
        let (answer, reset) = ((scenario.answer)(), CalloutAnswer::Reset);
        assert!(proxy.answer(call.id, answer) || proxy.answer(call.id, reset));
    }
    proxy.advance(LONG);
    if forwarded(proxy, stream) {
        respond(proxy, stream, 200, &[]);
    }
    stream
}

#[test]
fn whatever_fails_no_request_goes_on_that_should_not() {
    let kinds = [
        FaultKind::Status(Status::NotFound),
        FaultKind::Status(Status::BadArgument),
        FaultKind::Status(Status::InternalFailure),
        FaultKind::Cut(0),
        FaultKind::Cut(5),
    ];
    let (mut runs, mut hangs) = (0, Vec::new());
    for scenario in &SCENARIOS {
        let mut whole = prepared();
        whole.reset_counts();
        let stream = run(&mut whole, scenario);
        assert_eq!(forwarded(&whole, stream), scenario.edited.is_some(), "{}", scenario.name);
        for nth in 1..=whole.total_calls() {
            for kind in kinds {
                let mut proxy = prepared();
                proxy.set_faults(Faults::nth(nth, kind));
                let stream = run(&mut proxy, scenario);
                let what = format!("{}: {:?} as {kind:?}", scenario.name, proxy.faults_happened());
                assert_eq!(proxy.vm_state(0, 0), VmState::Running, "{what}");
                if let Some(sent) = proxy.forwarded(stream) {
                    assert_eq!(sent.header("x-user"), scenario.edited, "{what}");
                    assert_eq!(sent.header("x-secret"), None, "{what}");
                    let response = proxy.responded(stream).unwrap_or_else(|| panic!("no answer: {what}"));
                    assert_eq!(response.header(":status"), Some(b"200".as_slice()), "{what}");
                }
                if proxy.progress(stream) == Progress::Paused {
                    hangs.push(what);
                }
                runs += 1;
            }
        }
    }
    println!("{runs} runs, {} that only the proxy's own time-out ends: {hangs:#?}", hangs.len());
    // Only where the host does not let us speak of the request any more.
    let strange: Vec<_> = hangs.iter().filter(|what| !what.contains("proxy_set_effective_context")).collect();
    assert!(strange.is_empty(), "{strange:#?}");
}

/// How many requests were counted as allowed and as denied, and how many records say that it was the plugin's own failure.
fn written_down(proxy: &Proxy) -> (u64, u64, usize) {
    let counted = |what: &str| proxy.counter(&format!("meshward_probe_{what}_total")).unwrap_or_default();
    let records = proxy.log().iter().filter(|line| {
        line.text.starts_with("meshward.event {") && line.text.contains("\"plugin.internal\"")
    });
    (counted("allowed"), counted("denied"), records.count())
}

#[test]
fn what_is_refused_because_the_host_fails_is_counted_and_recorded_as_refused() {
    let every = |function| Faults { faults: vec![Fault { function: Some(function), nth: 0, kind: FAILS }] };
    let more = [("x-secret", "a"), ("x-user", "eve"), ("x-message", "allow x-user=anna")];
    // What fails; what is asked.
    for (function, ask) in [
        ("proxy_get_current_time_nanoseconds", "http"),
        ("clock_time_get", "http"),
        ("proxy_remove_header_map_value", "load"),
        ("proxy_add_header_map_value", "load"),
        ("proxy_remove_header_map_value", "http"),
        ("proxy_add_header_map_value", "http"),
        ("proxy_continue_stream", "http"),
    ] {
        let mut proxy = prepared();
        let before = written_down(&proxy);
        proxy.set_faults(every(function));
        let stream = send(&mut proxy, ask, "/who", &more);
        if let Some(call) = proxy.callouts().into_iter().next() {
            assert!(proxy.answer(call.id, ok("allow x-user=anna")), "{function}");
        }
        assert!(!proxy.faults_happened().is_empty(), "{function} is called");
        let (status, details) = refused(&proxy, stream);
        assert_eq!((status, details.as_str()), (503, "meshward_denied[plugin.internal]"), "{function}");
        let (also_allowed, denied, recorded) = written_down(&proxy);
        let more = (also_allowed - before.0, denied - before.1, recorded - before.2);
        assert_eq!(more, (0, 1, 1), "{function}, {ask}");
    }
}
