//! Every host call made to fail in turn, for every case of the corpus: never a trap, never an ALLOW that the run without faults
//! did not give. Bytes that come cut or garbled are read without a trap.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected, did and left out"
)]

use meshward_cases::mint::{Key, Mint, jwks};
use meshward_corpus::case::{Case, Door};
use meshward_corpus::engines::Modules;
use meshward_corpus::files;
use meshward_corpus::host::{Faulted, Rig};
use meshward_corpus::played::Form;
use meshward_host::{
    Attributes, CalloutAnswer, Fault, FaultKind, Faults, Module, Plugin, Progress, Proxy, Status, Stream,
};
use meshward_model::Reason;
use serde_json::{Value, json};
use std::thread;

/// "Not there" is what the host says of a property that the connection does not have: a caller without a certificate, say. It
/// is an answer, not a failure, so that it is tried where it is not one.
const NOT_AN_ANSWER: [&str; 8] = [
    "proxy_get_header_map_pairs",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_send_local_response",
    "proxy_log",
    "proxy_define_metric",
    "proxy_increment_metric",
    "proxy_record_metric",
];
/// The calls that hand bytes over.
const HANDS_OVER: [&str; 3] = ["proxy_get_header_map_pairs", "proxy_get_property", "proxy_get_buffer_bytes"];
const THREADS: usize = 2;
/// Of the cases that bring tokens every so-manieth is tried: verifying one takes long, and they all go the same way.
const EVERY: usize = 10;

/// What a part of the corpus showed.
#[derive(Default)]
struct Found {
    runs: usize,
    refused: usize,
    wrong: Vec<String>,
}

#[test]
fn a_host_call_that_fails_never_traps_and_never_lets_a_request_through() {
    let found = through(|rig, case, without, found| {
        let calls = rig.all_host_calls(case).expect("the module takes the configuration");
        for status in [Status::BadArgument, Status::InternalFailure] {
            for nth in 1..=calls {
                one(rig, case, Faults::nth(nth, FaultKind::Status(status)), Some(without), found);
            }
        }
        for function in NOT_AN_ANSWER {
            for status in [Status::NotFound, Status::Unimplemented] {
                one(rig, case, every(function, FaultKind::Status(status)), Some(without), found);
            }
        }
    });
    tell("host calls that fail", &found);
}

#[test]
fn bytes_that_come_cut_or_garbled_never_trap() {
    let found = through(|rig, case, without, found| {
        for function in HANDS_OVER {
            for kind in [0, 1, 3, 4, 11, 12, 64].map(FaultKind::Cut) {
                // A header map that is cut is never read as another one; a name that is cut may be another name.
                let closed = function == "proxy_get_header_map_pairs";
                one(rig, case, every(function, kind), closed.then_some(without), found);
            }
            for kind in (1..=6).map(FaultKind::Garble) {
                one(rig, case, every(function, kind), None, found);
            }
        }
    });
    tell("bytes cut or garbled", &found);
}

fn every(function: &'static str, kind: FaultKind) -> Faults {
    Faults { faults: vec![Fault { function: Some(function), nth: 0, kind }] }
}

/// One run with faults: against the one without, where it must not open.
fn one(rig: &Rig, case: &Case, faults: Faults, without: Option<&[bool]>, found: &mut Found) {
    found.runs += 1;
    let plan = faults.clone();
    match rig.faulted(case, faults).expect("a case that runs") {
        Faulted::Refused => found.refused += 1,
        Faulted::Trapped(why) => found.wrong.push(format!("a trap: {}, {plan:?}: {why}", case.name)),
        Faulted::Served(forwarded) => {
            let mut pairs = forwarded.iter().zip(without.unwrap_or_default());
            if pairs.any(|(with, without)| *with && !without) {
                found.wrong.push(format!("let through: {}, {plan:?}", case.name));
            }
        }
    }
}

fn without_faults(rig: &Rig, case: &Case) -> Vec<bool> {
    match rig.faulted(case, Faults::none()).expect("a case that runs") {
        Faulted::Served(forwarded) => forwarded,
        end @ (Faulted::Refused | Faulted::Trapped(_)) => panic!("{}: {end:?} without faults", case.name),
    }
}

fn brings_tokens(case: &&Case) -> bool {
    case.steps.iter().any(|step| step.token.is_some())
}

/// The corpus in parts, one a thread.
fn through(each: impl Fn(&Rig, &Case, &[bool], &mut Found) + Sync) -> Found {
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    let cases = files::all_cases().expect("the corpus is readable");
    let rig = Rig::new(&modules, Form::Apart, &cases).expect("the modules are there");
    // Where the plugin fails that plants a handover, there is none, and the request may go on.
    let runs =
        |case: &&Case| case.skipped_by(Door::Host).is_none() && !case.remembers() && case.planted.is_none();
    let (tokens, plain): (Vec<&Case>, Vec<&Case>) = cases.iter().filter(runs).partition(brings_tokens);
    let cases: Vec<&Case> = plain.into_iter().chain(tokens.into_iter().step_by(EVERY)).collect();
    let parts = cases.chunks(cases.len().div_ceil(THREADS));
    let part = |cases: &[&Case]| {
        let mut found = Found::default();
        cases.iter().for_each(|case| each(&rig, case, &without_faults(&rig, case), &mut found));
        found
    };
    thread::scope(|scope| {
        let running: Vec<_> = parts.map(|cases| scope.spawn(|| part(cases))).collect();
        running.into_iter().fold(Found::default(), |mut all, one| {
            let one = one.join().expect("a part of the corpus runs to its end");
            all.runs += one.runs;
            all.refused += one.refused;
            all.wrong.extend(one.wrong);
            all
        })
    })
}

