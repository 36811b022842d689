//! How documents combine: DENY, then ALLOW, then the default; both kinds; shadow documents; nothing at all.

use meshward_config::WhenNothingApplies;
use meshward_model::{Needs, Reason, Stage, Verdict};
use serde_json::{Value, json};

use crate::specimen::{AccessPolicy, AuthorizationPolicy, ask, compile, control, document};

fn strict(name: &str, spec: Value) -> Value {
    document(AccessPolicy, name, spec)
}

fn istio(name: &str, spec: Value) -> Value {
    document(AuthorizationPolicy, name, spec)
}

fn dry_run(name: &str, spec: Value, value: &str) -> Value {
    let mut document = istio(name, spec);
    if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("annotations".to_owned(), json!({"istio.io/dry-run": value}));
    }
    document
}

/// A rule on the method.
fn on(method: &str) -> Value {
    json!({"to": [{"operation": {"methods": [method]}}]})
}

/// Of a GET: (allowed, reason, rule, status of a refusal).
fn outcome(documents: &[Value]) -> (bool, Reason, Option<String>, u16) {
    told(&control(documents).verdict(&ask().request()))
}

fn told(verdict: &Verdict) -> (bool, Reason, Option<String>, u16) {
    let status = verdict.denial().map_or(0, |denial| denial.status);
    (verdict.denial().is_none(), verdict.reason(), verdict.rule().map(ToString::to_string), status)
}

fn shadow(documents: &[Value]) -> Option<(Reason, Option<String>)> {
    let denial = control(documents).verdict(&ask().request()).shadow?;
    Some((denial.reason, denial.rule.map(|rule| rule.to_string())))
}

fn rule(name: &str, index: usize) -> Option<String> {
    Some(format!("ns[shop]-policy[{name}]-rule[{index}]"))
}

#[test]
fn deny_wins_over_allow_and_names_its_rule() {
    let allow = json!({"rules": [on("GET")]});
    let deny = json!({"action": "DENY", "otherwise": "allow", "rules": [on("PUT"), on("GET")]});
    let documents = [strict("allow", allow.clone()), strict("deny", deny)];
    assert_eq!(outcome(&documents), (false, Reason::DenyRule, rule("deny", 1), 403));
    let deny = json!({"action": "DENY", "rules": [on("PUT"), on("GET")]});
    let documents = [istio("deny", deny), istio("allow", allow)];
    assert_eq!(outcome(&documents), (false, Reason::DenyRule, rule("deny", 1), 403));
}

#[test]
fn an_allow_document_refuses_what_none_of_its_rules_allows() {
    for make in [strict, istio] {
        let other = make("other", json!({"rules": [on("PUT")]}));
        assert_eq!(outcome(std::slice::from_ref(&other)), (false, Reason::NoAllowMatch, None, 403));
        let allow = make("allow", json!({"rules": [on("POST"), on("GET")]}));
        assert_eq!(outcome(&[other, allow]), (true, Reason::AllowRule, rule("allow", 1), 0));
        let deny = make("deny", json!({"action": "DENY", "rules": [on("PUT")]}));
        let other = make("other", json!({"rules": [on("PUT")]}));
        assert_eq!(outcome(&[deny, other]), (false, Reason::NoAllowMatch, None, 403));
    }
}

#[test]
fn an_allow_document_without_rules_allows_nothing() {
    for spec in [json!({}), json!({"rules": []})] {
        assert_eq!(outcome(&[strict("none", spec.clone())]), (false, Reason::NoAllowMatch, None, 403));
        assert_eq!(outcome(&[istio("none", spec)]), (false, Reason::NoAllowMatch, None, 403));
    }
    let mut empty = istio("none", json!(null));
    assert_eq!(outcome(std::slice::from_ref(&empty)), (false, Reason::NoAllowMatch, None, 403));
    empty.as_object_mut().unwrap().remove("spec");
    assert_eq!(outcome(&[empty]), (false, Reason::NoAllowMatch, None, 403));
}

#[test]
fn an_empty_rule_matches_every_request() {
    for make in [strict, istio] {
        assert_eq!(
            outcome(&[make("all", json!({"rules": [{}]}))]),
            (true, Reason::AllowRule, rule("all", 0), 0)
        );
    }
    let deny = json!({"action": "DENY", "rules": [{}]});
    assert_eq!(outcome(&[istio("all", deny)]), (false, Reason::DenyRule, rule("all", 0), 403));
}

