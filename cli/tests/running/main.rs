//! `meshward run`, as people start it: the real module, real sockets, real certificates.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

mod server;

use std::fs;
use std::process::Command;

use meshward_harness::certs::{Ca, Identity, Leaf};
use meshward_harness::client::{Client, RawRequest, TlsOptions};
use meshward_harness::echo::Echo;
use serde_json::Value;
use server::{Server, meshward, module, policies};

const DEFAULT_DENY: &str = "default-deny";

fn get(path: &str) -> RawRequest {
    RawRequest::get(path).host("orders.shop")
}

#[test]
fn each_request_is_decided_by_the_module_and_said_in_a_line() {
    let server = Server::start(&[DEFAULT_DENY, "--as", "shop/web"]);
    let mut client = server.client();
    let allowed = client.send(&get("/orders/7")).expect("an answer");
    let seen: Value = serde_json::from_slice(&allowed.body).expect("the echo speaks JSON");
    assert_eq!((allowed.status, seen.get("path")), (200, Some(&"/orders/7".into())));
    let line = server.line();
    assert_eq!(
        line,
        "GET /orders/7  spiffe://cluster.local/ns/shop/sa/web → allow 200  ns[shop]-policy[orders]-rule[0]"
    );
    assert_eq!(
        client.send(&RawRequest::new("DELETE", "/orders/7").host("orders.shop")).expect("an answer").status,
        403
    );
    let line = server.line();
    assert!(
        line.starts_with("DELETE /orders/7 ") && line.ends_with("→ deny 403  authz.no_allow_match"),
        "{line}"
    );
    let ambiguous = client.send(&get("//orders/../orders/7")).expect("an answer");
    assert_eq!(ambiguous.status, 400);
    let line = server.line();
    assert!(
        line.starts_with("GET //orders/../orders/7 ") && line.ends_with("deny 400  authz.path_refused"),
        "{line}"
    );
}

#[test]
fn a_refusal_is_what_envoy_sends_also_to_grpc_callers() {
    let server = Server::start(&[DEFAULT_DENY, "--as", "anonymous", "-v"]);
    let refused = server.client().send(&get("/orders")).expect("an answer");
    assert_eq!(refused.header("content-type"), Some(&b"text/plain"[..]));
    let event = server.line();
    assert!(event.contains("meshward.event") && event.contains("authz.no_allow_match"), "{event}");
    assert!(server.line().contains(" anonymous → deny 403"));
    let grpc =
        RawRequest::new("POST", "/orders").host("orders.shop").header("content-type", "application/grpc");
    let refused = server.client().send(&grpc.header("te", "trailers")).expect("an answer");
    assert_eq!((refused.status, refused.header("grpc-status")), (200, Some(&b"7"[..])));
    let head =
        server.client().send(&RawRequest::new("HEAD", "/orders").host("orders.shop")).expect("an answer");
    assert_eq!((head.status, head.body.len()), (403, 0));
}

#[test]
fn the_upstream_gets_what_was_sent_and_nothing_that_belonged_to_the_first_hop() {
    let echo = Echo::start().expect("an upstream");
    let url = format!("http://{}", echo.address());
    let policy = server::policy_file("as-sent", "{action: ALLOW, rules: [{}]}");
    let server = Server::start(&[&policy, "--upstream", &url]);
    let request = get("/orders/%37?q=%2e%2e&q=1").header("X-Twice", "a").header("X-Twice", vec![b'b', 0xff]);
    let request =
        request.header("Connection", "x-own").header("X-Own", "1").header("Keep-Alive", "timeout=5");
    let answer = server.client().send(&request).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = echo.last().expect("it arrived");
    assert_eq!(seen.get("path"), Some(&"/orders/%37?q=%2e%2e&q=1".into()));
    let headers = seen.get("headers").and_then(Value::as_array).expect("headers");
    let values = |name: &str| -> Vec<&str> {
        let pairs = headers.iter().filter(|pair| pair.get(0).and_then(Value::as_str) == Some(name));
        pairs.filter_map(|pair| pair.get(1)?.as_str()).collect()
    };
    assert_eq!((values("host"), values("x-twice")), (vec!["orders.shop"], vec!["a", "b\u{ff}"]));
    assert!(values("x-own").is_empty() && values("keep-alive").is_empty() && values("connection").is_empty());
}

#[test]
fn a_body_far_over_what_is_held_passes_through() {
    let echo = Echo::start().expect("an upstream");
    let policy = server::policy_file("large", "{action: ALLOW, rules: [{}]}");
    let url = format!("http://{}", echo.address());
    let server = Server::start(&[&policy, "--upstream", &url]);
    let body = vec![b'x'; 5 * 1024 * 1024];
    let answer =
        server.client().send(&RawRequest::new("POST", "/").host("a").body(body.clone())).expect("an answer");
    assert_eq!(answer.status, 200);
    let seen = echo.last().expect("it arrived");
    assert_eq!(seen.get("body_bytes").and_then(Value::as_u64), u64::try_from(body.len()).ok());
}

