//! What the caller's token says: request principals, Istio's keys, typed conditions.

use meshward_model::DocumentKind;
use serde_json::{Value, json};

use crate::refused::BOTH;
use crate::specimen::Says::{Maybe, No, Yes};
use crate::specimen::{AccessPolicy, Ask, AuthorizationPolicy, Says, ask, denies, from, says, when};

/// A token of `alice`, with these claims beside.
fn alice(claims: Value) -> Ask {
    let mut all = json!({"iss": "https://id.example", "sub": "alice"});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    ask().token(all)
}

fn by(issuer: &str, subject: &str) -> Ask {
    ask().token(json!({"iss": issuer, "sub": subject}))
}

#[track_caller]
fn check(kind: DocumentKind, rule: &Value, rows: &[(Ask, Says)]) {
    for (ask, expected) in rows {
        assert_eq!(says(kind, rule, ask), *expected, "{rule} in {} of {ask:?}", kind.as_str());
    }
}

/// What a condition on the claim `it` says of a token whose `it` is each of these values.
#[track_caller]
fn typed(test: Value, rows: &[(Value, Says)]) {
    let mut condition = json!({"claim": ["it"]});
    condition.as_object_mut().unwrap().extend(test.as_object().unwrap().clone());
    for (value, expected) in rows {
        let ask = alice(json!({"it": value}));
        assert_eq!(says(AccessPolicy, &when(condition.clone()), &ask), *expected, "{condition} of {value}");
    }
}

#[test]
fn a_request_principal_is_issuer_and_subject_matched_apart() {
    for (value, matching, other) in [
        ("*", by("a", "b"), by("a", "")),
        ("https://id.example/alice", by("https://id.example", "alice"), by("https://id.example", "alicea")),
        ("https://id.example/*", by("https://id.example", "x"), by("https://id.example.evil", "x")),
        ("https://id.example/al*", by("https://id.example", "alice"), by("https://id.example", "bal")),
        ("id-*", by("id-1", "x"), by("xid-1", "x")),
        ("*-svc", by("any", "a-svc"), by("any", "a-svc-x")),
        ("*/alice", by("any", "alice"), by("any", "malice")),
        ("*.example/alice", by("https://id.example", "alice"), by("https://id.example.evil", "alice")),
    ] {
        for kind in BOTH {
            let rule = from(json!({"requestPrincipals": [value]}));
            check(kind, &rule, &[(matching.clone(), Yes), (other.clone(), No)]);
            let key = when(json!({"key": "request.auth.principal", "values": [value]}));
            check(kind, &key, &[(matching.clone(), Yes), (other.clone(), No)]);
        }
    }
}

#[test]
fn issuer_and_subject_are_never_read_as_one_text() {
    for kind in BOTH {
        let rule = from(json!({"requestPrincipals": ["https://id.example/team/alice"]}));
        check(
            kind,
            &rule,
            &[(by("https://id.example/team", "alice"), Yes), (by("https://id.example", "team/alice"), No)],
        );
    }
}

#[test]
fn istio_keeps_the_readings_that_match_nobody() {
    for (value, ask) in [
        ("*/*", by("a", "b")),
        ("https://id.example*", by("https://id.example", "b")),
        ("https://id.example", by("https://id.example", "b")),
        ("a*/b*", by("ab", "bc")),
        ("a/*b", by("a", "b")),
    ] {
        let rule = from(json!({"requestPrincipals": [value]}));
        assert_eq!(says(AuthorizationPolicy, &rule, &ask), No, "{value}");
        let rule = from(json!({"notRequestPrincipals": [value]}));
        assert_eq!(says(AuthorizationPolicy, &rule, &ask), Yes, "{value}");
    }
    let odd = from(json!({"requestPrincipals": ["*/*"]}));
    assert_eq!(says(AuthorizationPolicy, &odd, &by("a", "*")), Yes);
    let odd = from(json!({"requestPrincipals": ["a/*b*"]}));
    assert_eq!(says(AuthorizationPolicy, &odd, &by("a", "*bc")), Yes);
}

