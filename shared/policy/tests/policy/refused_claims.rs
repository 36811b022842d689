//! Rules on tokens that are refused: where, what is said, and what to write instead.

use meshward_config::WhenNothingApplies;
use meshward_model::{Code, DocumentKind, Needs, Stage};
use meshward_policy::{Compiler, Tokens};
use serde_json::{Value, json};

use crate::refused::{BOTH, ISTIO, STRICT, accepted, one, refused};
use crate::specimen::{AccessPolicy, AuthorizationPolicy, document};

#[track_caller]
fn conditions(kinds: &[DocumentKind], condition: &Value, place: &str, message: &str, help: &str) {
    for kind in kinds {
        let rule = json!({"when": [condition]});
        refused(&one(*kind, rule), &format!("documents[0].spec.rules[0].when[0]{place}"), message, help);
    }
}

/// (code, path) of every problem where nothing verifies tokens.
fn unverified(kind: DocumentKind, rule: &Value) -> Vec<(Code, String)> {
    let mut compiler = Compiler::new(Tokens::Unverified);
    let document = document(kind, "lone", json!({"rules": [rule]}));
    compiler.add("documents[0]", kind, &document.to_string());
    let refusal = compiler.finish(WhenNothingApplies::Deny, Needs::default()).err();
    let problems = refusal.map(|refusal| refusal.problems).unwrap_or_default();
    problems.into_iter().map(|problem| (problem.code, problem.path)).collect()
}

#[test]
fn where_nothing_verifies_tokens_whatever_looks_at_one_is_refused() {
    let source = |source: Value| json!({"from": [{"source": source}]});
    let key = |key: &str| json!({"when": [{"key": key, "notValues": ["a"]}]});
    let rows = [
        (source(json!({"requestPrincipals": ["a/b"]})), "from[0].source.requestPrincipals"),
        (
            source(json!({"notRequestPrincipals": ["a/b"], "namespaces": ["a"]})),
            "from[0].source.notRequestPrincipals",
        ),
        (key("request.auth.principal"), "when[0].key"),
        (key("request.auth.audiences"), "when[0].key"),
        (key("request.auth.presenter"), "when[0].key"),
        (key("request.auth.claims[a]"), "when[0].key"),
    ];
    for (rule, place) in rows {
        for kind in BOTH {
            let expected = vec![(Code::NothingVerifiesTokens, format!("documents[0].spec.rules[0].{place}"))];
            let rule = if place == "when[0].key" && kind == AccessPolicy {
                serde_json::from_str(&rule.to_string().replace("[\"a\"]", "[\"a/b\"]")).unwrap()
            } else {
                rule.clone()
            };
            assert_eq!(unverified(kind, &rule), expected, "{rule}");
        }
    }
    let typed = json!({"when": [{"claim": ["a"], "equals": 1}]});
    let expected = vec![(Code::NothingVerifiesTokens, "documents[0].spec.rules[0].when[0].claim".to_owned())];
    assert_eq!(unverified(AccessPolicy, &typed), expected);
    assert_eq!(unverified(AccessPolicy, &json!({"from": [{"source": {"namespaces": ["a"]}}]})), []);
}

#[test]
fn a_rule_on_tokens_alone_does_not_have_the_peer_read() {
    let mut compiler = Compiler::new(Tokens::Verified);
    let rule =
        json!({"from": [{"source": {"requestPrincipals": ["*"]}}], "when": [{"claim": ["a"], "equals": 1}]});
    let document = document(AccessPolicy, "lone", json!({"rules": [rule]}));
    compiler.add("documents[0]", AccessPolicy, &document.to_string());
    let control = compiler.finish(WhenNothingApplies::Deny, crate::specimen::PEER).unwrap();
    assert_eq!(control.needs(), Needs::default());
}

#[test]
fn request_principals_that_match_nobody_are_refused() {
    for (value, message, help) in [
        ("https://id.example", "the last `/` parts issuer and subject", "`https://id.example/*`"),
        ("https://id.example*", "the last `/` parts issuer and subject", "`https://id.example/*`"),
        ("https://*", "the last `/` parts issuer and subject", "<subject>"),
        ("id.example", "it names no subject", "`id.example/<subject>`, or `id.example/*`"),
        ("*/*", "a `*` stands at one end", "`*` for any token"),
        ("a*/b", "a `*` stands at one end", "`<issuer>/*`"),
        ("a/*b", "a `*` stands at one end", "`<issuer>/*`"),
        ("*a/b*", "a `*` stands at one end", "`<issuer>/*`"),
        ("a/", "issuer or subject is empty", "<issuer>/<subject>"),
        ("/a", "issuer or subject is empty", "<issuer>/<subject>"),
        ("**", "a `*` stands at one end", "<issuer>/<subject>"),
    ] {
        for field in ["requestPrincipals", "notRequestPrincipals"] {
            let rule = json!({"from": [{"source": {field: [value]}}]});
            let place = format!("documents[0].spec.rules[0].from[0].source.{field}[0]");
            refused(&one(AccessPolicy, rule.clone()), &place, message, help);
            accepted(&one(AuthorizationPolicy, rule));
        }
    }
    let nobody = json!({"from": [{"source": {"notRequestPrincipals": ["*"]}}]});
    let place = "documents[0].spec.rules[0].from[0].source.notRequestPrincipals";
    refused(&one(AccessPolicy, nobody.clone()), place, "matches nobody", "in a DENY rule");
    accepted(&one(AuthorizationPolicy, nobody));
}

