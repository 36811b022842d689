//! Typed conditions, captures and gRPC methods that are refused: where, what is said, and what to write instead.

use meshward_config::WhenNothingApplies;
use meshward_model::{DocumentKind, Needs, Stage};
use meshward_policy::{Compiler, Tokens};
use serde_json::{Value, json};

use crate::refused::{BOTH, ISTIO, STRICT, accepted, one, refused};
use crate::specimen::{AccessPolicy, document, to};

#[track_caller]
fn conditions(kinds: &[DocumentKind], condition: &Value, place: &str, message: &str, help: &str) {
    for kind in kinds {
        let rule = json!({"when": [condition]});
        refused(&one(*kind, rule), &format!("documents[0].spec.rules[0].when[0]{place}"), message, help);
    }
}

#[test]
fn a_condition_names_one_attribute_that_exists() {
    for (condition, place, message, help) in [
        (json!({"header": "a", "query": "b", "equals": 1}), "", "speaks of one attribute", "further entries"),
        (json!({"header": "x a", "exists": true}), ".header", "is no header name", "x-role"),
        (json!({"header": ":path", "prefix": "/"}), ".header", "is not matched as a header", "under `to`"),
        (json!({"header": "Host", "equals": "a"}), ".header", "is not matched as a header", "under `to`"),
        (json!({"query": "", "exists": true}), ".query", "no name of a parameter", "when decoded"),
        (json!({"query": "a%20b", "exists": true}), ".query", "no name of a parameter", "when decoded"),
        (json!({"cookie": "a b", "exists": true}), ".cookie", "no name of a cookie", "letter case matters"),
        (json!({"peer": "name", "equals": "a"}), ".peer", "unknown", "write one of those"),
        (json!({"request": "paths", "equals": "/"}), ".request", "unknown", "did you mean `path`"),
        (json!({"header": "a"}), "", "says nothing", "`sameAs`"),
        (json!({"header": "a", "sameAs": {}}), ".sameAs", "speaks of one attribute", "name one of"),
        (json!({"header": "a", "sameAs": {"header": "A"}}), ".sameAs", "the same as itself", "another"),
        (
            json!({"header": "a", "sameAs": {"query": "&"}}),
            ".sameAs.query",
            "no name of a parameter",
            "decoded",
        ),
        (
            json!({"header": "a", "exists": false, "sameAs": {"query": "b"}}),
            ".exists",
            "nothing else",
            "away",
        ),
        (
            json!({"header": "a", "equals": 1, "key": "source.namespace"}),
            "",
            "does not go together",
            "by `equals`",
        ),
    ] {
        conditions(&STRICT, &condition, place, message, help);
    }
}

#[test]
fn a_comparison_that_says_nothing_of_the_attribute_is_refused() {
    for (condition, place, message) in [
        (json!({"peer": "namespace", "exists": true}), ".exists", "never the question"),
        (json!({"peer": "namespace", "contains": "a"}), ".contains", "no list"),
        (json!({"peer": "namespace", "gt": 1}), ".gt", "no number"),
        (json!({"request": "path", "equals": 1}), ".equals", "not of this type"),
        (json!({"request": "path", "in": ["/a", true]}), ".in", "not of this type"),
    ] {
        conditions(&STRICT, &condition, place, message, "compare it by");
    }
    for (test, place) in [("exists", ".exists"), ("contains", ".contains")] {
        let value = if test == "exists" { json!(true) } else { json!("a") };
        let rule =
            json!({"to": [{"operation": {"paths": ["/{id}"]}}], "when": [{"capture": "id", test: value}]});
        refused(
            &one(AccessPolicy, rule),
            &format!("documents[0].spec.rules[0].when[0]{place}"),
            "says nothing",
            "compare it",
        );
    }
}

#[test]
fn a_capture_is_in_every_path_of_the_rule() {
    let rule = |to: Value| json!({"to": to, "when": [{"claim": ["sub"], "sameAs": {"capture": "user"}}]});
    let paths = |paths: Value| json!({"operation": {"paths": paths}});
    for to in [
        json!([paths(json!(["/users/{*}"]))]),
        json!([paths(json!(["/users/{user}", "/me"]))]),
        json!([paths(json!(["/users/{user}"])), {"operation": {"methods": ["GET"]}}]),
        json!([{"operation": {"notPaths": ["/users/{user}"]}}]),
    ] {
        let place = "documents[0].spec.rules[0].when[0].sameAs.capture";
        refused(
            &one(AccessPolicy, rule(to)),
            place,
            "not every path of this rule captures `user`",
            "/users/{user}/{**}",
        );
    }
    accepted(&one(AccessPolicy, rule(json!([paths(json!(["/users/{user}", "/a/{user}/{**}"]))]))));
    let lone = json!({"when": [{"capture": "user", "equals": "a"}]});
    let place = "documents[0].spec.rules[0].when[0].capture";
    refused(&one(AccessPolicy, lone), place, "not every path", "under `to`");
    for (path, message) in
        [("/{a}/{a}", "stands twice"), ("/{a-b}", "is no capture"), ("/{**}/{a}", "last operator")]
    {
        let place = "documents[0].spec.rules[0].to[0].operation.paths[0]";
        refused(&one(AccessPolicy, to(json!({"paths": [path]}))), place, message, "");
    }
}