#[test]
fn without_a_token_istio_says_no_and_its_opposite_yes() {
    let nobody = [(ask(), No), (ask().token(json!({"iss": "a"})), No)];
    check(AuthorizationPolicy, &from(json!({"requestPrincipals": ["*"]})), &nobody);
    let all = [(ask(), Yes), (ask().token(json!({"iss": "a"})), Yes), (by("a", "b"), No)];
    check(AuthorizationPolicy, &from(json!({"notRequestPrincipals": ["*"]})), &all);
    for key in ["request.auth.audiences", "request.auth.presenter", "request.auth.claims[a]"] {
        check(AuthorizationPolicy, &when(json!({"key": key, "values": ["*"]})), &[(ask(), No)]);
        check(AuthorizationPolicy, &when(json!({"key": key, "notValues": ["x"]})), &[(ask(), Yes)]);
    }
}

#[test]
fn without_a_token_a_strict_rule_is_open_and_never_lets_in() {
    let subjectless = ask().token(json!({"iss": "a"}));
    let rows = |said| [(ask(), said), (subjectless.clone(), said)];
    check(AccessPolicy, &from(json!({"requestPrincipals": ["*"]})), &rows(No));
    check(AccessPolicy, &from(json!({"requestPrincipals": ["a/b"]})), &rows(Maybe));
    check(AccessPolicy, &from(json!({"notRequestPrincipals": ["a/b"]})), &rows(Maybe));
    check(AccessPolicy, &from(json!({"requestPrincipals": ["c/b"]})), &[(subjectless.clone(), No)]);
    check(AccessPolicy, &from(json!({"notRequestPrincipals": ["c/b"]})), &[(subjectless.clone(), Yes)]);
    let any = from(json!({"notRequestPrincipals": ["*"]}));
    assert!(denies(AccessPolicy, &any, &ask()) && denies(AccessPolicy, &any, &subjectless));
    assert!(!denies(AccessPolicy, &any, &by("a", "b")));
    for key in ["request.auth.audiences", "request.auth.presenter", "request.auth.claims[a]"] {
        check(AccessPolicy, &when(json!({"key": key, "values": ["*"]})), &rows(No));
        check(AccessPolicy, &when(json!({"key": key, "values": ["x"]})), &rows(Maybe));
        check(AccessPolicy, &when(json!({"key": key, "notValues": ["x"]})), &rows(Maybe));
    }
    for test in [json!({"equals": 1}), json!({"contains": "a"}), json!({"exists": false}), json!({"lt": 1})] {
        let mut condition = json!({"claim": ["it"]});
        condition.as_object_mut().unwrap().extend(test.as_object().unwrap().clone());
        check(AccessPolicy, &when(condition), &[(ask(), Maybe)]);
    }
    check(AccessPolicy, &when(json!({"claim": ["it"], "exists": true})), &rows(No));
}

#[test]
fn a_token_is_a_further_condition_beside_the_peer() {
    let rule = from(json!({"namespaces": ["a"], "requestPrincipals": ["i/s"]}));
    for kind in BOTH {
        check(
            kind,
            &rule,
            &[
                (by("i", "s").by("td/ns/a/sa/x"), Yes),
                (by("i", "s").by("td/ns/b/sa/x"), No),
                (by("i", "t").by("td/ns/a/sa/x"), No),
            ],
        );
    }
    assert_eq!(says(AccessPolicy, &rule, &by("i", "s")), Maybe);
    assert_eq!(says(AccessPolicy, &rule, &ask().by("td/ns/a/sa/x")), Maybe);
    assert_eq!(says(AccessPolicy, &rule, &ask().by("td/ns/b/sa/x")), No);
}

