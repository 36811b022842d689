//! The `authz` plugin from a configuration's bytes to a report, without a proxy.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on says why and fails")]

use meshward_model::{
    Anonymous, Connection, Head, Headers, Needs, Node, Peer, Plugin, Reason, Refusal, Report, Request,
    RequestId, Seed, Severity, Step, UnixMillis, Verdict,
};
use meshward_pipeline::{ALLOWED, Authz, DENIED, SHADOW_DENIED};
use serde_json::{Value, json};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);
const WEB: &[u8] = b"spiffe://mesh.example/ns/shop/sa/web";

fn node() -> Node {
    Node {
        id: "sidecar~orders".to_owned(),
        namespace: "shop".to_owned(),
        workload: "orders".to_owned(),
        ..Node::default()
    }
}

fn envelope(more: &Value) -> Value {
    let mut envelope =
        json!({"apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport"});
    if let (Some(envelope), Some(more)) = (envelope.as_object_mut(), more.as_object()) {
        envelope.extend(more.clone());
    }
    envelope
}

fn policy(spec: &Value) -> Value {
    let metadata = json!({"name": "orders", "namespace": "shop"});
    json!({"apiVersion": "meshward.io/v1alpha1", "kind": "AccessPolicy", "metadata": metadata, "spec": spec})
}

fn configure(more: &Value) -> Result<Authz, Refusal> {
    Authz::configure(envelope(more).to_string().as_bytes(), &node())
}

#[track_caller]
fn plugin(more: &Value) -> Authz {
    match configure(more) {
        Ok(plugin) => plugin,
        Err(refusal) => panic!("{refusal}"),
    }
}

#[test]
fn a_broken_document_stops_the_workloads_that_it_is_for_and_no_other() {
    let named = |app: &str, namespace: &str, spec: Value| json!({"apiVersion": "meshward.io/v1alpha1", "kind": "AccessPolicy", "metadata": {"name": app, "namespace": namespace}, "spec": spec});
    let selecting = |app: &str| json!({"selector": {"matchLabels": {"app": app}}, "rules": [{}]});
    let mut broken = selecting("web");
    broken["rulez"] = json!([]);
    let mut unknown = named("till", "bank", json!("no spec"));
    unknown["kind"] = json!("AuthorisationPolicy");
    let documents = json!({"documents": [named("orders", "shop", selecting("orders")), named("web", "shop", broken), unknown]});
    let bytes = envelope(&documents).to_string();
    let of = |namespace: &str, app: &str| {
        let labels = [("app".to_owned(), app.to_owned())].into();
        let node = Node { namespace: namespace.to_owned(), labels: Some(labels), ..node() };
        Authz::configure(bytes.as_bytes(), &node).map_err(|refusal| refusal.problems[0].path.clone())
    };
    let orders = of("shop", "orders").unwrap_or_else(|path| panic!("{path}"));
    assert_eq!(decide(&orders, from(None)).1.reason(), Reason::AllowRule);
    assert_eq!(of("shop", "web").err().as_deref(), Some("documents[1].spec.rulez"));
    assert_eq!(of("bank", "till").err().as_deref(), Some("documents[2].spec"));
    let other = of("edge", "gateway").unwrap_or_else(|path| panic!("{path}"));
    assert_eq!(decide(&other, from(None)).1.reason(), Reason::NothingApplies);
}

#[test]
fn a_broken_envelope_stops_every_workload() {
    for namespace in ["shop", "bank"] {
        let node = Node { namespace: namespace.to_owned(), ..node() };
        let more = json!({"documents": [policy(&json!({}))], "claim": {}});
        assert!(Authz::configure(envelope(&more).to_string().as_bytes(), &node).is_err());
    }
}

/// Only callers from `shop` may enter.
fn shop_only(mode: &str) -> Value {
    json!({"documents": [policy(&json!({"mode": mode, "rules": [{"from": [{"source": {"namespaces": ["shop"]}}]}]}))]})
}

fn headers() -> Headers {
    let mut headers = Headers::builder();
    headers.push(b":method", b"GET").push(b":path", b"/orders?secret=1").push(b":authority", b"orders.shop");
    headers.build()
}

fn from(uri_san: Option<&[u8]>) -> Head {
    let connection = Connection { uri_san: uri_san.map(<[u8]>::to_vec), ..Connection::default() };
    Head { id: RequestId(7), headers: Headers::default(), connection, handover: None }
}

fn decide(plugin: &Authz, head: Head) -> (Request, Verdict) {
    match plugin.decide(&mut plugin.state(Seed(1)), head, NOW) {
        (request, Step::Done(verdict)) => (*request, verdict),
        (_, step) => panic!("authz asks nothing, but said {step:?}"),
    }
}

fn report(plugin: &Authz, head: Head, more: Head) -> (Verdict, Report) {
    let (request, verdict) = decide(plugin, head);
    let report = plugin.report(&mut plugin.state(Seed(1)), Some(&request), &more, &verdict, NOW);
    (verdict, report)
}

