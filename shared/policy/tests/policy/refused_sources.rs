//! Sources that are refused: where, what is said, and what to write instead.

use meshward_model::DocumentKind;
use serde_json::json;

use crate::refused::{BOTH, Row, STRICT, accepted, one, problems, refused};
use crate::specimen::{AccessPolicy, AuthorizationPolicy, document};

#[track_caller]
fn sources(kinds: &[DocumentKind], rows: &[Row<'_>]) {
    for (field, values, place, message, help) in rows {
        for kind in kinds {
            let rule = json!({"from": [{"source": {*field: values}}]});
            refused(
                &one(*kind, rule),
                &format!("documents[0].spec.rules[0].from[0].source{place}"),
                message,
                help,
            );
        }
    }
}

#[test]
fn values_of_a_source_that_could_never_match_are_refused() {
    sources(
        &STRICT,
        &[
            (
                "principals",
                json!(["a/b", "td"]),
                ".principals[1]",
                "the ID of a trust domain",
                "<trust domain>/ns/",
            ),
            (
                "principals",
                json!(["Td/x"]),
                ".principals[0]",
                "`Td/x` is no part of a SPIFFE ID: the trust domain",
                "<trust domain>/ns/",
            ),
            (
                "principals",
                json!(["td/a//b"]),
                ".principals[0]",
                "is no part of a SPIFFE ID: a path segment",
                "<trust domain>",
            ),
            (
                "principals",
                json!(["td/a*b"]),
                ".principals[0]",
                "a `*` may stand only",
                "list each principal in full (`*b` would take any namespace AND any trust domain)",
            ),
            (
                "principals",
                json!(["td/ns/*/sa/b"]),
                ".principals[0]",
                "a `*` may stand only",
                "in full, as `td/ns/<namespace>/sa/b` (`*/sa/b` would take any namespace",
            ),
            (
                "notPrincipals",
                json!(["td/a b*"]),
                ".notPrincipals[0]",
                "no part of a SPIFFE ID",
                "<trust domain>",
            ),
            (
                "principals",
                json!(["*/sa/../web"]),
                ".principals[0]",
                "no part of a SPIFFE ID",
                "<trust domain>",
            ),
            ("principals", json!(["Td*"]), ".principals[0]", "no part of a SPIFFE ID", "<trust domain>"),
            (
                "namespaces",
                json!(["Shop"]),
                ".namespaces[0]",
                "no namespace has `S` in it",
                "could never match",
            ),
            (
                "namespaces",
                json!(["a/b"]),
                ".namespaces[0]",
                "no namespace has `/` in it",
                "could never match",
            ),
            (
                "notNamespaces",
                json!(["a.b*"]),
                ".notNamespaces[0]",
                "no namespace has `.` in it",
                "could never match",
            ),
            (
                "namespaces",
                json!(["*a*"]),
                ".namespaces[0]",
                "a `*` may stand only",
                "list each namespace in full",
            ),
            (
                "trustDomains",
                json!(["Mesh"]),
                ".trustDomains[0]",
                "no trust domain has `M` in it",
                "could never match",
            ),
        ],
    );
    sources(
        &BOTH,
        &[
            ("trustDomains", json!(["a/b"]), ".trustDomains[0]", "a trust domain has no `/`", "write `a`"),
            (
                "notTrustDomains",
                json!(["a*b"]),
                ".notTrustDomains[0]",
                "at most one `*`, at an end",
                "cluster.local",
            ),
            (
                "serviceAccounts",
                json!(["a/b*"]),
                ".serviceAccounts[0]",
                "a service account has no `*`",
                "<namespace>/<name>",
            ),
            (
                "serviceAccounts",
                json!(["a/b/c"]),
                ".serviceAccounts[0]",
                "is no service account",
                "<namespace>/<name>",
            ),
            (
                "notServiceAccounts",
                json!(["/b"]),
                ".notServiceAccounts[0]",
                "`/b` is no service account",
                "<namespace>/<name>",
            ),
            (
                "serviceAccounts",
                json!(["a/"]),
                ".serviceAccounts[0]",
                "`a/` is no service account",
                "<namespace>/<name>",
            ),
            (
                "serviceAccounts",
                json!([format!("a/{}", "b".repeat(319))]),
                ".serviceAccounts[0]",
                "at most 320",
                "<namespace>/<name>",
            ),
            (
                "serviceAccounts",
                json!(vec!["a"; 17]),
                ".serviceAccounts",
                "17 service accounts, at most 16",
                "split them",
            ),
            (
                "notServiceAccounts",
                json!(vec!["a"; 17]),
                ".notServiceAccounts",
                "17 service accounts",
                "split them",
            ),
            ("principals", json!([""]), ".principals[0]", "an empty value", "name something"),
        ],
    );
}

#[test]
fn a_source_that_says_nothing_or_what_cannot_be_seen_is_refused() {
    for kind in BOTH {
        let empty = json!({"from": [{"source": {}}]});
        refused(
            &one(kind, empty),
            "documents[0].spec.rules[0].from[0].source",
            "an empty source",
            "EVERY caller",
        );
        for (field, what) in
            [("ipBlocks", "the direct peer's address"), ("notIpBlocks", "the direct peer's address")]
        {
            let rule = json!({"from": [{"source": {field: ["a"], "principals": ["td/a"]}}]});
            let place = format!("documents[0].spec.rules[0].from[0].source.{field}");
            let message = format!("`{field}` cannot be decided: meshward's authz plugin does not see {what}");
            refused(&one(kind, rule), &place, &message, "remove the rule, and not only this field");
        }
        for beside in ["principals", "notPrincipals", "namespaces", "notNamespaces"] {
            let rule = json!({"from": [{"source": {"serviceAccounts": ["a/b"], beside: ["a-b/c*"]}}]});
            let found = problems(&one(kind, rule));
            assert!(
                found.iter().any(|problem| problem.message.contains("beside principals")),
                "{beside}: {found:?}"
            );
        }
    }
}

#[test]
fn an_allow_rule_for_everybody_but_anybody_is_refused() {
    sources(
        &STRICT,
        &[
            ("notPrincipals", json!(["td/a", "*"]), ".notPrincipals", "matches nobody", "leave `from` out"),
            ("notNamespaces", json!(["*"]), ".notNamespaces", "matches nobody", "leave `from` out"),
            ("notTrustDomains", json!(["*"]), ".notTrustDomains", "matches nobody", "leave `from` out"),
        ],
    );
    accepted(&one(AuthorizationPolicy, json!({"from": [{"source": {"notPrincipals": ["*"]}}]})));
    let rule = json!({"from": [{"source": {"notPrincipals": ["*"]}}]});
    accepted(&[document(
        AccessPolicy,
        "mtls",
        json!({"action": "DENY", "otherwise": "allow", "rules": [rule]}),
    )]);
}

#[test]
fn every_character_that_a_name_may_have_is_accepted() {
    accepted(&one(AccessPolicy, json!({"from": [{"source": {"namespaces": ["a-1", "9*", "*-z"]}}]})));
    accepted(&one(AccessPolicy, json!({"from": [{"source": {"trustDomains": ["a.b_c-1", "9*"]}}]})));
    accepted(&one(
        AccessPolicy,
        json!({"from": [{"source": {"principals": ["a.b_c-1/A/z.Y_9-", "*/A_.-9"]}}]}),
    ));
}
