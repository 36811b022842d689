//! Hostile input through a real Envoy with raised limits: "a verdict each, no trap"; and what Envoy itself refuses.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    reason = "a test counts, says what it expected and stops"
)]

use meshward_corpus::engines;
use meshward_corpus::stand::{self, Stand};
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::Http;
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;

/// It looks at everything: path, host, method, a header of its own and one that a proxy may merge.
const POLICY: &str = r#"
apiVersion: meshward.io/v1alpha1
kind: PluginConfig
peerVerifiedBy: transport
documents:
  - apiVersion: meshward.io/v1alpha1
    kind: AccessPolicy
    metadata: {name: guard, namespace: shop}
    spec:
      action: DENY
      otherwise: allow
      rules:
        - when: [{key: "request.headers[x-role]", values: [admin]}]
        - to: [{operation: {paths: ["/token/*"]}}]
          when: [{key: "request.headers[authorization]", notValues: ["Bearer good"]}]
        - to: [{operation: {hosts: [secret.test], methods: [PUT]}}]
  - apiVersion: security.istio.io/v1
    kind: AuthorizationPolicy
    metadata: {name: theirs, namespace: shop}
    spec:
      action: DENY
      rules:
        - to: [{operation: {paths: ["/theirs/{**}/end"]}}]
        - when: [{key: "request.headers[x-role]", values: ["*-istio"]}]
"#;
const ROLE: &str = "ns[shop]-policy[guard]-rule[0]";
const TOKEN: &str = "ns[shop]-policy[guard]-rule[1]";

/// Envoy with one worker, a client of it, and how many requests were sent.
struct Guarded {
    envoy: Envoy,
    client: Client,
    stand: Stand,
    sent: u64,
    _port: Reserved,
}

impl Guarded {
    fn start(http: Http) -> Self {
        let stand = Stand::new().unwrap_or_else(|remedy| panic!("{remedy}"));
        let port = Reserved::loopback().expect("a port");
        let configuration = stand::configuration(POLICY).expect("YAML");
        let listener = stand.listener(port.address(), http, &configuration);
        let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
        let envoy = stand.envoy(&binary, &stand.bootstrap(vec![listener])).start().expect("Envoy starts");
        Self { envoy, client: Client::plain(port.address()), stand, sent: 0, _port: port }
    }

    /// Sends a request, then a plain one: the worker must still decide. Gives the first one's status.
    fn status(&mut self, request: &RawRequest) -> u16 {
        let status = self.client.send(request).expect("an answer").status;
        let plain = self.client.send(&RawRequest::get("/plain")).expect("an answer to the next request");
        assert_eq!(plain.status, 200, "the worker does not decide any more");
        let next = RawRequest::get("/plain").header("x-role", "admin");
        assert_eq!(
            self.client.send(&next).expect("an answer").status,
            403,
            "the worker lets everything through"
        );
        self.sent += 3;
        status
    }

    fn denied_by(&mut self, request: RawRequest, expected: &str, status: u16) {
        let id = format!("bad-{}", self.sent);
        let got = self.status(&request.header("x-request-id", id.clone()));
        let event = stand::events(&self.envoy).into_iter().find(|event| {
            event.pointer("/metadata/correlation_uid").and_then(|uid| uid.as_str()) == Some(&id)
        });
        let event = event.expect("an event");
        let text = |path| event.pointer(path).and_then(|text| text.as_str()).unwrap_or_default();
        let said = if text("/policy/uid").is_empty() { text("/status_detail") } else { text("/policy/uid") };
        assert_eq!((got, said), (status, expected));
    }

    /// Every request was decided by the module, and its VM never failed.
    fn all_decided_and_nothing_failed(self) {
        let (allowed, denied) = stand::decided(&self.envoy).expect("counters");
        assert_eq!(allowed + denied, self.sent);
        assert_eq!(self.stand.echo.count(), allowed, "what was allowed, and nothing else, went upstream");
        let log = self.envoy.log();
        let failures: Vec<_> =
            log.iter().filter(|line| line.contains("Function: proxy_") || line.contains("failed")).collect();
        assert!(failures.is_empty(), "{failures:?}");
    }
}

