//! The harness with a real Envoy and a small Wasm module: configurations taken and refused, answers, filter state.
//!
//! The module is written here in Wasm text, so this test needs no Wasm toolchain. It accepts a configuration of an even
//! number of bytes, and answers every request 403 with details `stub.says_no` when that number is over 10.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::{AccessLog, Bootstrap, FailurePolicy, Filter, Listener, LogFormat, Wasm};
use meshward_harness::envoy::{Envoy, Pushed, StartError, binary_from_environment};
use meshward_harness::ports::Reserved;
use std::path::{Path, PathBuf};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(10);
const MODULE: &str = r#"(module
  (import "env" "proxy_send_local_response"
    (func $respond (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "stub.says_no")
  (global $size (mut i32) (i32.const 0))
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (global.set $size (local.get 1))
    (i32.eqz (i32.and (local.get 1) (i32.const 1))))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (if (result i32) (i32.gt_u (global.get $size) (i32.const 10))
      (then
        (drop (call $respond (i32.const 403) (i32.const 16) (i32.const 12)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)))
        (i32.const 1))
      (else (i32.const 0))))
)"#;
const ALLOWS: &str = "even";
const REFUSES: &str = "an even text";
const REFUSED: &str = "odd";

fn module(dir: &Path) -> PathBuf {
    let path = dir.join("stub.wasm");
    let bytes = wat::parse_str(MODULE).expect("Wasm text");
    std::fs::write(&path, bytes).expect("a file");
    path
}

fn envoy() -> PathBuf {
    binary_from_environment().unwrap_or_else(|remedy| panic!("{remedy}"))
}

fn guarded(port: &Reserved, module: &Path, configuration: &str) -> Listener {
    let format =
        "%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %FILTER_STATE(io.istio.peer_principal:PLAIN)%";
    let log = AccessLog { name: "access".to_owned(), format: LogFormat::Text(format.to_owned()) };
    Listener::on(port.address())
        .filter(Filter::peer_principal_from_header("x-peer"))
        .filter(Filter::Wasm(Wasm::new(module, configuration)))
        .access_log(log)
}

#[test]
fn a_refused_configuration_keeps_the_last_good_one_serving() {
    let dir = tempfile::tempdir().expect("a directory");
    let module = module(dir.path());
    let port = Reserved::loopback().expect("a port");
    let bootstrap = Bootstrap::of(guarded(&port, &module, ALLOWS)).watched();
    let mut envoy = Envoy::builder(&envoy())
        .component_log_level("wasm:debug")
        .bootstrap(&bootstrap)
        .start()
        .expect("Envoy starts");
    let mut client = Client::plain(port.address());
    let mut status = |path: &str| {
        client.disconnect();
        client
            .send(&RawRequest::get(path).header("x-peer", "spiffe://a/ns/b/sa/c"))
            .expect("an answer")
            .status
    };
    assert_eq!(status("/one"), 200);

    let outcome = envoy.push_listeners(&[guarded(&port, &module, REFUSED)]).expect("an outcome");
    assert!(matches!(outcome, Pushed::Rejected { .. }), "{outcome:?}");
    assert_eq!(status("/two"), 200);

    let outcome = envoy.push_listeners(&[guarded(&port, &module, REFUSES)]).expect("an outcome");
    assert_eq!(outcome, Pushed::Accepted);
    assert_eq!(status("/three"), 403);
    let line = envoy.wait_access_log("access", |line| line.starts_with("/three"), WITHIN).expect("a line");
    assert_eq!(line, "/three 403 stub.says_no spiffe://a/ns/b/sa/c");
}

#[test]
fn a_refused_first_configuration_does_not_serve_under_either_policy() {
    let dir = tempfile::tempdir().expect("a directory");
    let module = module(dir.path());
    for failure_policy in [FailurePolicy::FailClosed, FailurePolicy::FailReload] {
        let port = Reserved::loopback().expect("a port");
        let wasm = Wasm { failure_policy, ..Wasm::new(&module, REFUSED) };
        let listener = Listener::on(port.address()).filter(Filter::Wasm(wasm));
        match Envoy::builder(&envoy()).bootstrap(&Bootstrap::of(listener)).start() {
            Err(StartError::Exited { code: Some(1), .. }) => {}
            other => panic!("{failure_policy:?}: it should have ended with 1: {other:?}"),
        }
        assert!(Client::plain(port.address()).connect().is_err());
    }
}