#[test]
fn what_is_no_configuration_is_refused_with_a_remedy() {
    let refused = |bytes: &[u8]| {
        Authz::configure(bytes, &node()).err().map(|refusal| refusal.to_string()).unwrap_or_default()
    };
    assert!(refused(b"").contains("there is no configuration"), "{}", refused(b""));
    assert!(refused(b"\"\xff\"").contains("not UTF-8"), "{}", refused(b"\"\xff\""));
    let long = vec![b' '; 8 * 1024 * 1024 + 1];
    assert!(refused(&long).contains("split the configuration"), "{}", refused(&long));
    let silent = br#"{"apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig"}"#;
    assert!(
        refused(silent)
            .contains("missing field `peerVerifiedBy`; write `peerVerifiedBy: transport` on Istio"),
        "{}",
        refused(silent)
    );
}

#[test]
fn a_mistake_in_the_envelope_is_named_with_its_place() {
    for (more, expected) in [
        (json!({"document": []}), "MW0103 `document`: unknown field `document`"),
        (json!({"peerVerifiedBy": "Transport"}), "MW0107 `peerVerifiedBy`: unknown value `Transport`"),
        (
            json!({"peerFrom": "filterState", "peerVerifiedBy": "connection"}),
            "MW0110 `peerVerifiedBy`: the peer is read from filter",
        ),
        (json!({"documents": [{}]}), "MW0104 `documents[0]`: missing field `kind`"),
        (
            json!({"documents": [{"kind": "AccessPolice"}]}),
            "MW0201 `documents[0].kind`: unknown kind `AccessPolice`; did you mean `AccessPolicy`?",
        ),
        (
            json!({"documents": [{"kind": "RateLimit"}]}),
            "MW0202 `documents[0].kind`: this plugin does not read `RateLimit`; it reads AccessPolicy",
        ),
        (
            json!({"documents": [{"kind": "Zebra"}]}),
            "MW0201 `documents[0].kind`: unknown kind `Zebra`; this plugin reads AccessPolicy",
        ),
        (
            json!({"documents": [policy(&json!({"rule": []}))]}),
            "MW0103 `documents[0].spec.rule`: unknown field `rule`",
        ),
    ] {
        let told = configure(&more).err().map(|refusal| refusal.to_string()).unwrap_or_default();
        assert!(told.starts_with(expected), "{told}");
    }
}

#[test]
fn nothing_is_read_that_nothing_decides_by() {
    assert_eq!(plugin(&json!({})).needs(), Needs::default());
    assert_eq!(plugin(&shop_only("enforce")).needs(), Needs { uri_san: true, ..Needs::default() });
    let mut waypoint = shop_only("enforce");
    waypoint["peerFrom"] = json!("filterState");
    assert_eq!(plugin(&waypoint).needs(), Needs { principal_state: true, ..Needs::default() });
    let mut asked = shop_only("enforce");
    asked["peerVerifiedBy"] = json!("connection");
    assert_eq!(plugin(&asked).needs(), Needs { uri_san: true, certificate_valid: true, ..Needs::default() });
}

#[test]
fn the_peer_of_the_connection_is_the_caller() {
    let plugin = plugin(&shop_only("enforce"));
    let (request, verdict) = decide(&plugin, from(Some(WEB)));
    assert_eq!((request.id, verdict.reason()), (RequestId(7), Reason::AllowRule));
    assert_eq!(request.peer.spiffe_id().and_then(|id| id.service_account()), Some("web"));
    let (request, verdict) = decide(&plugin, from(None));
    assert_eq!(request.peer, Peer::Anonymous(Anonymous::NoIdentity));
    assert_eq!(verdict.reason(), Reason::NoAllowMatch);
}

#[test]
fn a_verified_name_that_is_none_is_refused_before_any_rule() {
    let open = json!({"documents": [policy(&json!({"rules": [{}, {"from": [{"source": {"namespaces": ["x"]}}]}]}))]});
    let (_, verdict) = decide(&plugin(&open), from(Some(b"https://mesh.example/x")));
    assert_eq!(
        (verdict.reason(), verdict.denial().map(|denial| denial.status)),
        (Reason::PeerMalformed, Some(403))
    );
}

#[test]
fn a_peer_that_the_connection_does_not_vouch_for_is_nobody() {
    let mut asked = shop_only("enforce");
    asked["peerVerifiedBy"] = json!("connection");
    let plugin = plugin(&asked);
    for (valid, expected) in
        [(None, Reason::NoAllowMatch), (Some(false), Reason::NoAllowMatch), (Some(true), Reason::AllowRule)]
    {
        let mut head = from(Some(WEB));
        head.connection.certificate_valid = valid;
        assert_eq!(decide(&plugin, head).1.reason(), expected, "{valid:?}");
    }
}

#[test]
fn an_allowed_request_costs_a_counter_and_no_more() {
    let plugin = plugin(&shop_only("enforce"));
    let (verdict, report) = report(&plugin, from(Some(WEB)), Head::default());
    assert!(plugin.wants(&verdict).is_empty());
    assert_eq!(report, Report { counters: vec![(ALLOWED, 1)], ..Report::default() });
}

