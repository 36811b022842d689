//! One configuration for many workloads, each with an Envoy of its own: a broken document of one team leaves the other team's
//! workloads serving, and a proxy that does not say which workload it is for is refused, never let through.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

use meshward_corpus::engines;
use meshward_corpus::stand::{Stand, configuration};
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::{Http, Node};
use meshward_harness::envoy::StartError;
use meshward_harness::ports::Reserved;
use serde_json::{Map, Value, json};

/// The team of `orders` writes its document well; that of `web` misspells a field, and that of `till` the kind.
const POLICY: &str = r#"
apiVersion: meshward.io/v1alpha1
kind: PluginConfig
peerVerifiedBy: transport
documents:
  - apiVersion: meshward.io/v1alpha1
    kind: AccessPolicy
    metadata: {name: orders, namespace: shop}
    spec: {selector: {matchLabels: {app: orders}}, rules: [{to: [{operation: {paths: [/orders]}}]}]}
  - apiVersion: meshward.io/v1alpha1
    kind: AccessPolicy
    metadata: {name: web, namespace: shop}
    spec: {selector: {matchLabels: {app: web}}, rulez: []}
  - apiVersion: security.istio.io/v1
    kind: AuthorisationPolicy
    metadata: {name: till, namespace: bank}
    spec: nothing of the kind
"#;

fn node(metadata: Value) -> Node {
    let Value::Object(metadata) = metadata else { panic!("a node's metadata is a mapping") };
    Node { id: "sidecar~10.0.0.1~a.shop~shop.svc".to_owned(), cluster: "a".to_owned(), metadata }
}

fn labelled(namespace: &str, app: &str) -> Node {
    node(json!({"NAMESPACE": namespace, "LABELS": {"app": app, "security.istio.io/tlsMode": "istio"}}))
}

/// The statuses of `/orders` and `/other`, or what Envoy says of why it does not start.
fn served(stand: &Stand, node: &Node, policy: &str) -> Result<(u16, u16), String> {
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let port = Reserved::loopback().expect("a port");
    let listener = stand.listener(port.address(), Http::default(), policy);
    let bootstrap = stand.bootstrap(vec![listener]).node(node.clone());
    let envoy = match stand.envoy(&binary, &bootstrap).start() {
        Ok(envoy) => envoy,
        Err(StartError::Exited { log, .. }) => {
            assert!(Client::plain(port.address()).connect().is_err(), "somebody listens");
            return Err(log.join("\n"));
        }
        Err(other) => panic!("{other}"),
    };
    let mut client = Client::plain(port.address());
    let mut status = |path: &str| client.send(&RawRequest::get(path)).expect("an answer").status;
    let statuses = (status("/orders"), status("/other"));
    drop(envoy);
    Ok(statuses)
}

#[test]
fn a_broken_document_of_one_team_leaves_the_other_teams_workloads_serving() {
    let stand = Stand::new().unwrap_or_else(|remedy| panic!("{remedy}"));
    let policy = configuration(POLICY).expect("YAML");
    assert_eq!(served(&stand, &labelled("shop", "orders"), &policy), Ok((200, 403)));
    assert_eq!(served(&stand, &labelled("edge", "gateway"), &policy), Ok((403, 403)), "nothing is for it");
    for (node, said) in [
        (labelled("shop", "web"), "MW0103 `documents[1].spec.rulez`"),
        (labelled("bank", "till"), "`documents[2].spec`"),
    ] {
        let log = served(&stand, &node, &policy).expect_err("its own document is broken");
        assert!(log.contains(said), "{log}");
        assert!(!log.contains("documents[0]"), "{log}");
    }
}

#[test]
fn a_proxy_that_does_not_say_its_labels_or_says_them_otherwise_is_refused() {
    let stand = Stand::new().unwrap_or_else(|remedy| panic!("{remedy}"));
    let policy = configuration(POLICY).expect("YAML");
    // `whenNothingApplies: allow` must not turn the refusal into an open door.
    let open = policy.replacen('{', r#"{"whenNothingApplies":"allow","#, 1);
    for (metadata, said) in [
        (json!({"NAMESPACE": "shop"}), "MW0218 `documents[0].spec`"),
        (json!({"NAMESPACE": "shop", "LABELS": "app=orders"}), "MW0218 `documents[0].spec`"),
        (json!({"NAMESPACE": "shop", "LABELS": null}), "MW0218 `documents[0].spec`"),
        (json!({"NAMESPACE": "shop", "LABELS": 7}), "MW0218 `documents[0].spec`"),
        // Consul's.
        (json!({"namespace": "shop", "partition": "default"}), "MW0218 `documents[0].metadata.namespace`"),
        (Value::Object(Map::new()), "MW0218 `documents[0].metadata.namespace`"),
    ] {
        for policy in [&policy, &open] {
            let log = served(&stand, &node(metadata.clone()), policy).expect_err("it cannot be told");
            assert!(log.contains(said), "{metadata}: {log}");
        }
    }
    let said = policy.replacen('{', r#"{"workload":{"namespace":"shop","labels":{"app":"orders"}},"#, 1);
    assert_eq!(served(&stand, &node(Value::Object(Map::new())), &said), Ok((200, 403)));
}
