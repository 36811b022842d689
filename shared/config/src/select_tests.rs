//! Which documents are for whom: as Istio attaches them, and what is said of a workload that does not say enough.
#![expect(clippy::unwrap_used, reason = "tests")]

use meshward_model::{Code, Node};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;

const GATEWAY: &str = "gateway.networking.k8s.io/gateway-name";

fn node(id: &str, namespace: &str, labels: &[(&str, &str)]) -> Node {
    let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Node {
        id: id.to_owned(),
        namespace: namespace.to_owned(),
        labels: Some(labels.collect()),
        ..Node::default()
    }
}

fn sidecar() -> Node {
    node(
        "sidecar~10.0.0.1~orders-0.shop~shop.svc.cluster.local",
        "shop",
        &[("app", "orders"), ("version", "v1")],
    )
}

fn document(kind: &str, namespace: &str, spec: &Value) -> Value {
    let mut metadata = json!({"name": "a"});
    if !namespace.is_empty()
        && let Some(metadata) = metadata.as_object_mut()
    {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    json!({"kind": kind, "metadata": metadata, "spec": spec})
}

fn ours(namespace: &str, spec: &Value) -> Value {
    document("AccessPolicy", namespace, spec)
}

fn istios(namespace: &str, spec: &Value) -> Value {
    document("AuthorizationPolicy", namespace, spec)
}

fn raw(documents: &[Value]) -> Vec<Box<RawValue>> {
    documents.iter().map(|document| RawValue::from_string(document.to_string()).unwrap()).collect()
}

fn told(workload: &Workload<'_>, document: &Value) -> Result<bool, (Code, String)> {
    let documents = raw(std::slice::from_ref(document));
    match select(&documents, workload) {
        Ok(kept) => Ok(!kept.is_empty()),
        Err(problems) => {
            let problem = problems.first().unwrap();
            assert!(!problem.help.is_empty() || problem.code == Code::MissingField, "{problem}");
            Err((problem.code, problem.path.clone()))
        }
    }
}

/// Whether this document is kept by this proxy.
fn keeps(node: &Node, document: &Value) -> Result<bool, (Code, String)> {
    told(&Workload::new(node, None, None).unwrap(), document)
}

fn silent(path: &str) -> Result<bool, (Code, String)> {
    Err((Code::ProxySilent, format!("documents[0].{path}")))
}

fn unseen(at: usize) -> Result<bool, (Code, String)> {
    Err((Code::TargetUnseen, format!("documents[0].spec.targetRefs[{at}]")))
}

#[test]
fn a_sidecar_keeps_what_is_for_its_namespace_and_its_labels() {
    for make in [ours, istios] {
        for (namespace, spec, kept) in [
            ("shop", json!({}), true),
            ("bank", json!({}), false),
            ("istio-system", json!({}), true),
            ("", json!({}), true),
            ("shop", json!({"selector": {}}), true),
            ("shop", json!({"selector": {"matchLabels": {}}}), true),
            ("shop", json!({"selector": {"matchLabels": {"app": "orders"}}}), true),
            ("shop", json!({"selector": {"matchLabels": {"app": "orders", "version": "v1"}}}), true),
            ("shop", json!({"selector": {"matchLabels": {"app": "orders", "version": "v2"}}}), false),
            ("shop", json!({"selector": {"matchLabels": {"app": "Orders"}}}), false),
            ("shop", json!({"selector": {"matchLabels": {"tier": ""}}}), false),
            ("bank", json!({"selector": {"matchLabels": {"app": "orders"}}}), false),
            ("istio-system", json!({"selector": {"matchLabels": {"app": "orders"}}}), true),
            ("istio-system", json!({"selector": {"matchLabels": {"app": "web"}}}), false),
            ("", json!({"selector": {"matchLabels": {"app": "web"}}}), false),
            ("shop", json!({"targetRefs": [{"kind": "Service", "name": "orders"}]}), false),
            (
                "shop",
                json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "orders"}]}),
                false,
            ),
        ] {
            assert_eq!(keeps(&sidecar(), &make(namespace, &spec)), Ok(kept), "{namespace} {spec}");
        }
    }
    assert_eq!(keeps(&sidecar(), &json!({"kind": "AccessPolicy"})), Ok(true));
    let empty =
        json!({"kind": "AuthorizationPolicy", "metadata": {"name": "a", "namespace": "shop"}, "spec": null});
    assert_eq!(keeps(&sidecar(), &empty), Ok(true));
}

