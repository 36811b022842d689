//! The record, field by field.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use meshward_model::{
    Anonymous, DecisionEvent, DocumentKind, Finding, Peer, Reason, RuleId, RuleName, SpiffeId, Trouble,
    UnixMillis,
};
use serde_json::Value;

use super::*;

fn decision(reason: Reason, kind: EventKind) -> DecisionEvent<'static> {
    let rule = RuleName {
        kind: DocumentKind::AccessPolicy,
        namespace: "shop".to_owned(),
        policy: "orders".to_owned(),
        index: 1,
    };
    DecisionEvent {
        time: UnixMillis(1_776_881_335_332),
        kind,
        reason,
        rule: Some(RuleId::new(rule)),
        near: None,
        native_details: None,
        status: reason.status(),
        peer: Cow::Owned(Peer::Spiffe(
            SpiffeId::parse(b"spiffe://cluster.local/ns/web/sa/frontend").unwrap(),
        )),
        method: Cow::Borrowed(b"GET"),
        authority: Cow::Borrowed(b"orders.shop:8080"),
        path: Cow::Borrowed(b"/v1/orders/7\n\",\"status\":200,\"x\":\""),
        request_id: Cow::Borrowed(b"9ee7ff66"),
        destination_port: Some(8080),
    }
}

fn node() -> Node {
    Node {
        id: "n1".to_owned(),
        namespace: "shop".to_owned(),
        workload: "orders".to_owned(),
        ..Node::default()
    }
}

fn shown() -> Shown {
    let mut shown = Shown::default();
    shown.add_path("/v1/orders/{*}");
    shown.add_host("orders.shop");
    shown
}

fn record(event: &Event<'_>) -> Value {
    let mut numbering = Numbering::new(Seed(0xabc));
    let context = Context { node: &node(), shown: &shown(), number: numbering.number() };
    let line = line(event, &json(event, &context));
    assert!(!line.text.contains('\n'), "one event is one line");
    serde_json::from_str(line.text.strip_prefix(LOG_PREFIX).unwrap()).unwrap()
}

#[test]
fn a_denial_names_who_what_why_and_by_which_rule() {
    let record = record(&Event::Decision(decision(Reason::DenyRule, EventKind::Denied)));
    assert_eq!(record["type_uid"], 400_203);
    assert_eq!((&record["action_id"], &record["disposition_id"]), (&2.into(), &26.into()));
    assert_eq!(record["status_detail"], "authz.deny_rule");
    assert_eq!(record["policy"]["uid"], "ns[shop]-policy[orders]-rule[1]");
    assert_eq!(record["policy"]["is_applied"], true);
    assert_eq!(record["src_endpoint"]["uid"], "spiffe://cluster.local/ns/web/sa/frontend");
    assert_eq!(record["src_endpoint"]["svc_name"], "web/frontend");
    assert_eq!(record["dst_endpoint"]["svc_name"], "shop/orders");
    assert_eq!(record["http_request"]["url"]["hostname"], "orders.shop");
    assert_eq!(record["metadata"]["correlation_uid"], "9ee7ff66");
    assert_eq!(record["metadata"]["uid"], "0000000000000abc-1");
    assert_eq!(record["metadata"]["product"]["feature"]["name"], "authz");
    assert_eq!(record["metadata"]["log_name"], "meshward.authz");
}

#[test]
fn what_a_caller_sends_cannot_add_a_field_nor_be_read() {
    let record = record(&Event::Decision(decision(Reason::DenyRule, EventKind::Denied)));
    assert_eq!(record["http_request"]["url"]["path"], "/v1/orders/{*}");
    assert_eq!(record["status_id"], 2);
    assert_eq!(
        record["message"],
        "denied spiffe://cluster.local/ns/web/sa/frontend GET orders.shop/v1/orders/{*}: authz.deny_rule"
    );
}