#[test]
fn istio_matches_strings_and_any_string_of_a_list() {
    for (key, claims) in [
        ("request.auth.claims[g]", json!({"g": ["x", "admin"]})),
        ("request.auth.claims[g]", json!({"g": "admin"})),
        ("request.auth.claims[a][b]", json!({"a": {"b": ["admin"]}})),
        ("request.auth.claims[https://id.example/roles]", json!({"https://id.example/roles": "admin"})),
        ("request.auth.claims[kubernetes.io][pod]", json!({"kubernetes.io": {"pod": "admin"}})),
        ("request.auth.claims[scope]", json!({"scope": "read  admin"})),
        ("request.auth.claims[permission]", json!({"permission": "admin read"})),
        ("request.auth.audiences", json!({"aud": "admin"})),
        ("request.auth.audiences", json!({"aud": ["x", "admin"]})),
        ("request.auth.presenter", json!({"azp": "admin"})),
    ] {
        for kind in BOTH {
            for (values, expected) in
                [(json!(["z", "ad*"]), Yes), (json!(["*min"]), Yes), (json!(["adm"]), No)]
            {
                let rule = when(json!({"key": key, "values": values}));
                assert_eq!(says(kind, &rule, &alice(claims.clone())), expected, "{rule} of {claims}");
                let rule = when(json!({"key": key, "notValues": values}));
                let opposite = if expected == Yes { No } else { Yes };
                assert_eq!(says(kind, &rule, &alice(claims.clone())), opposite, "{rule} of {claims}");
            }
        }
    }
}

#[test]
fn other_types_do_not_match_in_istio_and_are_open_in_a_strict_rule() {
    for value in [json!(true), json!(7), json!(1.5), json!(null), json!({"a": 1}), json!([7, {}])] {
        let ask = alice(json!({"g": value}));
        for (values, istio) in [(json!(["7", "true"]), No), (json!(["*"]), No)] {
            let rule = when(json!({"key": "request.auth.claims[g]", "values": values}));
            assert_eq!(says(AuthorizationPolicy, &rule, &ask), istio, "{rule} of {value}");
            assert_eq!(says(AccessPolicy, &rule, &ask), Maybe, "{rule} of {value}");
        }
        let rule = when(json!({"key": "request.auth.claims[g]", "notValues": ["7"]}));
        assert_eq!(says(AuthorizationPolicy, &rule, &ask), Yes, "{rule} of {value}");
        assert_eq!(says(AccessPolicy, &rule, &ask), Maybe, "{rule} of {value}");
    }
    let mixed = alice(json!({"g": [7, "admin"]}));
    let rule = when(json!({"key": "request.auth.claims[g]", "values": ["admin"]}));
    check(AccessPolicy, &rule, &[(mixed.clone(), Yes)]);
    check(AuthorizationPolicy, &rule, &[(mixed, Yes)]);
}

#[test]
fn presence_is_a_string_with_something_in_it() {
    let rule = when(json!({"key": "request.auth.claims[g]", "values": ["*"]}));
    for kind in BOTH {
        check(
            kind,
            &rule,
            &[
                (alice(json!({"g": "x"})), Yes),
                (alice(json!({"g": ""})), No),
                (alice(json!({"g": []})), No),
                (alice(json!({"g": ["", "x"]})), Yes),
                (alice(json!({})), No),
            ],
        );
    }
    // Istio's `.+` does not go beyond a line; a strict DENY is not passed by a line feed.
    let lines = alice(json!({"g": "a\nb"}));
    assert_eq!((says(AuthorizationPolicy, &rule, &lines), says(AccessPolicy, &rule, &lines)), (No, Yes));
}

#[test]
fn brackets_that_do_not_pair_are_one_name_for_istio() {
    let rule = when(json!({"key": "request.auth.claims[a]b[c]", "values": ["x"]}));
    check(
        AuthorizationPolicy,
        &rule,
        &[(alice(json!({"a]b[c": "x"})), Yes), (alice(json!({"a": {"c": "x"}})), No)],
    );
}

