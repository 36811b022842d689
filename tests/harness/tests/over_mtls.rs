//! The harness with a real Envoy: TLS in all its modes, hostile bytes, logs, and an upstream that counts.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

use meshward_harness::certs::{Ca, Identity, Leaf};
use meshward_harness::client::{Client, RawRequest, TlsOptions, Versions, spread};
use meshward_harness::config::{
    AccessLog, Bootstrap, ClientCert, Cluster, DownstreamTls, Filter, Http, Listener,
};
use meshward_harness::echo::Echo;
use meshward_harness::envoy::{Envoy, binary_from_environment};
use meshward_harness::ports::Reserved;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(10);
const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";

fn envoy() -> PathBuf {
    binary_from_environment().unwrap_or_else(|remedy| panic!("{remedy}"))
}

fn server(ca: &Ca) -> Identity {
    let leaf = Leaf::uri("spiffe://cluster.local/ns/shop/sa/orders").and_dns("meshward.test");
    ca.issue(&leaf).expect("a server certificate")
}

fn start(listener: Listener) -> Envoy {
    Envoy::builder(&envoy()).bootstrap(&Bootstrap::of(listener)).start().expect("Envoy starts")
}

#[test]
fn a_direct_response_comes_over_mtls_and_the_access_log_names_the_peer() {
    let ca = Ca::new("mesh").expect("a root");
    let below = ca.intermediate("shop").expect("an intermediate");
    let port = Reserved::loopback().expect("a port");
    let tls = DownstreamTls::mutual(&server(&ca), ca.root_pem());
    let envoy = start(Listener::on(port.address()).tls(tls).access_log(AccessLog::usual("access")));

    let web = below.issue(&Leaf::uri(WEB)).expect("a certificate");
    let options = TlsOptions::presenting(&web).trusting(ca.root_pem());
    let mut client = Client::tls(port.address(), &options).expect("a client");
    let answer = client.send(&RawRequest::get("/a?b=c")).expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));

    let line = envoy.wait_access_log("access", |line| line.contains("/a?b=c"), WITHIN).expect("a line");
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line.get("peer"), Some(&json!(WEB)));
    assert_eq!(line.get("code"), Some(&json!(200)));
    assert_eq!(line.get("details"), Some(&json!("direct_response")));
}

#[test]
fn who_has_no_good_certificate_is_refused_below_http() {
    let ca = Ca::new("mesh").expect("a root");
    let foreign = Ca::new("foreign").expect("another root");
    let port = Reserved::loopback().expect("a port");
    let _envoy = start(Listener::on(port.address()).tls(DownstreamTls::mutual(&server(&ca), ca.root_pem())));

    let from_afar = foreign.issue(&Leaf::uri(WEB)).expect("a foreign certificate");
    let expired = ca.issue(&Leaf::uri(WEB).expired()).expect("an expired certificate");
    for versions in [Versions::Tls12, Versions::Tls13] {
        for (what, options) in [
            ("none", TlsOptions::anonymous()),
            ("foreign", TlsOptions::presenting(&from_afar)),
            ("expired", TlsOptions::presenting(&expired)),
        ] {
            let mut client = Client::tls(port.address(), &options.versions(versions)).expect("a client");
            let error = client.send(&RawRequest::get("/")).expect_err("no answer");
            assert!(error.refused_below_http(), "{what} over {versions:?}: {error}");
        }
    }
    let error =
        Client::plain(port.address()).send(&RawRequest::get("/")).expect_err("no answer in plaintext");
    assert!(error.refused_below_http(), "{error}");
}

#[test]
fn accept_untrusted_lets_a_foreign_certificate_in() {
    let ca = Ca::new("mesh").expect("a root");
    let foreign = Ca::new("foreign").expect("another root");
    let port = Reserved::loopback().expect("a port");
    let client_cert = ClientCert::AcceptUntrusted { root_pem: ca.root_pem().to_owned(), required: false };
    let tls = DownstreamTls::new(&server(&ca), client_cert);
    let _envoy = start(Listener::on(port.address()).tls(tls));
    let from_afar = foreign.issue(&Leaf::uri(WEB)).expect("a foreign certificate");
    for options in [TlsOptions::presenting(&from_afar), TlsOptions::anonymous()] {
        let mut client = Client::tls(port.address(), &options).expect("a client");
        assert_eq!(client.send(&RawRequest::get("/")).expect("an answer").status, 200);
    }
}