#[test]
fn regular_expressions_are_bounded() {
    let regex = |pattern: &str| json!({"header": "a", "regex": pattern});
    for (pattern, message) in [
        ("", "an empty value"),
        ("^a$", "`^` in an expression"),
        ("(a|b)*a(a|b){14}", "too large an automaton"),
        (&*"a".repeat(1025), "1025 bytes long"),
    ] {
        conditions(&STRICT, &regex(pattern), ".regex", message, "");
    }
    let many = |count: usize| {
        let rules: Vec<Value> = (0..count).map(|at| json!({"when": [regex(&format!("a{at}"))]})).collect();
        [document(AccessPolicy, "lone", json!({"rules": rules}))]
    };
    accepted(&many(128));
    refused(
        &many(129),
        "documents[0].spec.rules",
        "more than 128 regular expressions",
        "one expression for several",
    );
}

#[test]
fn grpc_methods_that_no_service_has_are_refused() {
    let grpc = |calls: Value| to(json!({"grpc": calls}));
    let operation = "documents[0].spec.rules[0].to[0].operation.grpc";
    for (calls, place, message, help) in [
        (json!([]), "", "an empty list", "at least one"),
        (json!([{}]), "[0]", "neither a service nor a method", "{service: shop.v1.Orders"),
        (json!([{"service": "/shop.Orders"}]), "[0].service", "is no service of gRPC", "shop.v1.Orders"),
        (json!([{"service": "shop..Orders"}]), "[0].service", "is no service", "shop.v1.*"),
        (json!([{"service": "shop.Orders."}]), "[0].service", "is no service", "shop.v1.*"),
        (json!([{"service": "*.Orders"}]), "[0].service", "is no service", "shop.v1.*"),
        (json!([{"service": ""}]), "[0].service", "is no service", "shop.v1.*"),
        (json!([{"method": "shop.Orders/Get"}]), "[0].method", "is no method", "in `service`"),
        (json!([{"method": "G*t"}]), "[0].method", "a `*` may stand only", "in full"),
        (json!([{"service": "a", "name": "b"}]), "[0].name", "unknown field", "spelling"),
        (json!(["a/b"]), "[0]", "expected", "write as in `{service"),
    ] {
        refused(&one(AccessPolicy, grpc(calls)), &format!("{operation}{place}"), message, help);
    }
    for kind in ISTIO {
        refused(&one(kind, grpc(json!([{"service": "a"}]))), operation, "unknown field `grpc`", "`paths`");
    }
    for kind in BOTH {
        let twice = to(json!({"paths": ["/a"], "grpcs": []}));
        refused(
            &one(kind, twice),
            "documents[0].spec.rules[0].to[0].operation.grpcs",
            "unknown field",
            "grpc",
        );
    }
}

#[test]
fn typed_conditions_are_for_access_policies() {
    for (field, value) in [
        ("header", json!("a")),
        ("query", json!("a")),
        ("cookie", json!("a")),
        ("capture", json!("a")),
        ("peer", json!("namespace")),
        ("request", json!("path")),
        ("regex", json!("a")),
        ("sameAs", json!({"header": "a"})),
    ] {
        let condition = json!({"key": "request.headers[x-a]", "values": ["a"], field: value});
        conditions(&ISTIO, &condition, &format!(".{field}"), "in an AccessPolicy", "`values` or `notValues`");
    }
    let path = to(json!({"paths": ["/users/{user}"]}));
    for kind in ISTIO {
        let place = "documents[0].spec.rules[0].to[0].operation.paths[0]";
        refused(&one(kind, path.clone()), place, "the only operators", "write `/users/{*}`");
    }
}

#[test]
fn nothing_is_read_that_no_condition_asks_for() {
    let needs = |rule: Value| {
        let mut compiler = Compiler::new(Tokens::Verified);
        compiler.add(
            "documents[0]",
            AccessPolicy,
            &document(AccessPolicy, "lone", json!({"rules": [rule]})).to_string(),
        );
        compiler.finish(WhenNothingApplies::Deny, crate::specimen::PEER).unwrap().needs()
    };
    let headers = Needs { headers: true, ..Needs::default() };
    assert_eq!(needs(json!({"when": [{"claim": ["a"], "sameAs": {"claim": ["b"]}}]})), Needs::default());
    assert_eq!(needs(json!({"when": [{"peer": "namespace", "equals": "a"}]})), crate::specimen::PEER);
    for field in ["header", "query", "cookie"] {
        assert_eq!(needs(json!({"when": [{field: "a", "exists": true}]})), headers, "{field}");
        let same = json!({"when": [{"claim": ["a"], "sameAs": {field: "a"}}]});
        assert_eq!(needs(same), headers, "{field}");
    }
    assert_eq!(needs(json!({"when": [{"request": "path", "equals": "/a"}]})), headers);
    assert_eq!(needs(to(json!({"grpc": [{"service": "a"}]}))), headers);
}