#[test]
fn a_set_of_deny_documents_lets_the_rest_through_where_it_says_so() {
    let deny = |otherwise: &str| json!({"action": "DENY", "otherwise": otherwise, "rules": [on("PUT")]});
    assert_eq!(outcome(&[strict("d", deny("allow"))]), (true, Reason::NoDenyMatch, None, 0));
    assert_eq!(outcome(&[strict("d", deny("deny"))]), (false, Reason::Otherwise, None, 403));
    let silent = strict("e", json!({"action": "DENY", "rules": [on("PATCH")]}));
    assert_eq!(outcome(&[silent, strict("d", deny("allow"))]), (true, Reason::NoDenyMatch, None, 0));
    let istios = istio("d", json!({"action": "DENY", "rules": [on("PUT")]}));
    assert_eq!(outcome(&[istios]), (true, Reason::NoDenyMatch, None, 0));
}

#[test]
fn where_nothing_applies_the_configuration_decides() {
    let verdict = |when| told(&compile(&[], when).unwrap().verdict(&ask().request()));
    assert_eq!(verdict(WhenNothingApplies::Deny), (false, Reason::NothingApplies, None, 403));
    assert_eq!(verdict(WhenNothingApplies::Allow), (true, Reason::NothingApplies, None, 0));
}

#[test]
fn both_kinds_must_allow_and_the_verdict_names_a_rule() {
    let open = json!({"rules": [{}]});
    let shut = json!({"rules": [on("PUT")]});
    let deny = json!({"action": "DENY", "rules": [on("PUT")]});
    let strict_deny = json!({"action": "DENY", "otherwise": "allow", "rules": [on("PUT")]});
    assert_eq!(
        outcome(&[strict("a", open.clone()), istio("b", open.clone())]),
        (true, Reason::AllowRule, rule("a", 0), 0)
    );
    assert_eq!(
        outcome(&[strict("a", open.clone()), istio("b", shut.clone())]),
        (false, Reason::NoAllowMatch, None, 403)
    );
    assert_eq!(
        outcome(&[strict("a", shut), istio("b", open.clone())]),
        (false, Reason::NoAllowMatch, None, 403)
    );
    assert_eq!(
        outcome(&[strict("a", strict_deny.clone()), istio("b", open.clone())]),
        (true, Reason::AllowRule, rule("b", 0), 0)
    );
    assert_eq!(
        outcome(&[strict("a", open), istio("b", deny.clone())]),
        (true, Reason::AllowRule, rule("a", 0), 0)
    );
    assert_eq!(outcome(&[strict("a", strict_deny), istio("b", deny)]), (true, Reason::NoDenyMatch, None, 0));
}

#[test]
fn shadow_documents_refuse_nothing_and_tell_what_they_would() {
    let shut = json!({"mode": "shadow", "rules": [on("PUT")]});
    assert_eq!(outcome(&[strict("s", shut.clone())]), (true, Reason::ShadowOnly, None, 0));
    assert_eq!(shadow(&[strict("s", shut.clone())]), Some((Reason::NoAllowMatch, None)));
    let open = json!({"mode": "shadow", "rules": [on("GET")]});
    assert_eq!(shadow(&[strict("s", open)]), None);
    let enforced = strict("e", json!({"rules": [{}]}));
    assert_eq!(
        outcome(&[enforced.clone(), strict("s", shut.clone())]),
        (true, Reason::AllowRule, rule("e", 0), 0)
    );
    assert_eq!(shadow(&[enforced, strict("s", shut)]), Some((Reason::NoAllowMatch, None)));
    let deny = json!({"action": "DENY", "rules": [on("GET")]});
    let shadowed = dry_run("s", deny.clone(), "true");
    assert_eq!(outcome(std::slice::from_ref(&shadowed)), (true, Reason::ShadowOnly, None, 0));
    assert_eq!(shadow(&[shadowed]), Some((Reason::DenyRule, rule("s", 0))));
    assert_eq!(outcome(&[dry_run("s", deny, "false")]), (false, Reason::DenyRule, rule("s", 0), 403));
}