#[test]
fn a_body_that_the_module_looks_at_is_held_and_bounded() {
    let echo = Echo::start().expect("an upstream");
    let url = format!("http://{}", echo.address());
    // The stock SDK's empty module exports every callback and lets everything pass.
    let server = Server::start_with(&server::module_named("sdk_empty"), &[DEFAULT_DENY, "--upstream", &url]);
    let post = |bytes: usize| {
        let request = RawRequest::new("POST", "/").host("a").body(vec![b'x'; bytes]);
        server.client().send(&request).expect("an answer").status
    };
    assert_eq!(post(100_000), 200);
    let arrived = || echo.last().and_then(|seen| seen.get("body_bytes")?.as_u64());
    assert_eq!(arrived(), Some(100_000));
    let line = server.line();
    assert!(line.contains("allow 200") && line.contains("the native core would say"), "{line}");
    assert_eq!((post(2 * 1024 * 1024), arrived()), (413, Some(100_000)));
    assert_eq!(post(0), 200);
}

#[test]
fn an_upstream_that_is_not_there_is_a_503_and_a_word() {
    let closed = Echo::start().expect("a port").address();
    let url = format!("http://{closed}");
    let server = Server::start(&[DEFAULT_DENY, "--as", "shop/web", "--upstream", &url]);
    assert_eq!(server.client().send(&get("/orders")).expect("an answer").status, 503);
    let line = server.line();
    assert!(line.contains("allow 503") && line.contains("cannot connect"), "{line}");
}

fn read_identity(dir: &std::path::Path, name: &str) -> Identity {
    let read =
        |ending: &str| fs::read_to_string(dir.join(format!("{name}.{ending}"))).expect("it was minted");
    Identity { cert_pem: read("crt"), chain_pem: read("crt"), key_pem: read("key") }
}

#[test]
fn certificates_say_who_calls() {
    let dir = tempfile::tempdir().expect("a folder");
    let certs = dir.path().join("certs");
    let server = Server::start(&[DEFAULT_DENY, "--mint", &certs.display().to_string()]);
    let root = fs::read_to_string(certs.join("ca.crt")).expect("an authority");
    let send = |options: TlsOptions| {
        let mut options = options.trusting(&root);
        "localhost".clone_into(&mut options.server_name);
        Client::tls(server.address(), &options).expect("a client").send(&get("/orders/7"))
    };
    let web = read_identity(&certs, "cluster.local-shop-web");
    assert_eq!(send(TlsOptions::presenting(&web)).expect("an answer").status, 200);
    assert!(server.line().contains("  spiffe://cluster.local/ns/shop/sa/web → allow 200"));
    assert_eq!(send(TlsOptions::anonymous()).expect("an answer").status, 403);
    assert!(server.line().contains("  anonymous → deny 403"));
    let foreign = Ca::new("somebody else").expect("an authority");
    let foreign = foreign.issue(&Leaf::uri("spiffe://cluster.local/ns/shop/sa/web")).expect("a certificate");
    assert!(send(TlsOptions::presenting(&foreign)).is_err_and(|error| error.refused_below_http()));
    drop(server);
    let again = meshward(&["run", DEFAULT_DENY, "--mint", &policies().display().to_string()]);
    assert_eq!(again.status.code(), Some(3), "a folder with other things is not written to: {again:?}");
}

#[test]
fn a_changed_policy_is_in_force_and_a_refused_one_changes_nothing() {
    let policy = server::policy_file("changing", "{action: ALLOW, rules: [{}]}");
    let server = Server::start(&[&policy]);
    let status = || server.client().send(&get("/")).expect("an answer").status;
    assert_eq!(status(), 200);
    server::write_policy(&policy, "{action: PERMIT}");
    server.wait_said("refused, the last good one stays");
    assert_eq!(status(), 200);
    server::write_policy(&policy, "{action: ALLOW}");
    server.wait_said("is in force");
    assert_eq!(status(), 403);
}

#[test]
fn requests_that_envoy_answers_by_itself_never_reach_the_module() {
    let server = Server::start(&[DEFAULT_DENY, "--as", "shop/web"]);
    let mut hostless = get("/orders");
    hostless.host = None;
    assert_eq!(server.client().send(&hostless).expect("an answer").status, 400);
    assert!(server.line().contains("never asked"));
    let many = (0..200).fold(get("/orders"), |request, number| request.header(format!("x-{number}"), "1"));
    assert_eq!(server.client().send(&many).expect("an answer").status, 431);
}

#[test]
fn ctrl_c_ends_it_with_0() {
    let mut server = Server::start(&[DEFAULT_DENY]);
    let kill = Command::new("kill").args(["-INT", &server.pid().to_string()]).status().expect("kill");
    assert!(kill.success());
    assert_eq!(server.exit_code(), Some(0));
}

#[test]
fn what_cannot_be_served_is_said_with_the_remedy() {
    let module = module();
    for (arguments, code, words) in [
        (vec![DEFAULT_DENY, "--listen", "0.0.0.0:0"], 2, "listen on loopback"),
        (vec![DEFAULT_DENY, "--upstream", "https://a"], 2, "write `http://127.0.0.1:3000`"),
        (vec![DEFAULT_DENY, "--as", "web"], 2, "shop/web"),
        (vec![DEFAULT_DENY, "--cluster", "jwks"], 2, "NAME=URL"),
        (vec!["no-such-folder/policy.yaml"], 3, "cannot read"),
        (vec!["admin-lockdown/cases.yaml"], 3, "meshward lint"),
    ] {
        let all: Vec<&str> = ["run", "--module", &module].into_iter().chain(arguments).collect();
        let output = meshward(&all);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), err.contains(words)), (Some(code), true), "{all:?}: {err}");
    }
}

#[cfg(not(embedded_module))]
#[test]
fn without_a_module_inside_it_says_how_to_get_one() {
    let output = meshward(&["run", DEFAULT_DENY]);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(err.contains("--module") && err.contains("cargo xtask install"), "{err}");
}