#[test]
fn a_refusal_is_written_down_with_what_was_read_for_it_alone() {
    let plugin = plugin(&json!({}));
    let (_, verdict) = decide(&plugin, from(None));
    let all = Needs { headers: true, uri_san: true, destination_port: true, ..Needs::default() };
    assert_eq!((verdict.reason(), plugin.wants(&verdict)), (Reason::NothingApplies, all));
    let mut more = Head { headers: headers(), ..from(Some(WEB)) };
    more.connection.destination_port = Some(8443);
    let (_, report) = report(&plugin, from(None), more);
    assert_eq!(
        (report.counters.clone(), report.details.as_str()),
        (vec![(DENIED, 1)], "meshward_denied[authz.nothing_applies]")
    );
    let [line] = report.lines.as_slice() else { panic!("one line expected: {report:?}") };
    assert_eq!(line.severity, Severity::Warn);
    // No document names the path or the host, so neither is shown.
    for expected in ["\"/{*}\"", "mesh.example/ns/shop/sa/web", "8443", "authz.nothing_applies"] {
        assert!(line.text.contains(expected), "no {expected} in {}", line.text);
    }
    for hidden in ["secret", "orders.shop"] {
        assert!(!line.text.contains(hidden), "{hidden} in {}", line.text);
    }
}

#[test]
fn only_what_was_not_read_before_is_wanted() {
    let plugin = plugin(&shop_only("enforce"));
    let (_, verdict) = decide(&plugin, from(None));
    assert_eq!(plugin.wants(&verdict), Needs { headers: true, destination_port: true, ..Needs::default() });
}

#[test]
fn what_was_read_before_is_not_read_over() {
    let plugin = plugin(&shop_only("enforce"));
    let head = from(Some(b"spiffe://mesh.example/ns/ops/sa/prober"));
    let (_, report) = report(&plugin, head, from(Some(WEB)));
    let [line] = report.lines.as_slice() else { panic!("one line expected: {report:?}") };
    assert!(line.text.contains("ns/ops/sa/prober") && !line.text.contains("sa/web"), "{}", line.text);
}

#[test]
fn a_shadow_refusal_is_counted_and_told_and_refuses_nothing() {
    let plugin = plugin(&shop_only("shadow"));
    let (verdict, report) = report(&plugin, from(None), Head { headers: headers(), ..Head::default() });
    assert_eq!(
        (verdict.reason(), report.counters.clone()),
        (Reason::ShadowOnly, vec![(ALLOWED, 1), (SHADOW_DENIED, 1)])
    );
    assert_eq!(report.details, "");
    let [line] = report.lines.as_slice() else { panic!("one line expected: {report:?}") };
    assert_eq!(line.severity, Severity::Info);
}

#[test]
fn a_request_that_could_not_be_read_is_reported_all_the_same() {
    let plugin = plugin(&shop_only("enforce"));
    let verdict = Verdict::deny(Reason::RequestUnreadable, None);
    let report = plugin.report(&mut plugin.state(Seed(1)), None, &Head::default(), &verdict, NOW);
    assert_eq!(
        (report.counters.clone(), report.details.as_str()),
        (vec![(DENIED, 1)], "meshward_denied[request.unreadable]")
    );
    assert_eq!(report.lines.len(), 1);
}

#[test]
fn a_malformed_peer_ends_a_request_only_where_an_enforced_document_looks_at_the_peer() {
    let malformed = || from(Some(b"spiffe://Mesh/ns/shop/sa/web"));
    let (_, verdict) = decide(&plugin(&shop_only("enforce")), malformed());
    assert_eq!(verdict, Verdict::deny(Reason::PeerMalformed, None));

    let (_, verdict) = decide(&plugin(&shop_only("shadow")), malformed());
    assert_eq!((verdict.denial(), verdict.reason()), (None, Reason::ShadowOnly));
    assert_eq!(verdict.shadow.map(|denial| denial.reason), Some(Reason::PeerMalformed));
}

#[test]
fn an_address_inside_another_is_to_istios_kind_what_it_is_to_envoy() {
    let rules = json!([{"from": [{"source": {"remoteIpBlocks": ["10.0.0.0/8"]}}]}]);
    let istio = json!({
        "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
        "metadata": {"name": "orders", "namespace": "shop"}, "spec": {"rules": rules},
    });
    let asked = |document: &Value, address: &str| {
        let source_address = Some(format!("{address}:4711").into_bytes());
        let connection = Connection { source_address, ..Connection::default() };
        let head = Head { id: RequestId(7), headers: Headers::default(), connection, handover: None };
        decide(&plugin(&json!({"documents": [document]})), head).1.denial().is_none()
    };
    let strict = policy(&json!({"rules": rules}));
    for (address, by_istio, by_us) in
        [("10.1.2.3", true, true), ("[::ffff:10.1.2.3]", false, true), ("[::ffff:11.1.2.3]", false, false)]
    {
        assert_eq!((asked(&istio, address), asked(&strict, address)), (by_istio, by_us), "{address}");
    }
}