#[test]
fn what_has_no_one_form_is_refused_where_the_set_decides_by_it() {
    let open = json!({"rules": [{}, on("PUT"), {"to": [{"operation": {"paths": ["/x"], "hosts": ["h"]}}]}]});
    let control = control(&[strict("open", open)]);
    let verdict = |ask: crate::specimen::Ask| told(&control.verdict(&ask.request()));
    assert_eq!(verdict(ask()), (true, Reason::AllowRule, rule("open", 0), 0));
    assert_eq!(verdict(ask().path("/a/../b")), (false, Reason::PathRefused, None, 400));
    assert_eq!(verdict(ask().path("*")), (false, Reason::PathRefused, None, 400));
    assert_eq!(verdict(ask().path("*").method("OPTIONS")), (true, Reason::AllowRule, rule("open", 0), 0));
    assert_eq!(verdict(ask().host("a@b")), (false, Reason::HostRefused, None, 400));
    assert_eq!(verdict(ask().method("get")), (false, Reason::MethodRefused, None, 400));
    let repeated = |name: &str| verdict(ask().header(name, "/a"));
    assert_eq!(repeated(":path"), (false, Reason::PathRefused, None, 400));
    assert_eq!(repeated(":authority"), (false, Reason::HostRefused, None, 400));
    assert_eq!(repeated(":method"), (false, Reason::MethodRefused, None, 400));
}

#[test]
fn what_no_rule_asks_for_need_not_have_one_form() {
    let strange = ask().path("/a/../b").host("a@b").method("get").request();
    for documents in
        [[strict("open", json!({"rules": [{}]}))], [istio("open", json!({"rules": [{}, on("PUT")]}))]]
    {
        assert_eq!(
            told(&control(&documents).verdict(&strange)),
            (true, Reason::AllowRule, rule("open", 0), 0)
        );
    }
}

#[test]
fn needs_name_what_the_rules_look_at() {
    let needs = |rule: Value| control(&[istio("n", json!({"rules": [rule]}))]).needs();
    let headers = Needs { headers: true, ..Needs::default() };
    let port = Needs { destination_port: true, ..Needs::default() };
    let peer = Needs { uri_san: true, ..Needs::default() };
    assert_eq!(needs(json!({})), Needs::default());
    for field in ["hosts", "notMethods", "paths"] {
        assert_eq!(needs(json!({"to": [{"operation": {field: ["/a"]}}]})), headers, "{field}");
    }
    assert_eq!(needs(json!({"to": [{"operation": {"ports": ["80"]}}]})), port);
    assert_eq!(needs(json!({"when": [{"key": "destination.port", "notValues": ["80"]}]})), port);
    assert_eq!(needs(json!({"when": [{"key": "request.headers[a]", "values": ["80"]}]})), headers);
    assert_eq!(needs(json!({"from": [{"source": {"notNamespaces": ["a"]}}]})), peer);
    assert_eq!(needs(json!({"when": [{"key": "source.principal", "values": ["a/b"]}]})), peer);
    let shadow =
        strict("s", json!({"mode": "shadow", "rules": [{"from": [{"source": {"namespaces": ["a"]}}]}]}));
    let enforced = istio("e", json!({"rules": [{"to": [{"operation": {"ports": ["80"]}}]}]}));
    assert_eq!(control(&[shadow, enforced]).needs(), peer.union(port));
}

#[test]
fn what_two_documents_look_at_is_still_looked_at() {
    for rule in [
        json!({"to": [{"operation": {"hosts": ["a"]}}]}),
        json!({"to": [{"operation": {"methods": ["GET"]}}]}),
        json!({"to": [{"operation": {"paths": ["/a"]}}]}),
        json!({"to": [{"operation": {"ports": ["80"]}}]}),
        json!({"when": [{"key": "request.headers[a]", "values": ["80"]}]}),
        json!({"from": [{"source": {"principals": ["a/b"]}}]}),
    ] {
        let needs = |names: &[&str]| {
            let documents = names.iter().map(|name| strict(name, json!({"rules": [rule]})));
            control(&documents.collect::<Vec<_>>()).needs()
        };
        assert!(!needs(&["a"]).is_empty());
        assert_eq!(needs(&["a", "b"]), needs(&["a"]), "{rule}");
    }
    let path =
        json!({"rules": [{"to": [{"operation": {"paths": ["/a"], "hosts": ["a"], "methods": ["GET"]}}]}]});
    let control = control(&[strict("a", path.clone()), strict("b", path)]);
    for (ask, reason) in [
        (ask().path("/.."), Reason::PathRefused),
        (ask().host("a@b"), Reason::HostRefused),
        (ask().method("get"), Reason::MethodRefused),
    ] {
        assert_eq!(control.verdict(&ask.request()).reason(), reason);
    }
}