#[test]
fn a_typed_condition_compares_values_of_one_type() {
    typed(
        json!({"equals": "a"}),
        &[(json!("a"), Yes), (json!("b"), No), (json!(1), Maybe), (json!(["a"]), Maybe)],
    );
    typed(json!({"equals": true}), &[(json!(true), Yes), (json!(false), No), (json!("true"), Maybe)]);
    typed(json!({"equals": 7}), &[(json!(7), Yes), (json!(7.0), Yes), (json!(8), No), (json!("7"), Maybe)]);
    typed(json!({"in": ["a", "b"]}), &[(json!("b"), Yes), (json!("c"), No), (json!(null), Maybe)]);
    typed(
        json!({"in": ["a", 1]}),
        &[(json!(1), Yes), (json!(2), No), (json!("c"), No), (json!(true), Maybe)],
    );
    typed(json!({"prefix": "ab"}), &[(json!("abc"), Yes), (json!("ba"), No), (json!(["abc"]), Maybe)]);
    typed(json!({"suffix": "bc"}), &[(json!("abc"), Yes), (json!("cb"), No), (json!({}), Maybe)]);
    typed(json!({"gt": 2}), &[(json!(3), Yes), (json!(2.5), Yes), (json!(2), No), (json!("3"), Maybe)]);
    typed(json!({"lt": 2.5}), &[(json!(2), Yes), (json!(2.5), No), (json!(-1), Yes), (json!([1]), Maybe)]);
    typed(json!({"gt": 1, "lt": 3}), &[(json!(2), Yes), (json!(1), No), (json!(3), No)]);
    typed(json!({"prefix": "a", "suffix": "z"}), &[(json!("az"), Yes), (json!("ay"), No)]);
    typed(json!({"equals": ""}), &[(json!(""), Yes), (json!("a"), No)]);
}

#[test]
fn contains_is_an_element_of_a_list_or_a_word_of_a_string() {
    typed(
        json!({"contains": "read"}),
        &[
            (json!(["write", "read"]), Yes),
            (json!(["reader"]), No),
            (json!([]), No),
            (json!([1, "read"]), Yes),
            (json!([1, "write"]), Maybe),
            (json!("write read"), Yes),
            (json!("reader write"), No),
            (json!("read\twrite"), No),
            (json!(7), Maybe),
            (json!({"read": true}), Maybe),
        ],
    );
    typed(
        json!({"contains": 7}),
        &[(json!([1, 7]), Yes), (json!([1]), No), (json!("7"), Maybe), (json!(["7"]), Maybe)],
    );
}

#[test]
fn existence_is_asked_of_the_token() {
    typed(
        json!({"exists": true}),
        &[(json!("a"), Yes), (json!([]), Yes), (json!(false), Yes), (json!(null), Maybe)],
    );
    typed(json!({"exists": false}), &[(json!("a"), No), (json!(null), Maybe)]);
    for (path, expected) in [(json!(["none"]), Yes), (json!(["sub"]), No), (json!(["sub", "more"]), Yes)] {
        let rule = when(json!({"claim": path, "exists": false}));
        check(AccessPolicy, &rule, &[(alice(json!({})), expected)]);
    }
}

#[test]
fn names_lead_into_objects_and_a_missing_claim_leaves_the_rule_open() {
    let rule = when(json!({"claim": ["realm", "roles"], "contains": "admin"}));
    check(
        AccessPolicy,
        &rule,
        &[
            (alice(json!({"realm": {"roles": ["admin"]}})), Yes),
            (alice(json!({"realm": {"roles": ["user"]}})), No),
            (alice(json!({"realm": {}})), Maybe),
            (alice(json!({"realm": "admin"})), Maybe),
            (alice(json!({"realm.roles": ["admin"]})), Maybe),
            (alice(json!({})), Maybe),
        ],
    );
    // Who wants to refuse only tokens that have the claim says so.
    let both = json!({"when": [
        {"claim": ["suspended"], "exists": true},
        {"claim": ["suspended"], "equals": true},
    ]});
    assert!(!denies(AccessPolicy, &both, &alice(json!({}))));
    assert!(denies(AccessPolicy, &both, &alice(json!({"suspended": true}))));
    assert!(denies(AccessPolicy, &both, &alice(json!({"suspended": "true"}))));
}
