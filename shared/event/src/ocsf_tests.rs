//! The record, field by field.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::borrow::Cow;

use meshward_model::{Anonymous, DocumentKind, Node, RuleId, RuleName, UnixMillis};
use serde_json::Value;

use super::*;

fn event(peer: &Peer, kind: EventKind) -> Event<'_> {
    let rule = RuleName {
        kind: DocumentKind::AccessPolicy,
        namespace: "shop".to_owned(),
        policy: "orders".to_owned(),
        index: 1,
    };
    Event::Decision(DecisionEvent {
        time: UnixMillis(1_776_881_335_332),
        kind,
        reason: Reason::DenyRule,
        rule: Some(RuleId::new(rule)),
        status: 403,
        native_details: None,
        peer: Cow::Borrowed(peer),
        method: Cow::Borrowed(b"GET"),
        authority: Cow::Borrowed(b"orders.shop"),
        path: Cow::Borrowed(b"/v1/orders/7\n\",\"status\":200,\"x\":\""),
        request_id: Cow::Borrowed(b"9ee7ff66"),
        destination_port: Some(8080),
    })
}

fn record(event: &Event<'_>, node: &Node) -> Value {
    let line = line(event, node).text;
    assert!(!line.contains('\n'), "one event is one line");
    serde_json::from_str(line.strip_prefix(LOG_PREFIX).unwrap()).unwrap()
}

#[test]
fn a_denial_names_who_what_why_and_by_which_rule() {
    let peer = Peer::Spiffe(SpiffeId::parse(b"spiffe://cluster.local/ns/web/sa/frontend").unwrap());
    let node = Node { id: "n1".to_owned(), namespace: "shop".to_owned(), workload: "orders".to_owned() };
    let record = record(&event(&peer, EventKind::Denied), &node);
    assert_eq!(record["type_uid"], 400_203);
    assert_eq!((&record["action_id"], &record["disposition_id"]), (&2.into(), &26.into()));
    assert_eq!(record["status_detail"], "authz.deny_rule");
    assert_eq!(record["policy"]["uid"], "ns[shop]-policy[orders]-rule[1]");
    assert_eq!(record["policy"]["is_applied"], true);
    assert_eq!(record["src_endpoint"]["uid"], "spiffe://cluster.local/ns/web/sa/frontend");
    assert_eq!(record["src_endpoint"]["svc_name"], "web/frontend");
    assert_eq!(record["dst_endpoint"]["svc_name"], "shop/orders");
    assert_eq!(record["metadata"]["correlation_uid"], "9ee7ff66");
}

#[test]
fn what_a_caller_sends_cannot_add_a_field() {
    let peer = Peer::Anonymous(Anonymous::NoIdentity);
    let node = Node::default();
    let record = record(&event(&peer, EventKind::Denied), &node);
    assert_eq!(record["http_request"]["url"]["path"], "/v1/orders/7\u{fffd}\",\"status\":200,\"x\":\"");
    assert_eq!(record["status_id"], 2);
    assert!(record.get("src_endpoint").is_none());
}

#[test]
fn a_shadow_refusal_is_observed_and_not_applied() {
    let peer = Peer::Anonymous(Anonymous::NoIdentity);
    let node = Node::default();
    let record = record(&event(&peer, EventKind::WouldDeny), &node);
    assert_eq!((&record["action_id"], &record["disposition_id"]), (&3.into(), &17.into()));
    assert_eq!(record["policy"]["is_applied"], false);
    assert!(record["message"].as_str().unwrap().starts_with("would deny anonymous GET"));
}

#[test]
fn every_method_of_ocsf_has_its_number() {
    let methods = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE", "PATCH"];
    for (number, method) in (1..).zip(methods) {
        assert_eq!(activity(method.as_bytes()), number, "{method}");
    }
    assert_eq!((activity(b""), activity(b"get"), activity(b"QUERY")), (0, 99, 99));
}