#[test]
fn a_shadow_refusal_is_observed_and_not_applied() {
    let mut event = decision(Reason::DenyRule, EventKind::WouldDeny);
    event.peer = Cow::Owned(Peer::Anonymous(Anonymous::NoIdentity));
    let record = record(&Event::Decision(event));
    assert_eq!((&record["action_id"], &record["disposition_id"]), (&3.into(), &17.into()));
    assert_eq!(record["policy"]["is_applied"], false);
    assert!(record.get("src_endpoint").is_none());
    assert!(record["message"].as_str().unwrap().starts_with("would deny anonymous GET"));
}

#[test]
fn a_wrong_token_names_no_user_and_a_foreign_certificate_names_its_own() {
    let token = record(&Event::Decision(decision(Reason::TokenSignature, EventKind::Denied)));
    assert_eq!((&token["type_uid"], &token["user"]["name"]), (&300_201.into(), &"unknown".into()));
    assert_eq!(token["src_endpoint"]["svc_name"], "web/frontend");
    assert_eq!(token["metadata"]["log_name"], "meshward.authn");
    let foreign = record(&Event::Decision(decision(Reason::TrustDomainForeign, EventKind::Denied)));
    assert_eq!(foreign["user"]["uid"], "spiffe://cluster.local/ns/web/sa/frontend");
    assert_eq!(foreign["auth_protocol"], "mTLS");
}

#[test]
fn a_limit_is_a_firewall_rule() {
    let record = record(&Event::Decision(decision(Reason::LimitExceeded, EventKind::Denied)));
    assert_eq!(record["firewall_rule"]["name"], "ns[shop]-policy[orders]-rule[1]");
    assert_eq!(record["http_response"]["code"], 429);
    assert_eq!(record["metadata"]["log_name"], "meshward.ratelimit");
}

#[test]
fn a_refusal_of_a_native_filter_names_envoys_details() {
    let mut event = decision(Reason::NativeDenied, EventKind::Denied);
    event.native_details = Some(Cow::Borrowed(b"rbac_access_denied_matched_policy[none]"));
    let record = record(&Event::Decision(event));
    assert_eq!(record["unmapped"]["response_code_details"], "rbac_access_denied_matched_policy[none]");
    assert_eq!(
        (&record["disposition_id"], &record["metadata"]["log_name"]),
        (&26.into(), &"meshward.sentinel".into())
    );
}

fn finding(change: Change) -> Value {
    record(&Event::Finding(Finding {
        time: UnixMillis(1_000),
        id: "00".repeat(16),
        change,
        detector: Some("failed_authentication"),
        caller: "10.0.0.1".to_owned(),
        score: 90,
        threshold: 80,
        strikes: 1,
        simulated: false,
    }))
}

#[test]
fn quarantine_begins_and_ends_with_the_same_finding() {
    let enter = finding(Change::Quarantined { until: UnixMillis(61_000) });
    let exit = finding(Change::Released);
    assert_eq!((&enter["type_uid"], &exit["type_uid"]), (&200_401.into(), &200_403.into()));
    assert_eq!(enter["finding_info"]["uid"], exit["finding_info"]["uid"]);
    assert_eq!((&enter["disposition_id"], &exit["disposition_id"]), (&4.into(), &10.into()));
    assert_eq!(enter["firewall_rule"]["duration"], 60);
    assert_eq!(enter["evidences"][0]["src_endpoint"]["ip"], "10.0.0.1");
}

#[test]
fn a_trouble_says_what_it_is_and_whether_it_is_over() {
    let trouble = |over| {
        let message = "keys cannot be had".to_owned();
        let time = UnixMillis(1_000);
        record(&Event::Trouble(Trouble {
            time,
            stage: StageId::Authn,
            what: "jwks_fails",
            message,
            count: 3,
            over,
        }))
    };
    let (begins, ends) = (trouble(false), trouble(true));
    assert_eq!(
        (&begins["type_uid"], &begins["status_id"], &begins["severity_id"]),
        (&600_801.into(), &2.into(), &3.into())
    );
    assert_eq!((&ends["status_id"], &ends["severity_id"]), (&1.into(), &1.into()));
    assert_eq!(
        (&begins["count"], &begins["metadata"]["event_code"]),
        (&3.into(), &"authn.jwks_fails".into())
    );
}