#[test]
fn sessions_are_resumed_in_both_versions_unless_switched_off() {
    let ca = Ca::new("mesh").expect("a root");
    let port = Reserved::loopbacks(2).expect("a port");
    let (on, off) = (port.address(), port.addresses().last().expect("two addresses"));
    let tls = DownstreamTls::mutual(&server(&ca), ca.root_pem());
    let bootstrap = Bootstrap::new(vec![
        Listener::on(on).named("on").tls(tls.clone()),
        Listener::on(off).named("off").tls(tls.without_resumption()),
    ]);
    let _envoy = Envoy::builder(&envoy()).bootstrap(&bootstrap).start().expect("Envoy starts");
    let web = ca.issue(&Leaf::uri(WEB)).expect("a certificate");
    for versions in [Versions::Tls12, Versions::Tls13] {
        for (address, server_resumes) in [(on, true), (off, false)] {
            for client_resumes in [true, false] {
                let options = TlsOptions::presenting(&web).versions(versions).resumption(client_resumes);
                let mut client = Client::tls(address, &options).expect("a client");
                for expected in [false, server_resumes && client_resumes] {
                    assert_eq!(client.send(&RawRequest::get("/")).expect("an answer").status, 200);
                    assert_eq!(client.resumed(), Some(expected), "{versions:?} at {address}");
                    client.disconnect();
                }
            }
        }
    }
}

#[test]
fn hostile_bytes_arrive_untouched_and_are_counted_upstream() {
    let echo = Echo::start().expect("an upstream");
    let port = Reserved::loopback().expect("a port");
    let listener = Listener::on(port.address())
        .http(Http::roomy())
        .filter(Filter::peer_principal_from_header("x-peer"))
        .route_to("/", "echo");
    let mut bootstrap = Bootstrap::of(listener).cluster(Cluster::plain("echo", echo.address()));
    // Envoy's default towards upstreams is 60 KiB of head, too.
    bootstrap.patch = json!({"node": {"metadata": {"ROLE": "test"}}});
    let _envoy = Envoy::builder(&envoy()).bootstrap(&bootstrap).start().expect("Envoy starts");

    let mut client = Client::plain(port.address());
    let mut path = b"/".to_vec();
    path.resize(60 * 1024, b'a');
    let every_high_byte: Vec<u8> = (0x80..=0xff).collect();
    let mut request = RawRequest::get(path.clone()).header("x-high", every_high_byte.clone());
    for number in 0..2_000 {
        request = request.header("x-many", number.to_string());
    }
    let answer = client.send(&request).expect("an answer");
    assert_eq!(answer.status, 200);
    let seen: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(seen.get("path").and_then(Value::as_str).map(str::len), Some(path.len()));
    let high: String = every_high_byte.iter().copied().map(char::from).collect();
    let headers = seen.get("headers").and_then(Value::as_array).expect("headers");
    assert!(headers.contains(&json!(["x-high", high])));
    assert_eq!(echo.count(), 1);
    assert_eq!(echo.last(), Some(seen));

    // Envoy itself refuses what is not HTTP; nothing arrives upstream.
    let refused = client.send_bytes(b"GET  HTTP/1.1\r\nhost: a\r\n\r\n", false).expect("an answer");
    assert_eq!(refused.status, 400);
    assert_eq!(echo.count(), 1);
}

#[test]
fn a_load_over_many_connections_gets_every_answer() {
    let port = Reserved::loopback().expect("a port");
    let envoy = start(Listener::on(port.address()));
    let before = envoy.cpu_time().expect("CPU time");
    let requests =
        (0..5_000).map(|number| RawRequest::new(if number % 7 == 0 { "HEAD" } else { "GET" }, "/"));
    let mut bodies = 0_u64;
    let mut clients = vec![Client::plain(port.address()); 16];
    let count =
        spread(&mut clients, requests, |answer| bodies += u64::from(answer.text() == "ok")).expect("answers");
    assert_eq!((count, bodies), (5_000, 5_000 - 5_000_u64.div_ceil(7)));
    assert_eq!(envoy.stat("http.inbound.downstream_rq_2xx").expect("a statistic"), 5_000);
    assert!(envoy.cpu_time().expect("CPU time") > before);
    assert!(envoy.memory_rss().expect("memory") > 10 << 20);
}