#[test]
fn what_the_proxy_does_not_say_is_refused_where_a_document_depends_on_it_and_nowhere_else() {
    let labels = json!({"selector": {"matchLabels": {"app": "orders"}}});
    let targets =
        json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "g"}]});
    let unlabelled = Node { namespace: "shop".to_owned(), ..Node::default() };
    assert_eq!(keeps(&unlabelled, &ours("shop", &json!({}))), Ok(true));
    assert_eq!(keeps(&unlabelled, &ours("shop", &labels)), silent("spec"));
    assert_eq!(keeps(&unlabelled, &istios("shop", &targets)), silent("spec"));
    assert_eq!(keeps(&unlabelled, &ours("bank", &labels)), Ok(false), "another's selector is not looked at");
    let nobody = Node::default();
    assert_eq!(keeps(&nobody, &ours("shop", &json!({}))), silent("metadata.namespace"));
    assert_eq!(keeps(&nobody, &ours("", &json!({}))), Ok(true));
    assert_eq!(keeps(&nobody, &ours("istio-system", &json!({}))), Ok(true));
    let sidecar = Node { id: "sidecar~x".to_owned(), ..unlabelled };
    assert_eq!(keeps(&sidecar, &istios("shop", &targets)), Ok(false), "no sidecar is a target");
}

#[test]
fn what_the_configuration_says_of_the_workload_counts_whatever_the_proxy_says() {
    let said = |json: Value| serde_json::from_value::<Tree>(json).unwrap();
    let labels = json!({"selector": {"matchLabels": {"app": "till"}}});
    let bank = said(json!({"namespace": "bank", "labels": {"app": "till"}}));
    for node in [Node::default(), sidecar()] {
        let workload = Workload::new(&node, Some(&bank), None).unwrap();
        assert_eq!(told(&workload, &ours("bank", &labels)), Ok(true));
        assert_eq!(told(&workload, &ours("shop", &json!({}))), Ok(false));
    }
    let (node, only) = (sidecar(), said(json!({"labels": {"app": "till"}})));
    assert_eq!(told(&Workload::new(&node, Some(&only), None).unwrap(), &ours("shop", &labels)), Ok(true));
    let root = Workload::new(&node, None, Some("mesh")).unwrap();
    assert_eq!(told(&root, &ours("mesh", &json!({}))), Ok(true));
    assert_eq!(told(&root, &ours("istio-system", &json!({}))), Ok(false));
}