#[test]
fn keys_that_lead_to_no_claim_are_refused() {
    let key = |key: &str| json!({"key": key, "values": ["a"]});
    for wrong in [
        "request.auth.claims",
        "request.auth.claims[]",
        "request.auth.claims[a][]",
        "request.auth.claims[a",
        "request.auth.claimsx[a]",
    ] {
        conditions(&BOTH, &key(wrong), ".key", "leads to no claim", "`request.auth.claims[groups]`");
    }
    conditions(&STRICT, &key("request.auth.claims[a]b[c]"), ".key", "leads to no claim", "claims[groups]");
    let deep = format!("request.auth.claims{}", "[a]".repeat(17));
    conditions(&BOTH, &key(&deep), ".key", "leads to no claim", "claims[groups]");
    for wrong in ["request.auth.claim[a]", "claims[a]", "request.claims[a]"] {
        conditions(&BOTH, &key(wrong), ".key", "unknown key", "request.auth.claims[");
    }
    conditions(
        &BOTH,
        &key("request.auth.audience"),
        ".key",
        "unknown key",
        "did you mean `request.auth.audiences`?",
    );
    conditions(
        &STRICT,
        &json!({"key": "request.auth.claims[a]", "values": ["a*b"]}),
        ".values[0]",
        "a `*` may stand only",
        "list each value",
    );
}

#[test]
fn typed_conditions_that_say_nothing_or_too_much_are_refused() {
    for (condition, place, message, help) in [
        (json!({"claim": ["a"]}), "", "does not say what the attribute must be", "`exists`"),
        (json!({"claim": [], "equals": 1}), ".claim", "leads to no claim", "[realm_access, roles]"),
        (json!({"claim": ["a", ""], "equals": 1}), ".claim", "leads to no claim", "[realm_access, roles]"),
        (
            json!({"claim": vec!["a"; 17], "equals": 1}),
            ".claim",
            "leads to no claim",
            "[realm_access, roles]",
        ),
        (
            json!({"claim": ["a"], "equals": 1, "values": ["a"]}),
            "",
            "does not go together",
            "another condition",
        ),
        (
            json!({"claim": ["a"], "equals": 1, "key": "source.namespace"}),
            "",
            "does not go together",
            "another condition",
        ),
        (
            json!({"claim": ["a"], "exists": false, "equals": 1}),
            ".exists",
            "can be nothing else",
            "take `exists: false`",
        ),
        (json!({"claim": ["a"], "in": []}), ".in", "an empty list", "at least one value"),
        (json!({"claim": ["a"], "prefix": ""}), ".prefix", "an empty value", "name something"),
        (json!({"claim": ["a"], "suffix": ""}), ".suffix", "an empty value", "name something"),
        (json!({"claim": ["a"], "contains": ""}), ".contains", "an empty value", "name something"),
        (json!({"claim": ["a"], "gt": "7"}), ".gt", "only numbers are compared", "without quotes"),
        (json!({"claim": ["a"], "lt": true}), ".lt", "only numbers are compared", "without quotes"),
        (json!({"claim": "a", "equals": 1}), ".claim", "expected a list", "write `claim: [\"a\"]`"),
        (json!({"claim": ["a"], "exists": "yes"}), ".exists", "expected a boolean", "true"),
        (
            json!({"claim": ["a"], "equals": ["b"]}),
            ".equals[0]",
            "expected a string, a number or a boolean",
            "take the `- ` away",
        ),
        (
            json!({"claim": ["a"], "equals": null}),
            ".equals",
            "expected a string, a number or a boolean",
            "give it a value",
        ),
        (
            json!({"claim": ["a"], "equals": 9_007_199_254_740_993_i64}),
            ".equals",
            "at most 2^53",
            "in quotes",
        ),
        (json!({"claim": ["a"], "equals": u64::MAX}), ".equals", "at most 2^53", "in quotes"),
    ] {
        conditions(&STRICT, &condition, place, message, help);
    }
}

#[test]
fn what_belongs_to_claims_is_refused_beside_a_key_and_in_istio_documents() {
    for field in ["equals", "in", "prefix", "suffix", "contains", "gt", "lt", "exists"] {
        let value = match field {
            "in" => json!(["a"]),
            "gt" | "lt" => json!(1),
            "exists" => json!(true),
            _ => json!("a"),
        };
        let condition = json!({"key": "request.headers[x-a]", "values": ["a"], field: value});
        conditions(
            &BOTH,
            &condition,
            &format!(".{field}"),
            "for typed conditions",
            "`values` or `notValues`",
        );
    }
    let typed = json!({"claim": ["a"], "equals": "b"});
    conditions(&ISTIO, &typed, ".claim", "in an AccessPolicy", "key: request.auth.claims[groups]");
    conditions(&BOTH, &json!({"values": ["a"]}), "", "missing field `key`", "request.headers[x-role]");
}