fn tell(what: &str, found: &Found) {
    println!(
        "{what}: {} runs, {} of them refused to start, {} wrong",
        found.runs,
        found.refused,
        found.wrong.len()
    );
    assert!(found.runs > 1000, "the corpus makes few host calls");
    let shown: Vec<_> = found.wrong.iter().take(20).map(String::as_str).collect();
    assert!(found.wrong.is_empty(), "{}", shown.join("\n"));
}

/// The sentinel, and `authn` behind it, which leaves its events to it and waits for keys.
fn leaving() -> (Proxy, Stream) {
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    let plugin = |name: &str, more: Value| {
        let mut configuration = json!({
            "apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport",
        });
        configuration.as_object_mut().expect("an object").extend(more.as_object().expect("fields").clone());
        let file = modules.of(name).unwrap_or_else(|remedy| panic!("{remedy}"));
        let module = Module::new(&std::fs::read(file).expect("a module")).expect("a module");
        Plugin::new(module, name).configured(configuration.to_string())
    };
    let issuer = json!({
        "issuer": "https://id.example", "audiences": ["shop"], "algorithms": ["ES256"],
        "jwks": {"cluster": "id", "host": "id.example", "path": "/keys"},
    });
    let callers = json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": "Authentication", "metadata": {"name": "callers"},
        "spec": {"jwt": {"required": true, "issuers": [issuer]}},
    });
    let proxy = Proxy::builder().cluster("id").plugin(plugin("sentinel", json!({"documents": []})));
    let proxy = proxy.plugin(plugin("authn", json!({"events": "handover", "documents": [callers]})));
    let now = 1_800_000_000;
    let mut proxy = proxy.now(now * 1_000).start().expect("it starts");
    let key = Key::named("ec-1").expect("a test key");
    let token = Mint::new(&key, "https://id.example", "shop", i64::try_from(now).expect("a time")).text();
    let bearer = format!("Bearer {token}");
    let stream = proxy.open(0, Attributes::plaintext());
    let headers = [
        (":method", "GET"),
        (":path", "/"),
        (":authority", "orders.shop"),
        (":scheme", "http"),
        ("authorization", bearer.as_str()),
    ];
    let headers = headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    proxy.request_headers(stream, headers.to_vec(), true);
    assert!(matches!(proxy.progress(stream), Progress::Paused), "it waits for keys");
    (proxy, stream)
}

/// Keys come; gives how many requests were counted as allowed and as denied, the codes of the events, and the answer's status.
fn with_keys((mut proxy, stream): (Proxy, Stream)) -> (u64, u64, Vec<String>, Option<u16>) {
    let calls = proxy.callouts();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let headers = vec![(b":status".to_vec(), b"200".to_vec())];
    let body = jwks([&Key::named("ec-1").expect("a test key")]).into_bytes();
    assert!(proxy.answer(calls[0].id, CalloutAnswer::Http { headers, body, trailers: None }));
    let status = proxy.replied(stream).map(|reply| reply.status);
    proxy.finish(stream);
    let counted = |what: &str| proxy.counter(&format!("meshward_authn_{what}_total")).unwrap_or_default();
    let events = proxy.log().iter().filter_map(|line| line.text.strip_prefix("meshward.event "));
    let code = |event: &str| {
        let event: Value = serde_json::from_str(event).expect("a record");
        event["metadata"]["event_code"].as_str().expect("a code").to_owned()
    };
    (counted("allowed"), counted("denied"), events.map(code).collect(), status)
}

#[test]
fn a_request_that_the_host_does_not_let_go_on_is_one_event_whoever_writes_it() {
    assert_eq!(with_keys(leaving()), (1, 0, Vec::new(), None));
    let internal = Reason::Internal.code();
    // What fails, and what comes of it. Where no note can be left, the event is written by who decided.
    for (function, reason, status) in [
        ("proxy_continue_stream", internal, Some(503)),
        ("proxy_set_property", Reason::HandoverTaken.code(), Some(403)),
        ("proxy_set_effective_context", internal, None),
    ] {
        let (mut proxy, stream) = leaving();
        proxy.set_faults(every(function, FaultKind::Status(Status::InternalFailure)));
        let came = with_keys((proxy, stream));
        assert_eq!(came, (0, 1, vec![reason.to_owned()], status), "{function}");
    }
}
