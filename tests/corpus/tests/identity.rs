//! Who the caller is on full and on resumed TLS sessions, in a real Envoy. A waypoint's caller is in `cases/identity.yaml`.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

use meshward_corpus::engines;
use meshward_corpus::stand::{self, Stand};
use meshward_harness::certs::{Ca, Identity, Leaf};
use meshward_harness::client::{Client, RawRequest, TlsOptions, Versions};
use meshward_harness::config::{ClientCert, DownstreamTls, Http};
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use std::path::Path;

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const VERSIONS: [Versions; 2] = [Versions::Tls12, Versions::Tls13];

fn policy(verified_by: &str) -> String {
    let yaml = format!(
        r#"
apiVersion: meshward.io/v1alpha1
kind: PluginConfig
peerVerifiedBy: {verified_by}
documents:
  - apiVersion: meshward.io/v1alpha1
    kind: AccessPolicy
    metadata: {{name: web, namespace: shop}}
    spec:
      rules:
        - from: [{{source: {{principals: [cluster.local/ns/shop/sa/web]}}}}]
  - apiVersion: meshward.io/v1alpha1
    kind: AccessPolicy
    metadata: {{name: known, namespace: shop}}
    spec:
      action: DENY
      rules:
        - from: [{{source: {{notPrincipals: ["*"]}}}}]
"#
    );
    stand::configuration(&yaml).expect("YAML")
}

/// Envoy with one listener that knows callers by their certificates.
struct Known {
    envoy: Envoy,
    port: Reserved,
    mesh: Ca,
    _stand: Stand,
}

impl Known {
    fn start(binary: &Path, verified_by: &str, rule: impl Fn(String) -> ClientCert, resumes: bool) -> Self {
        let stand = Stand::new().unwrap_or_else(|remedy| panic!("{remedy}"));
        let mesh = Ca::new("mesh").expect("a root");
        let port = Reserved::loopback().expect("a port");
        let server = Leaf::uri("spiffe://cluster.local/ns/shop/sa/orders").and_dns("meshward.test");
        let server = mesh.issue(&server).expect("a server certificate");
        let tls = DownstreamTls::new(&server, rule(mesh.root_pem().to_owned()));
        let tls = if resumes { tls } else { tls.without_resumption() };
        let listener = stand.listener(port.address(), Http::default(), &policy(verified_by)).tls(tls);
        let envoy = stand.envoy(binary, &stand.bootstrap(vec![listener])).start().expect("Envoy starts");
        Self { envoy, port, mesh, _stand: stand }
    }

    /// The status on a first connection and on a second one of the same client, and whether the second resumed the session.
    fn twice(&self, identity: &Identity, versions: Versions) -> (u16, u16, bool) {
        let options = TlsOptions::presenting(identity).trusting(self.mesh.root_pem()).versions(versions);
        let mut client = Client::tls(self.port.address(), &options).expect("a client");
        let first = client.send(&RawRequest::get("/first")).expect("an answer").status;
        assert_eq!(client.resumed(), Some(false), "{versions:?}");
        client.disconnect();
        let second = client.send(&RawRequest::get("/second")).expect("an answer").status;
        (first, second, client.resumed() == Some(true))
    }

    /// The callers that events name; none: anonymous.
    fn callers(&self) -> Vec<Option<String>> {
        let caller = |event: serde_json::Value| {
            event.pointer("/src_endpoint/uid").and_then(|uid| uid.as_str()).map(str::to_owned)
        };
        stand::events(&self.envoy).into_iter().map(caller).collect()
    }
}

fn main_envoy() -> std::path::PathBuf {
    engines::main().unwrap_or_else(|remedy| panic!("{remedy}"))
}

/// "Envoy 1.40 with ACCEPT_UNTRUSTED and `peerVerifiedBy: connection`: an untrusted certificate is Anonymous, on a full and on a
/// resumed session."
#[test]
fn an_untrusted_certificate_is_anonymous_on_full_and_on_resumed_sessions() {
    let untrusted = |root_pem| ClientCert::AcceptUntrusted { root_pem, required: false };
    let known = Known::start(&main_envoy(), "connection", untrusted, true);
    let foreign = Ca::new("foreign").expect("a root");
    let from_afar = foreign.issue(&Leaf::uri(WEB)).expect("a certificate");
    for versions in VERSIONS {
        assert_eq!(known.twice(&from_afar, versions), (403, 403, true), "{versions:?}");
    }
    assert_eq!(known.callers(), vec![None; 4], "an event names the untrusted caller");
}

/// What Envoy 1.40 was seen to do: it calls no resumed session verified, not even that of a good certificate. So resumption must
/// be off with `connection`; then every connection is asked anew.
#[test]
fn with_connection_a_good_certificate_is_known_on_full_sessions_only() {
    let untrusted = |root_pem| ClientCert::AcceptUntrusted { root_pem, required: false };
    let known = Known::start(&main_envoy(), "connection", untrusted, true);
    let web = known.mesh.issue(&Leaf::uri(WEB)).expect("a certificate");
    for versions in VERSIONS {
        assert_eq!(known.twice(&web, versions), (200, 403, true), "{versions:?}");
    }
    let known = Known::start(&main_envoy(), "connection", untrusted, false);
    let web = known.mesh.issue(&Leaf::uri(WEB)).expect("a certificate");
    for versions in VERSIONS {
        assert_eq!(known.twice(&web, versions), (200, 200, false), "{versions:?}, resumption off");
    }
}

/// "With `transport` and required client certificates: a caller keeps its identity on a resumed session, TLS 1.2 and 1.3."
#[test]
fn with_transport_a_caller_keeps_its_identity_on_resumed_sessions() {
    let second = engines::second().unwrap_or_else(|remedy| panic!("{remedy}"));
    for binary in [main_envoy(), second] {
        let known = Known::start(&binary, "transport", |root_pem| ClientCert::Required { root_pem }, true);
        let web = known.mesh.issue(&Leaf::uri(WEB)).expect("a certificate");
        let job =
            known.mesh.issue(&Leaf::uri("spiffe://cluster.local/ns/shop/sa/job")).expect("a certificate");
        for versions in VERSIONS {
            assert_eq!(known.twice(&web, versions), (200, 200, true), "{versions:?} {}", binary.display());
            assert_eq!(known.twice(&job, versions), (403, 403, true), "{versions:?} {}", binary.display());
        }
        let named = Some("spiffe://cluster.local/ns/shop/sa/job".to_owned());
        assert_eq!(known.callers(), vec![named; 4]);
    }
}
