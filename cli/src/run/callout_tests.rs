//! The module's own calls: read, framed, and made by the probe that asks, in the embedded host.

#![expect(clippy::expect_used, reason = "a test says what it expected and stops")]

use std::path::PathBuf;

use meshward_harness::upstream::{GrpcReply, GrpcUpstream, HttpUpstream, Reply};
use meshward_host::{Attributes, Progress};
use meshward_model::Node;
use tokio::sync::mpsc;

use super::*;
use crate::run::held::Held;
use crate::run::module;

#[test]
fn one_whole_uncompressed_message_is_taken_and_nothing_else() {
    assert_eq!(unframed(b"\0\0\0\0\x02hi"), Some(b"hi".to_vec()));
    assert_eq!(unframed(b"\0\0\0\0\0"), Some(Vec::new()));
    for wrong in [&b""[..], b"\0\0\0\0", b"\x01\0\0\0\x02hi", b"\0\0\0\0\x03hi", b"\0\0\0\0\x01hi"] {
        assert_eq!(unframed(wrong), None, "{wrong:?}");
    }
}

#[test]
fn a_cluster_has_one_place() {
    let parse =
        |pairs: &[&str]| Clusters::parse(&pairs.iter().map(|pair| (*pair).to_owned()).collect::<Vec<_>>());
    let found = parse(&["jwks=http://127.0.0.1:9000"]).ok().and_then(|all| all.place("jwks").cloned());
    assert_eq!(found.map(|place| place.address).as_deref(), Some("127.0.0.1:9000"));
    assert!(parse(&["jwks"]).is_err() && parse(&["a=http://b", "a=http://c"]).is_err());
}

const CONFIGURATION: &str = r#"{"apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport",
    "documents": [{"apiVersion": "meshward.io/v1alpha1", "kind": "Probe", "metadata": {"name": "probe"}, "spec":
    {"httpCluster": "answers", "grpcCluster": "grpc", "maxBytes": 1000, "timeoutMillis": 10000, "deadlineMillis": 10000,
    "tickPeriodMillis": 0}}]}"#;

/// Sends requests with these headers through the probe, each on a stream of its own, and says where each came to.
fn decided(clusters: &[String], requests: &[&[(&str, &str)]]) -> Vec<Progress> {
    let folder = std::env::var_os("MESHWARD_MODULES");
    let folder = folder.expect("MESHWARD_MODULES is not set: run `cargo xtask test --only unit`");
    let loaded = module::load(Some(&PathBuf::from(folder).join("asking.wasm"))).expect("the probe");
    let (tell, _told) = mpsc::unbounded_channel();
    let clusters = Clusters::parse(clusters).expect("places");
    let driver = Rc::new(
        Driver::start(&loaded, Node::default(), CONFIGURATION.as_bytes(), clusters, tell)
            .expect("the proxy starts"),
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        tokio::task::spawn_local(Rc::clone(&driver).keep_time());
        let mut all = Vec::new();
        for request in requests {
            let pairs = [(":method", "GET"), (":path", "/"), (":authority", "a"), (":scheme", "http")];
            let headers = pairs.iter().chain(*request);
            let headers =
                headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
            let held = Held::open(&driver, Attributes::default());
            held.touch(|proxy, stream| proxy.request_headers(stream, headers, true));
            let moved = held.wait(|proxy, stream| {
                Some(proxy.progress(stream)).filter(|progress| *progress != Progress::Paused)
            });
            all.push(
                tokio::time::timeout(std::time::Duration::from_secs(30), moved).await.expect("it moves on"),
            );
        }
        all
    })
}

fn place_of(name: &str, address: std::net::SocketAddr) -> String {
    format!("{name}=http://{address}")
}

fn header(progress: &Progress, name: &str) -> Option<String> {
    let Progress::Forwarded(message) = progress else { return None };
    message.header(name).map(|value| String::from_utf8_lossy(value).into_owned())
}

fn status(progress: &Progress) -> Option<u16> {
    if let Progress::Replied(reply) = progress { Some(reply.status) } else { None }
}

#[test]
fn calls_over_http_and_grpc_come_back_to_the_request_that_waits() {
    let (http, grpc) =
        (HttpUpstream::start().expect("an upstream"), GrpcUpstream::start().expect("an upstream"));
    http.always("/yes", Reply::status(200).body("allow x-by=http"));
    http.always("/no", Reply::status(200).body("deny"));
    grpc.always("/probe.Answers/Yes", GrpcReply::message("allow x-by=grpc"));
    let clusters = [place_of("answers", http.address()), place_of("grpc", grpc.address())];
    let seen = decided(
        &clusters,
        &[
            &[("x-ask", "http"), ("x-ask-path", "/yes")],
            &[("x-ask", "http"), ("x-ask-path", "/no")],
            &[("x-ask", "grpc"), ("x-ask-path", "Yes"), ("x-message", "hello")],
        ],
    );
    let by = |which: usize| seen.get(which).and_then(|progress| header(progress, "x-by"));
    assert_eq!(by(0).as_deref(), Some("http"), "{seen:?}");
    assert_eq!(seen.get(1).and_then(status), Some(403), "{seen:?}");
    assert_eq!(by(2).as_deref(), Some("grpc"), "{seen:?}, {:?}", grpc.seen());
}

#[test]
fn a_call_that_nobody_answers_denies() {
    let closed = HttpUpstream::start().expect("a port").address();
    let clusters = [place_of("answers", closed), place_of("grpc", closed)];
    let seen = decided(&clusters, &[&[("x-ask", "http")], &[("x-ask", "grpc")]]);
    assert!(seen.iter().all(|progress| status(progress) == Some(503)), "{seen:?}");
}
