//! The scripted upstreams, reached through a real Envoy where they speak HTTP/2.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

use meshward_harness::client::{Client, ClientError, RawRequest};
use meshward_harness::config::{Bootstrap, Cluster, Listener};
use meshward_harness::envoy::{Envoy, binary_from_environment};
use meshward_harness::poll;
use meshward_harness::upstream::{GrpcReply, GrpcUpstream, HttpUpstream, Reply};
use std::time::{Duration, Instant};

const WITHIN: Duration = Duration::from_secs(10);
const METHOD: &str = "/test.Quota/Take";

fn get(client: &mut Client, path: &str) -> Result<meshward_harness::client::Response, ClientError> {
    client.send(&RawRequest::get(path))
}

#[test]
fn answers_come_by_queue_and_by_path_late_cut_closed_and_reset() {
    let upstream = HttpUpstream::start().expect("an upstream");
    upstream.always("/a", Reply::status(200).header("x-more", "1").body("always"));
    upstream.once("/a", Reply::status(503));
    upstream.once("/a", Reply::status(200).body("late").after(Duration::from_millis(50)));
    upstream.always("/cut", Reply::status(200).body("a long body").cut(3));
    upstream.always("/close", Reply::close());
    upstream.always("/reset", Reply::reset());
    let mut client = Client::plain(upstream.address());

    assert_eq!(get(&mut client, "/a").expect("an answer").status, 503);
    let asked = Instant::now();
    assert_eq!(get(&mut client, "/a?x").expect("an answer").text(), "late");
    assert!(asked.elapsed() >= Duration::from_millis(50));
    let answer = get(&mut client, "/a").expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "always"));
    assert_eq!(get(&mut client, "/unknown").expect("an answer").status, 404);
    assert!(matches!(get(&mut client, "/cut"), Err(ClientError::Closed { bytes, .. }) if bytes >= 3));
    assert!(matches!(get(&mut client, "/close"), Err(ClientError::Closed { bytes: 0, .. })));
    assert!(get(&mut client, "/reset").is_err());
    assert_eq!((upstream.count("/a"), upstream.count("/cut")), (3, 1));
    assert_eq!(upstream.seen().first().map(|seen| seen.method.clone()).as_deref(), Some("GET"));
}

#[test]
fn a_held_answer_goes_when_it_is_released_and_never_is_never() {
    let upstream = HttpUpstream::start().expect("an upstream");
    upstream.always("/held", Reply::status(204).held());
    upstream.always("/never", Reply::never());
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| get(&mut Client::plain(upstream.address()), "/held"));
        poll::until("the request", WITHIN, || (upstream.count("/held") == 1).then_some(()))
            .expect("it arrives");
        assert!(!waiting.is_finished());
        upstream.release();
        assert_eq!(waiting.join().expect("no panic").expect("an answer").status, 204);
    });
    let mut client = Client::plain(upstream.address()).patience(Duration::from_millis(100));
    assert!(matches!(get(&mut client, "/never"), Err(ClientError::TimedOut { .. })));
}

#[test]
fn a_grpc_call_is_answered_through_envoy() {
    let binary = binary_from_environment().unwrap_or_else(|remedy| panic!("{remedy}"));
    let upstream = GrpcUpstream::start().expect("an upstream");
    upstream.always(METHOD, GrpcReply::message("answer"));
    upstream.once(METHOD, GrpcReply::status(8, "too much"));
    let listener = Listener::on("127.0.0.1:0").route_to("/", "quota");
    let bootstrap = Bootstrap::of(listener).cluster(Cluster::plain("quota", upstream.address()).http2());
    let envoy = Envoy::builder(&binary).bootstrap(&bootstrap).start().expect("Envoy starts");
    let address = envoy.listener_address("inbound").expect("an answer").expect("a listener");
    let mut client = Client::plain(address);
    let call = RawRequest::new("POST", METHOD)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(b"\0\0\0\0\x03abc");

    let refused = client.send(&call).expect("an answer");
    assert_eq!(refused.header("grpc-status"), Some(b"8".as_slice()));
    let answer = client.send(&call).expect("an answer");
    assert!(answer.body.ends_with(b"\0\0\0\0\x06answer"), "{:?}", answer.body);
    let messages: Vec<_> = upstream.seen().into_iter().map(|seen| seen.message).collect();
    assert_eq!(messages, [b"abc", b"abc"]);
}
