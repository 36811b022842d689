//! The harness with a real Envoy: refused first configurations, updates taken and refused, traffic that goes on.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::{Bootstrap, Filter, Listener, Route, Wasm};
use meshward_harness::envoy::{Envoy, Pushed, StartError, binary_from_environment};
use meshward_harness::ports::Reserved;
use std::path::{Path, PathBuf};

fn envoy() -> PathBuf {
    binary_from_environment().unwrap_or_else(|remedy| panic!("{remedy}"))
}

fn saying(port: &Reserved, body: &str) -> Listener {
    let mut listener = Listener::on(port.address());
    listener.routes.push(Route::respond("/", 200, body));
    listener
}

fn broken(port: &Reserved) -> Listener {
    saying(port, "never").filter(Filter::Wasm(Wasm::new(Path::new("/nowhere/module.wasm"), "{}")))
}

#[test]
fn a_refused_first_configuration_ends_envoy_with_1_and_the_log_says_why() {
    let port = Reserved::loopback().expect("a port");
    let started = Envoy::builder(&envoy()).bootstrap(&Bootstrap::of(broken(&port))).start();
    match started {
        Err(StartError::Exited { code, log_tail, log }) => {
            assert_eq!(code, Some(1));
            assert!(log_tail.contains("/nowhere/module.wasm"), "{log_tail}");
            assert!(log.len() > 10);
        }
        other => panic!("it should have ended: {other:?}"),
    }
}

#[test]
fn an_update_is_taken_or_refused_and_a_refused_one_changes_nothing() {
    let port = Reserved::loopback().expect("a port");
    let bootstrap = Bootstrap::of(saying(&port, "first")).watched();
    let mut envoy =
        Envoy::builder(&envoy()).concurrency(2).bootstrap(&bootstrap).start().expect("Envoy starts");
    let mut client = Client::plain(port.address());
    let mut says = || {
        client.disconnect();
        client.send(&RawRequest::get("/")).expect("an answer").text()
    };
    assert_eq!(says(), "first");

    match envoy.push_listeners(&[broken(&port)]).expect("an outcome") {
        Pushed::Rejected { reason } => assert!(reason.contains("/nowhere/module.wasm"), "{reason}"),
        Pushed::Accepted => panic!("a module that is not there was taken"),
    }
    assert_eq!(says(), "first");

    for number in 0..5 {
        let body = format!("update {number}");
        assert_eq!(envoy.push_listeners(&[saying(&port, &body)]).expect("an outcome"), Pushed::Accepted);
        for _ in 0..4 {
            assert_eq!(says(), body);
        }
    }
    // The same again is taken, and no worker has anything to do.
    assert_eq!(envoy.push_listeners(&[saying(&port, "update 4")]).expect("an outcome"), Pushed::Accepted);
    assert!(envoy.exited().is_none());
}

#[test]
fn a_port_of_envoys_choice_can_be_asked_for() {
    let bootstrap = Bootstrap::of(Listener::on("127.0.0.1:0"));
    let envoy = Envoy::builder(&envoy()).bootstrap(&bootstrap).start().expect("Envoy starts");
    let address = envoy.listener_address("inbound").expect("an answer").expect("the listener");
    assert_eq!(Client::plain(address).send(&RawRequest::get("/")).expect("an answer").status, 200);
    assert!(envoy.listener_address("other").expect("an answer").is_none());
}
