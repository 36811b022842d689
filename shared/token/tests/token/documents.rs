//! Documents that are taken, and those that are refused, with their places and remedies.

use meshward_model::{Code, Needs, Problem};
use meshward_token::Authentication;
use serde_json::{Value, json};

use crate::bench::{AUDIENCE, ISSUER, document, key};

fn problems_of(json: &str) -> Vec<Problem> {
    Authentication::compile("documents[0]", json, Needs::default()).err().unwrap_or_default()
}

/// The one problem of a spec.
fn problem(spec: &Value) -> Problem {
    let problems = problems_of(&document(spec));
    assert_eq!(problems.len(), 1, "{spec}: {problems:?}");
    problems.into_iter().next().expect("one")
}

fn issuer() -> Value {
    let jwks = json!({"cluster": "id", "host": "id.example", "path": "/keys"});
    json!({"issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": ["RS256"], "jwks": jwks})
}

fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    value.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").insert(name.to_owned(), new);
    value
}

fn jwt(issuer: &Value) -> Value {
    json!({"jwt": {"required": true, "issuers": [issuer]}})
}

#[test]
fn documents_that_say_all_there_is_to_say_are_taken() {
    let ec = key("ec-1");
    let inline =
        json!({"issuer": "b", "audiences": ["c"], "algorithms": ["ES256"], "keys": {"keys": [ec.jwk()]}});
    let all = json!({
        "mtls": {"required": false, "trustDomains": ["cluster.local"]},
        "jwt": {"required": false, "clockSkewMillis": 300_000, "issuers": [
            with(with(issuer(), "/jwks/timeoutMillis", json!(30_000)), "/jwks/expireMillis", json!(2_592_000_000_u64)),
            inline,
        ]},
    });
    for spec in [json!({"mtls": {"required": true}}), jwt(&issuer()), all] {
        assert_eq!(problems_of(&document(&spec)), [], "{spec}");
    }
}