#[test]
fn a_gateway_keeps_what_names_it_and_what_its_labels_are_selected_by() {
    let gateway = node("router~x", "edge", &[(GATEWAY, "public"), ("app", "gw")]);
    let named = |name: &str| {
        json!({"targetRefs": [
            {"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "istio-waypoint"},
            {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name}
        ]})
    };
    for make in [ours, istios] {
        for (namespace, spec, kept) in [
            ("edge", named("public"), Ok(true)),
            ("edge", named("private"), Ok(false)),
            ("shop", named("public"), Ok(false)),
            ("istio-system", named("public"), Ok(false)),
            (
                "edge",
                json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "edge"}]}),
                Ok(true),
            ),
            (
                "edge",
                json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public", "namespace": "shop"}]}),
                Ok(false),
            ),
            ("edge", json!({"targetRefs": [{"kind": "Gateway", "name": "public"}]}), Ok(false)),
            ("edge", json!({"targetRefs": [{"kind": "Service", "name": "public"}]}), Ok(false)),
            (
                "edge",
                json!({"targetRefs": [{"group": "networking.istio.io", "kind": "Gateway", "name": "public"}]}),
                unseen(0),
            ),
            (
                "shop",
                json!({"targetRefs": [{"group": "networking.istio.io", "kind": "Gateway", "name": "public"}]}),
                Ok(false),
            ),
            ("edge", json!({}), Ok(true)),
            ("edge", json!({"selector": {"matchLabels": {"app": "gw"}}}), Ok(true)),
        ] {
            assert_eq!(keeps(&gateway, &make(namespace, &spec)), kept, "{namespace} {spec}");
        }
    }
    let one =
        json!({"targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "public"}});
    assert_eq!(keeps(&gateway, &istios("edge", &one)), Ok(true));
}

#[test]
fn a_waypoint_keeps_what_is_attached_to_it_and_cannot_see_its_services() {
    let waypoint = node("waypoint~x", "shop", &[(GATEWAY, "way")]);
    let targets = |group: &str, kind: &str, name: &str| json!({"targetRefs": [{"group": group, "kind": kind, "name": name}]});
    let class = targets("gateway.networking.k8s.io", "GatewayClass", "istio-waypoint");
    for (namespace, spec, kept) in [
        ("shop", targets("gateway.networking.k8s.io", "Gateway", "way"), Ok(true)),
        ("istio-system", class.clone(), Ok(true)),
        ("shop", class, Ok(false)),
        ("istio-system", targets("gateway.networking.k8s.io", "GatewayClass", "istio"), Ok(false)),
        ("shop", targets("", "Service", "orders"), unseen(0)),
        ("bank", targets("core", "Service", "till"), unseen(0)),
        ("shop", targets("networking.istio.io", "ServiceEntry", "orders"), unseen(0)),
        ("shop", json!({}), Ok(false)),
        ("shop", json!({"selector": {"matchLabels": {GATEWAY: "way"}}}), Ok(false)),
    ] {
        assert_eq!(keeps(&waypoint, &istios(namespace, &spec)), kept, "{namespace} {spec}");
    }
    assert_eq!(keeps(&waypoint, &ours("shop", &json!({}))), Ok(true), "Istio's rule is Istio's documents'");
    assert_eq!(
        keeps(&waypoint, &ours("shop", &json!({"selector": {"matchLabels": {"app": "x"}}}))),
        Ok(false)
    );
}

#[test]
fn a_choice_that_cannot_be_read_stops_its_own_namespace_and_no_other() {
    for (spec, code, path) in [
        (json!({"selector": null}), Code::WrongType, "spec.selector"),
        (json!({"selector": {"matchExpressions": []}}), Code::UnknownField, "spec.selector"),
        (json!({"selector": {"matchLabels": []}}), Code::WrongType, "spec.selector.matchLabels"),
        (json!({"selector": {"matchLabels": {"app": 1}}}), Code::WrongType, "spec.selector.matchLabels.app"),
        (json!({"selector": {"matchLabels": {"app": "*"}}}), Code::BadSelector, "spec.selector.matchLabels"),
        (json!({"selector": {"matchLabels": {"a*": "b"}}}), Code::BadSelector, "spec.selector.matchLabels"),
        (json!({"targetRefs": []}), Code::BadSelector, "spec.targetRefs"),
        (json!({"targetRefs": [{"kind": "Gateway"}]}), Code::BadSelector, "spec.targetRefs[0]"),
        (json!({"targetRefs": [{"kind": "Gateway", "nam": "a"}]}), Code::BadSelector, "spec.targetRefs[0]"),
        (json!({"targetRefs": {}}), Code::WrongType, "spec.targetRefs"),
        (json!({"targetRef": []}), Code::WrongType, "spec.targetRef"),
        (json!({"selector": {}, "targetRefs": []}), Code::BadSelector, "spec.targetRefs"),
        (json!([]), Code::WrongType, "spec"),
    ] {
        let broken = (code, format!("documents[0].{path}"));
        assert_eq!(keeps(&sidecar(), &ours("shop", &spec)), Err(broken.clone()), "{spec}");
        assert_eq!(keeps(&sidecar(), &ours("bank", &spec)), Ok(false), "{spec}");
        assert_eq!(keeps(&sidecar(), &ours("istio-system", &spec)), Err(broken.clone()), "{spec}");
        assert_eq!(keeps(&sidecar(), &ours("", &spec)), Err(broken), "{spec}");
    }
    let many = vec![json!({"kind": "Gateway", "name": "a"}); 17];
    let many = keeps(&sidecar(), &ours("shop", &json!({"targetRefs": many})));
    assert_eq!(many, Err((Code::BadSelector, "documents[0].spec.targetRefs".to_owned())));
    for metadata in [json!(7), json!({"namespace": 7}), json!({"namespace": "Shop x"}), json!(null)] {
        let unknown = json!({"kind": "AccessPolicy", "metadata": metadata, "spec": {}});
        assert!(keeps(&sidecar(), &unknown).is_err(), "{unknown}");
    }
    let kindless = json!({"metadata": {"namespace": "shop"}});
    assert_eq!(keeps(&sidecar(), &kindless).map_err(|(code, _)| code), Err(Code::MissingField));
    assert_eq!(keeps(&sidecar(), &json!({"kind": 5, "metadata": {"namespace": "bank"}})), Ok(false));
}

#[test]
fn every_document_is_for_one_of_its_audiences() {
    let documents = [
        ours("shop", &json!({})),
        ours("shop", &json!({"selector": {"matchLabels": {"app": "a"}}})),
        istios(
            "bank",
            &json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "g"}]}),
        ),
        istios(
            "istio-system",
            &json!({"targetRefs": [{"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "istio-waypoint"}]}),
        ),
        ours("", &json!({"selector": {"matchLabels": {"app": "b"}}})),
        ours("istio-system", &json!({})),
    ];
    let documents = raw(&documents);
    let mut kept: Vec<String> = Vec::new();
    let nodes = crate::audiences(&documents, None);
    for node in &nodes {
        kept.extend(
            select(&documents, &Workload::new(node, None, None).unwrap())
                .unwrap()
                .into_iter()
                .map(|(path, ..)| path),
        );
    }
    kept.sort();
    kept.dedup();
    assert_eq!(kept.len(), documents.len(), "{kept:?} of {nodes:?}");
    assert_eq!(crate::namespaces(&documents, None).into_iter().collect::<Vec<_>>(), ["bank", "shop"]);
    assert_eq!(crate::audiences(&[], None).len(), 1);
}

#[test]
fn what_the_configuration_says_of_the_workload_is_read_strictly() {
    for json in [
        json!("shop"),
        json!({"namespace": 7}),
        json!({"name": "a"}),
        json!({"labels": []}),
        json!({"labels": {"app": true}}),
    ] {
        let (node, said) = (Node::default(), serde_json::from_value::<Tree>(json).unwrap());
        assert_eq!(Workload::new(&node, Some(&said), None).unwrap_err().code, Code::BadWorkload);
    }
    assert!(serde_json::from_str::<Tree>(r#"{"namespace": "a", "namespace": "b"}"#).is_err());
}
