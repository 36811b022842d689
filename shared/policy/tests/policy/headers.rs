//! Request headers: every value counts.

use serde_json::{Value, json};

use crate::specimen::Says::{Maybe, No, Yes};
use crate::specimen::{AccessPolicy, AuthorizationPolicy, Says, ask, says, when};
use meshward_model::DocumentKind;

#[track_caller]
fn check(kind: DocumentKind, condition: Value, rows: &[(&[&str], Says)]) {
    let key = condition.get("key").and_then(Value::as_str).unwrap().to_owned();
    let name = key.trim_start_matches("request.headers[").trim_end_matches(']');
    for (values, expected) in rows {
        let ask = values.iter().fold(ask(), |ask, value| ask.header(name, value));
        let said = says(kind, &when(condition.clone()), &ask);
        assert_eq!(said, *expected, "{condition} in {} of {values:?}", kind.as_str());
    }
}

#[test]
fn a_strict_value_must_be_every_value_to_allow_and_any_to_deny() {
    check(
        AccessPolicy,
        json!({"key": "request.headers[X-Role]", "values": ["admin", "ops*"]}),
        &[
            (&[], No),
            (&["admin"], Yes),
            (&["user"], No),
            (&["admin", "ops-7"], Yes),
            (&["admin", "user"], Maybe),
            (&["user", "admin"], Maybe),
            (&["Admin"], No),
            (&["admin,user"], No),
        ],
    );
}

#[test]
fn a_strict_negative_value_may_not_be_any_value() {
    check(
        AccessPolicy,
        json!({"key": "request.headers[x-role]", "notValues": ["admin", "*-root"]}),
        &[
            (&[], Yes),
            (&["user"], Yes),
            (&["admin"], No),
            (&["user", "admin"], Maybe),
            (&["admin", "x-root"], No),
        ],
    );
    check(
        AccessPolicy,
        json!({"key": "request.headers[x-role]", "values": ["a*"], "notValues": ["*z"]}),
        &[
            (&["ab"], Yes),
            (&["az"], No),
            (&["b"], No),
            (&["ab", "b"], Maybe),
            (&["ab", "az"], Maybe),
            (&["b", "bz"], No),
        ],
    );
}

#[test]
fn presence_is_any_value_even_an_empty_one() {
    for kind in [AccessPolicy, AuthorizationPolicy] {
        let present = json!({"key": "request.headers[x-a]", "values": ["*"]});
        check(kind, present, &[(&[], No), (&[""], Yes), (&["1", "2"], Yes)]);
        let absent = json!({"key": "request.headers[x-a]", "notValues": ["*"]});
        check(kind, absent, &[(&[], Yes), (&[""], No), (&["1", "2"], No)]);
    }
}

#[test]
fn a_comma_is_a_repetition_where_the_proxy_may_have_merged() {
    check(
        AccessPolicy,
        json!({"key": "request.headers[authorization]", "values": ["Bearer good"]}),
        &[
            (&["Bearer good"], Yes),
            (&["Bearer good,Bearer bad"], Maybe),
            (&["Bearer bad, Bearer good"], Maybe),
            (&["Bearer bad,x"], No),
        ],
    );
    check(
        AccessPolicy,
        json!({"key": "request.headers[authorization]", "notValues": ["Bearer bad"]}),
        &[(&["Bearer good"], Yes), (&["Bearer good,Bearer bad"], Maybe), (&["Bearer bad"], No)],
    );
    check(
        AccessPolicy,
        json!({"key": "request.headers[x-list]", "values": ["a*"]}),
        &[(&["a,b"], Yes), (&["b,a"], No)],
    );
    check(
        AccessPolicy,
        json!({"key": "request.headers[x-forwarded-for]", "values": ["10.0.0.1*"]}),
        &[(&["10.0.0.1"], Yes), (&["10.0.0.1,9.9.9.9"], Maybe), (&["10.0.0.1 ,10.0.0.12"], Yes)],
    );
}

#[test]
fn any_value_satisfies_istio() {
    check(
        AuthorizationPolicy,
        json!({"key": "request.headers[X-Role]", "values": ["admin", "ops*"]}),
        &[
            (&[], No),
            (&["admin"], Yes),
            (&["user", "admin"], Yes),
            (&["user", "guest"], No),
            (&["ops,x"], Yes),
        ],
    );
    check(
        AuthorizationPolicy,
        json!({"key": "request.headers[x-role]", "notValues": ["admin"]}),
        &[(&[], Yes), (&["user"], Yes), (&["user", "admin"], No)],
    );
}

#[test]
fn bytes_that_are_no_text_are_values_like_any_other() {
    for kind in [AccessPolicy, AuthorizationPolicy] {
        let binary = ask().header("x-a", b"a\xff\x80");
        assert_eq!(says(kind, &when(json!({"key": "request.headers[x-a]", "values": ["a*"]})), &binary), Yes);
        assert_eq!(says(kind, &when(json!({"key": "request.headers[x-a]", "values": ["a"]})), &binary), No);
    }
}

#[test]
fn istio_may_ask_for_pseudo_headers_and_finds_the_authority_as_host() {
    let request = ask().path("/a?b").host("Shop.example");
    for (key, value, expected) in [
        (":path", "/a?b", Yes),
        (":path", "/a", No),
        (":Method", "GET", Yes),
        (":authority", "Shop.example", Yes),
        ("host", "Shop.example", Yes),
        ("Host", "shop.example", No),
    ] {
        let rule = when(json!({"key": format!("request.headers[{key}]"), "values": [value]}));
        assert_eq!(says(AuthorizationPolicy, &rule, &request), expected, "{key}");
    }
}

#[test]
fn conditions_are_anded() {
    let rule = json!({"when": [
        {"key": "request.headers[x-a]", "values": ["1"]},
        {"key": "request.headers[x-b]", "values": ["2"]},
    ]});
    for kind in [AccessPolicy, AuthorizationPolicy] {
        assert_eq!(says(kind, &rule, &ask().header("x-a", "1").header("x-b", "2")), Yes);
        assert_eq!(says(kind, &rule, &ask().header("x-a", "1")), No);
        assert_eq!(says(kind, &rule, &ask().header("x-b", "2")), No);
    }
}