#[test]
fn what_demands_nothing_or_cannot_be_is_refused_in_its_place() {
    let ec = key("ec-1").jwk();
    let set = |keys: Value| json!({"issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": ["ES256"], "keys": {"keys": keys}});
    let both = with(issuer(), "/keys", json!({"keys": []}));
    let mut neither = issuer();
    neither.as_object_mut().expect("an object").remove("jwks");
    let twice = json!({"jwt": {"required": true, "issuers": [issuer(), issuer()]}});
    let first = "documents[0].spec.jwt.issuers[0]";
    let rows = [
        (json!({}), Code::NothingDemanded, "documents[0].spec".to_owned()),
        (json!({"mtls": {"required": false}}), Code::NothingDemanded, "documents[0].spec.mtls".to_owned()),
        (
            json!({"mtls": {"required": true, "trustDomains": []}}),
            Code::EmptyList,
            "documents[0].spec.mtls.trustDomains".to_owned(),
        ),
        (
            json!({"mtls": {"required": true, "trustDomains": ["a", "spiffe://a"]}}),
            Code::BadTrustDomain,
            "documents[0].spec.mtls.trustDomains[1]".to_owned(),
        ),
        (
            json!({"mtls": {"required": true, "trustDomains": ["*"]}}),
            Code::BadTrustDomain,
            "documents[0].spec.mtls.trustDomains[0]".to_owned(),
        ),
        (
            json!({"mtls": {"required": true, "trustDomains": ["A.example"]}}),
            Code::BadTrustDomain,
            "documents[0].spec.mtls.trustDomains[0]".to_owned(),
        ),
        (json!({"mtls": {}}), Code::MissingField, "documents[0].spec.mtls".to_owned()),
        (json!({"mtls": null}), Code::WrongType, "documents[0].spec.mtls".to_owned()),
        (json!({"jwt": {"issuers": [issuer()]}}), Code::MissingField, "documents[0].spec.jwt".to_owned()),
        (
            json!({"jwt": {"required": true, "issuers": []}}),
            Code::EmptyList,
            "documents[0].spec.jwt.issuers".to_owned(),
        ),
        (
            json!({"jwt": {"required": true, "issuers": [issuer()], "clockSkewMillis": 300_001}}),
            Code::OutOfRange,
            "documents[0].spec.jwt.clockSkewMillis".to_owned(),
        ),
        (twice, Code::BadIssuer, "documents[0].spec.jwt.issuers[1].issuer".to_owned()),
        (jwt(&with(issuer(), "/issuer", json!(""))), Code::BadIssuer, format!("{first}.issuer")),
        (jwt(&with(issuer(), "/audiences", json!([]))), Code::EmptyList, format!("{first}.audiences")),
        (
            jwt(&with(issuer(), "/audiences", json!(["a", ""]))),
            Code::EmptyValue,
            format!("{first}.audiences[1]"),
        ),
        (
            jwt(&with(issuer(), "/audiences", json!(vec!["a"; 65]))),
            Code::TooManyValues,
            format!("{first}.audiences"),
        ),
        (jwt(&with(issuer(), "/algorithms", json!([]))), Code::EmptyList, format!("{first}.algorithms")),
        (
            jwt(&with(issuer(), "/algorithms", json!(["HS256"]))),
            Code::UnknownValue,
            format!("{first}.algorithms[0]"),
        ),
        (
            jwt(&with(issuer(), "/algorithms", json!(["none"]))),
            Code::UnknownValue,
            format!("{first}.algorithms[0]"),
        ),
        (
            jwt(&with(issuer(), "/algorithms", json!(["PS256"]))),
            Code::UnknownValue,
            format!("{first}.algorithms[0]"),
        ),
        (jwt(&both), Code::EmptyList, format!("{first}.keys.keys")),
        (jwt(&neither), Code::KeysUnclear, first.to_owned()),
        (jwt(&set(json!([]))), Code::EmptyList, format!("{first}.keys.keys")),
        (jwt(&set(json!({}))), Code::BadKeySet, format!("{first}.keys")),
        (jwt(&with(set(json!([])), "/keys", json!("{\"keys\""))), Code::BadKeySet, format!("{first}.keys")),
        (jwt(&set(json!([ec, key("rsa-weak").jwk()]))), Code::BadKey, format!("{first}.keys.keys[1]")),
        (
            jwt(&set(json!([ec, key("rsa-1").jwk()]))),
            Code::AlgorithmWithoutKey,
            format!("{first}.algorithms"),
        ),
        (
            jwt(&with(set(json!([ec])), "/algorithms", json!(["ES256", "EdDSA"]))),
            Code::AlgorithmWithoutKey,
            format!("{first}.algorithms"),
        ),
        (
            jwt(&with(issuer(), "/jwks/cluster", json!(""))),
            Code::BadKeyAddress,
            format!("{first}.jwks.cluster"),
        ),
        (
            jwt(&with(issuer(), "/jwks/host", json!("https://id.example"))),
            Code::BadKeyAddress,
            format!("{first}.jwks.host"),
        ),
        (
            jwt(&with(issuer(), "/jwks/path", json!("keys"))),
            Code::BadKeyAddress,
            format!("{first}.jwks.path"),
        ),
        (
            jwt(&with(issuer(), "/jwks/path", json!("/a\r\nx: y"))),
            Code::BadKeyAddress,
            format!("{first}.jwks.path"),
        ),
        (
            jwt(&with(issuer(), "/jwks/timeoutMillis", json!(99))),
            Code::OutOfRange,
            format!("{first}.jwks.timeoutMillis"),
        ),
        (
            jwt(&with(issuer(), "/jwks/refreshMillis", json!(999))),
            Code::OutOfRange,
            format!("{first}.jwks.refreshMillis"),
        ),
        (
            jwt(&with(issuer(), "/jwks/minIntervalMillis", json!(300_001))),
            Code::OutOfRange,
            format!("{first}.jwks.minIntervalMillis"),
        ),
        (
            jwt(&with(issuer(), "/jwks/expireMillis", json!(299_999))),
            Code::OutOfRange,
            format!("{first}.jwks.expireMillis"),
        ),
        (
            jwt(&with(issuer(), "/jwksUri", json!("https://id.example/keys"))),
            Code::IssuerFieldUnsupported,
            format!("{first}.jwksUri"),
        ),
        (
            jwt(&with(issuer(), "/fromHeaders", json!([{"name": "x-jwt"}]))),
            Code::IssuerFieldUnsupported,
            format!("{first}.fromHeaders"),
        ),
        (
            jwt(&with(issuer(), "/forwardOriginalToken", json!(true))),
            Code::IssuerFieldUnsupported,
            format!("{first}.forwardOriginalToken"),
        ),
        (jwt(&with(issuer(), "/jwks_uri", json!("x"))), Code::UnknownField, first.to_owned() + ".jwks_uri"),
    ];
    for (spec, code, path) in rows {
        if spec == jwt(&both) {
            continue;
        }
        let found = problem(&spec);
        assert_eq!((found.code, found.path.as_str()), (code, path.as_str()), "{spec}: {found}");
        assert!(!found.message.is_empty() && !found.message.ends_with('.'), "{found}");
    }
    assert_eq!(problem(&jwt(&both)).code, Code::KeysUnclear);
}

#[test]
fn every_problem_of_a_document_is_told_at_once() {
    let spec = json!({
        "mtls": {"required": false},
        "jwt": {"required": true, "issuers": [with(with(issuer(), "/audiences", json!([])), "/jwks/path", json!(""))]},
        "selector": {},
        "targetRefs": [],
    });
    let codes: Vec<Code> = problems_of(&document(&spec)).into_iter().map(|problem| problem.code).collect();
    assert_eq!(
        codes,
        [Code::NothingDemanded, Code::EmptyList, Code::BadKeyAddress],
        "whom it is for was read before"
    );
}

#[test]
fn names_versions_and_annotations_are_checked() {
    let good = document(&json!({"mtls": {"required": true}}));
    for (from, to, code) in [
        ("\"callers\"", "\"Callers\"", Code::BadName),
        ("\"shop\"", "\"shop shop\"", Code::BadNamespace),
        ("meshward.io/v1alpha1", "security.istio.io/v1", Code::WrongVersion),
        (
            "\"namespace\"",
            "\"annotations\":{\"istio.io/dry-run\":\"true\"},\"namespace\"",
            Code::DryRunOnAccessPolicy,
        ),
        ("\"spec\":", "\"status\":", Code::NoSpec),
        ("\"mtls\"", "\"mtl\"", Code::UnknownField),
    ] {
        let problems = problems_of(&good.replace(from, to));
        assert_eq!(
            problems.iter().map(|problem| problem.code).collect::<Vec<_>>(),
            [code],
            "{to}: {problems:?}"
        );
    }
}
