//! Documents that say how fast callers may go.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use serde_json::{Value, json};

fn compile(spec: &Value, tokens: bool) -> Result<Quota, Refusal> {
    let mut compiler = QuotaCompiler::new(tokens);
    compiler.add("documents[0]", &document("slow", spec).to_string());
    compiler.finish(Needs { uri_san: true, ..Needs::default() })
}

fn document(name: &str, spec: &Value) -> Value {
    let metadata = json!({"name": name, "namespace": "shop"});
    json!({"apiVersion": "meshward.io/v1alpha1", "kind": "RateLimit", "metadata": metadata, "spec": spec})
}

fn limit(field: &str, value: Value) -> Value {
    let mut limit =
        json!({"name": "l", "rate": {"requests": 5, "perSeconds": 1}, "key": ["peer"], "scope": "proxy"});
    limit[field] = value;
    json!({"limits": [limit]})
}

fn with(mut spec: Value, rate: Value) -> Value {
    spec["limits"][0]["rate"] = rate;
    spec
}

#[test]
fn what_is_no_limit_is_refused_with_its_place_and_a_remedy() {
    for (spec, code, path) in [
        (json!({}), Code::MissingField, ""),
        (json!({"limits": []}), Code::EmptyList, "limits"),
        (limit("name", json!("a\"b")), Code::BadLimitName, "limits[0].name"),
        (limit("name", json!("")), Code::BadLimitName, "limits[0].name"),
        (
            limit("rate", json!({"requests": 0, "perSeconds": 1})),
            Code::OutOfBounds,
            "limits[0].rate.requests",
        ),
        (
            limit("rate", json!({"requests": 1, "perSeconds": 86_401})),
            Code::OutOfBounds,
            "limits[0].rate.perSeconds",
        ),
        (
            limit("rate", json!({"requests": 1.5, "perSeconds": 1})),
            Code::WrongType,
            "limits[0].rate.requests",
        ),
        (limit("rate", json!({"requests": 1, "per": "1s"})), Code::UnknownField, "limits[0].rate.per"),
        (limit("burst", json!(0)), Code::OutOfBounds, "limits[0].burst"),
        (limit("burst", json!(1_000_001)), Code::OutOfBounds, "limits[0].burst"),
        // At five a second a million are there again after two days; at five a day never within a week.
        (
            with(limit("burst", json!(50)), json!({"requests": 5, "perSeconds": 86_400})),
            Code::OutOfBounds,
            "limits[0].burst",
        ),
        (limit("scope", json!("mesh")), Code::UnknownValue, "limits[0].scope"),
        (limit("mode", json!("audit")), Code::UnknownValue, "limits[0].mode"),
        (limit("key", json!("peer")), Code::WrongType, "limits[0].key"),
        (limit("key", json!(["address"])), Code::UnknownValue, "limits[0].key[0]"),
        (limit("key", json!(["peer", "peer"])), Code::BadLimitKey, "limits[0].key"),
        (limit("key", json!([{"header": ":path"}])), Code::BadLimitKey, "limits[0].key[0].header"),
        (limit("key", json!([{"header": ""}])), Code::BadLimitKey, "limits[0].key[0].header"),
        (limit("key", json!([{"pathTemplate": []}])), Code::EmptyList, "limits[0].key[0].pathTemplate"),
        (
            limit("key", json!([{"pathTemplate": ["/a/{id}"]}])),
            Code::BadTemplate,
            "limits[0].key[0].pathTemplate[0]",
        ),
        (
            limit("key", json!([{"pathTemplate": ["/a//{*}"]}])),
            Code::BadTemplate,
            "limits[0].key[0].pathTemplate[0]",
        ),
        (
            limit("key", json!([{"pathTemplate": ["/%41"]}])),
            Code::ImpossiblePath,
            "limits[0].key[0].pathTemplate[0]",
        ),
        (
            limit("key", json!([{"pathTemplate": ["/a%3Ab"]}])),
            Code::PathNotCanonical,
            "limits[0].key[0].pathTemplate[0]",
        ),
        (limit("key", json!(["subject"])), Code::SubjectUnseen, "limits[0].key[0]"),
        (limit("match", json!({})), Code::EmptyOperation, "limits[0].match"),
        (limit("match", json!({"methods": []})), Code::EmptyList, "limits[0].match.methods"),
        (limit("match", json!({"methods": ["get"]})), Code::BadMethod, "limits[0].match.methods[0]"),
        (limit("match", json!({"paths": ["orders"]})), Code::BadTemplate, "limits[0].match.paths[0]"),
        (limit("match", json!({"hosts": ["a"]})), Code::UnknownField, "limits[0].match.hosts"),
        (limit("cost", json!(2)), Code::UnknownField, "limits[0].cost"),
    ] {
        let refusal = compile(&spec, false).err().unwrap();
        let at = if path.is_empty() {
            "documents[0].spec".to_owned()
        } else {
            format!("documents[0].spec.{path}")
        };
        let found = refusal.problems.iter().find(|problem| problem.code == code && problem.path == at);
        assert!(found.is_some(), "{spec}: {refusal}");
        let told = found.is_some_and(|problem| !problem.help.is_empty() || code < Code::UnknownKind);
        assert!(told, "{refusal}");
    }
}

#[test]
fn a_subject_may_be_a_key_where_tokens_are_verified() {
    assert!(compile(&limit("key", json!(["subject", "namespace", {"header": "X-Tenant"}])), true).is_ok());
}

#[test]
fn names_are_told_apart_over_all_documents() {
    let mut compiler = QuotaCompiler::new(false);
    for (path, name) in [("documents[0]", "one"), ("documents[1]", "two"), ("documents[2]", "one")] {
        compiler.add(path, &document(name, &limit("burst", json!(1))).to_string());
    }
    let refusal = compiler.finish(Needs::default()).err().unwrap();
    let problems: Vec<_> =
        refusal.problems.iter().map(|problem| (problem.code, problem.path.as_str())).collect();
    assert_eq!(
        problems,
        [
            (Code::DoubledLimit, "documents[1].spec.limits[0].name"),
            (Code::DoubledName, "documents[2].metadata.name"),
            (Code::DoubledLimit, "documents[2].spec.limits[0].name"),
        ]
    );
}

#[test]
fn only_what_a_limit_looks_at_is_read() {
    use meshward_model::Stage;
    let needs = |spec: &Value| compile(spec, true).unwrap().needs();
    let (peer, headers) =
        (Needs { uri_san: true, ..Needs::default() }, Needs { headers: true, ..Needs::default() });
    assert_eq!(needs(&limit("key", json!([]))), Needs::default());
    assert_eq!(needs(&limit("key", json!(["subject"]))), Needs::default());
    assert_eq!(needs(&limit("key", json!(["peer"]))), peer);
    assert_eq!(needs(&limit("key", json!([{"header": "x"}]))), headers);
    assert_eq!(needs(&limit("match", json!({"methods": ["GET"]}))), peer.union(headers));
    let mut shadow = limit("mode", json!("shadow"));
    shadow["limits"][0]["key"] = json!(["peer"]);
    assert_eq!(compile(&shadow, true).unwrap().enforced_needs(), Needs::default());
}