#[test]
fn every_byte_from_0x80_to_0xff_in_a_header_value_gets_a_verdict() {
    let mut guarded = Guarded::start(Http::roomy());
    for byte in 0x80..=0xff_u8 {
        let value = [b"a".as_slice(), &[byte, byte]].concat();
        assert_eq!(guarded.status(&RawRequest::get("/").header("x-role", value)), 200, "{byte:#04x}");
    }
    let all: Vec<u8> = (0x80..=0xff).collect();
    let request = RawRequest::get("/").header("x-role", all).header("x-role", "admin");
    guarded.denied_by(request, ROLE, 403);
    guarded.all_decided_and_nothing_failed();
}

#[test]
fn two_thousand_headers_get_a_verdict_and_the_last_one_counts() {
    let mut guarded = Guarded::start(Http::roomy());
    let many = |count: usize| {
        (0..count).fold(RawRequest::get("/"), |request, n| request.header(format!("x-{n}"), "v"))
    };
    assert_eq!(guarded.status(&many(2000)), 200);
    guarded.denied_by(many(1999).header("x-role", "admin"), ROLE, 403);
    let same = (0..2000).fold(RawRequest::get("/"), |request, _| request.header("x-role", "user"));
    assert_eq!(guarded.status(&same), 200);
    guarded.denied_by(same.header("x-role", "admin"), ROLE, 403);
    guarded.all_decided_and_nothing_failed();
}

#[test]
fn a_path_of_sixty_kib_gets_a_verdict() {
    let mut guarded = Guarded::start(Http::roomy());
    let long = "a".repeat(60 * 1024);
    guarded.denied_by(RawRequest::get(format!("/{long}")), "authz.path_refused", 400);
    guarded.denied_by(RawRequest::get("/a".repeat(30 * 1024)), "authz.path_refused", 400);
    assert_eq!(guarded.status(&RawRequest::get(format!("/?{long}"))), 200);
    assert_eq!(guarded.status(&RawRequest::get(format!("/{}", "a".repeat(8000)))), 200);
    assert_eq!(guarded.status(&RawRequest::get(format!("/theirs{}", "/a".repeat(4000)))), 200);
    let value = "v".repeat(60 * 1024);
    assert_eq!(guarded.status(&RawRequest::get("/").header("x-role", value)), 200);
    guarded.all_decided_and_nothing_failed();
}

#[test]
fn a_repeated_or_merged_authorization_is_not_the_good_one() {
    let mut guarded = Guarded::start(Http::roomy());
    let good = || RawRequest::get("/token/a").header("authorization", "Bearer good");
    assert_eq!(guarded.status(&good()), 200);
    guarded.denied_by(RawRequest::get("/token/a"), TOKEN, 403);
    guarded.denied_by(good().header("authorization", "Bearer bad"), TOKEN, 403);
    guarded.denied_by(good().header("Authorization", "Basic eDp5"), TOKEN, 403);
    for merged in ["Bearer good,Bearer bad", "Bearer bad, Bearer good", "Bearer good,", ",Bearer good"] {
        guarded.denied_by(RawRequest::get("/token/a").header("authorization", merged), TOKEN, 403);
    }
    guarded.all_decided_and_nothing_failed();
}

#[test]
fn what_envoy_refuses_by_itself_never_reaches_the_module() {
    let mut guarded = Guarded::start(Http::default());
    let many = |count: usize| {
        (0..count).fold(RawRequest::get("/"), |request, n| request.header(format!("x-{n}"), "v"))
    };
    let stranger = guarded.client.clone();
    let refused = |request: &RawRequest| stranger.clone().send(request).expect("an answer").status;
    // The host is one header, and Envoy adds `x-forwarded-proto` only after it has counted.
    assert_eq!(guarded.status(&many(90)), 200);
    assert_eq!(refused(&many(101)), 431);
    assert_eq!(refused(&RawRequest::get("")), 400);
    assert_eq!(refused(&RawRequest::get("/#fragment")), 400);
    assert_eq!(refused(&RawRequest::get("/").header("x-role", vec![b'a', 0])), 400);
    assert_eq!(refused(&RawRequest::get(format!("/{}", "a".repeat(61 * 1024)))), 431);
    guarded.all_decided_and_nothing_failed();
}
