//! Operations, conditions and lists that are refused: where, what is said, and what to write instead.

use meshward_model::DocumentKind;
use serde_json::json;

use crate::refused::{BOTH, ISTIO, Row, STRICT, accepted, one, refused};
use crate::specimen::{AccessPolicy, AuthorizationPolicy, document};

#[track_caller]
fn operations(kinds: &[DocumentKind], rows: &[Row<'_>]) {
    for (field, values, place, message, help) in rows {
        for kind in kinds {
            let rule = json!({"to": [{"operation": {*field: values}}]});
            refused(
                &one(*kind, rule),
                &format!("documents[0].spec.rules[0].to[0].operation{place}"),
                message,
                help,
            );
        }
    }
}

#[test]
fn the_longest_lists_and_names_are_accepted() {
    for kind in BOTH {
        let account = format!("a/{}", "b".repeat(318));
        accepted(&one(kind, json!({"from": [{"source": {"serviceAccounts": vec![account; 16]}}]})));
        accepted(&one(kind, json!({"to": [{"operation": {"ports": vec!["80"; 16_384]}}]})));
        accepted(&one(kind, json!({"to": vec![json!({"operation": {"methods": ["GET"]}}); 512]})));
        accepted(&[document(kind, &"n".repeat(253), json!({"rules": vec![json!({}); 512]}))]);
    }
}

#[test]
fn longer_lists_are_refused() {
    operations(
        &BOTH,
        &[("ports", json!(vec!["80"; 16_385]), ".ports", "16385 values, at most 16384", "split the rule")],
    );
    for kind in BOTH {
        let to = json!({"to": vec![json!({"operation": {"methods": ["GET"]}}); 513]});
        refused(
            &one(kind, to),
            "documents[0].spec.rules[0].to",
            "513 entries, at most 512",
            "split the rule",
        );
        let many = [document(kind, "many", json!({"rules": vec![json!({}); 513]}))];
        refused(&many, "documents[0].spec.rules", "513 rules, at most 512", "split the document");
    }
}

#[test]
fn values_of_an_operation_that_could_never_match_are_refused() {
    operations(
        &STRICT,
        &[
            ("methods", json!(["get"]), ".methods[0]", "`get` is no HTTP method", "write `GET`"),
            ("notMethods", json!(["GE T"]), ".notMethods[0]", "is no HTTP method", "one word in upper case"),
            ("methods", json!(["G*T"]), ".methods[0]", "a `*` may stand only", "list each method in full"),
            (
                "hosts",
                json!(["https://a.b"]),
                ".hosts[0]",
                "the port must be a number",
                "no scheme and no path: write `a.b`",
            ),
            ("hosts", json!(["a@b"]), ".hosts[0]", "`a@b`: the host holds `@`", "write as in `example.com`"),
            (
                "hosts",
                json!(["shop.example:x"]),
                ".hosts[0]",
                "the port must be a number",
                "write as in `example.com`",
            ),
            ("notHosts", json!(["*.example:80"]), ".notHosts[0]", "could never match", "no port"),
            ("hosts", json!(["*.example."]), ".hosts[0]", "could never match", "no dot at the outer end"),
            ("hosts", json!([".a*"]), ".hosts[0]", "could never match", "single dots"),
            ("hosts", json!(["a..*"]), ".hosts[0]", "could never match", "single dots"),
            ("hosts", json!(["*a/b"]), ".hosts[0]", "could never match", "write letters"),
            ("paths", json!(["admin"]), ".paths[0]", "begins with `/`", "write `/admin`"),
            ("paths", json!(["/a//b"]), ".paths[0]", "could never match", "plain form"),
            ("paths", json!(["/a%41"]), ".paths[0]", "could never match", "plain form"),
            ("paths", json!(["/a%3ab"]), ".paths[0]", "is not how this path is matched", "write `/a:b`"),
            ("paths", json!(["/a?x*"]), ".paths[0]", "is not how this path is matched", "write `/a`"),
            ("notPaths", json!(["*/../x"]), ".notPaths[0]", "could never match", "plain form"),
            ("paths", json!(["/{*}/a;b"]), ".paths[0]", "could never match", "plain form"),
            ("paths", json!(["/a*b"]), ".paths[0]", "a `*` may stand only", "`{*}` is one whole segment"),
            ("paths", json!(["/a/*/b"]), ".paths[0]", "a `*` may stand only", "write `/a/{*}/b`"),
            ("paths", json!(["/a/*/b/*"]), ".paths[0]", "a `*` may stand only", "write `/a/{*}/b/{**}`"),
            ("paths", json!(["/a/**/b"]), ".paths[0]", "a `*` may stand only", "write `/a/{**}/b`"),
            ("paths", json!(["/a/**/*/b"]), ".paths[0]", "a `*` may stand only", "list each path"),
            ("paths", json!(["admin*"]), ".paths[0]", "begins with `/`", "takes `/admin-internal`, too"),
            ("paths", json!(["admin/*"]), ".paths[0]", "begins with `/`", "write `/admin/*`"),
            ("paths", json!(["^/a/[0-9]+$"]), ".paths[0]", "no regular expressions", "write `{*}`"),
        ],
    );
    operations(
        &BOTH,
        &[
            ("ports", json!(["+80"]), ".ports[0]", "`+80` is no port", "list each port as a number"),
            (
                "ports",
                json!(["80", "65536"]),
                ".ports[1]",
                "`65536` is no port",
                "list each port as a number",
            ),
            ("notPorts", json!(["http"]), ".notPorts[0]", "`http` is no port", "list each port as a number"),
            ("paths", json!(["/{*}x"]), ".paths[0]", "segment `{*}x` is not valid", "whole segments"),
            ("paths", json!(["/a{id}"]), ".paths[0]", "the only operators", "write `{*}` for"),
            (
                "paths",
                json!(["/{**}/{*}"]),
                ".paths[0]",
                "must be the last operator",
                "only literal segments",
            ),
            ("paths", json!([""]), ".paths[0]", "an empty value", "name something"),
        ],
    );
}

#[test]
fn an_operation_that_says_nothing_is_refused() {
    for kind in BOTH {
        let empty = json!({"to": [{"operation": {}}]});
        refused(
            &one(kind, empty),
            "documents[0].spec.rules[0].to[0].operation",
            "an empty operation",
            "EVERY operation",
        );
        for (list, help) in [("from", "EVERY caller"), ("to", "EVERY operation")] {
            let place = format!("documents[0].spec.rules[0].{list}");
            refused(&one(kind, json!({list: []})), &place, "an empty list", help);
        }
    }
    refused(
        &one(AccessPolicy, json!({"when": []})),
        "documents[0].spec.rules[0].when",
        "an empty list",
        "without `when`",
    );
    accepted(&one(AuthorizationPolicy, json!({"when": []})));
}

#[test]
fn an_empty_list_is_refused_or_the_same_as_none_and_never_matches_all() {
    let rule = json!({"from": [{"source": {"principals": [], "namespaces": ["a"]}}]});
    let place = "documents[0].spec.rules[0].from[0].source.principals";
    refused(&one(AccessPolicy, rule.clone()), place, "an empty list", "would take its restriction away");
    accepted(&one(AuthorizationPolicy, rule));
    let rule = json!({"from": [{"source": {"principals": []}}]});
    refused(
        &one(AuthorizationPolicy, rule),
        "documents[0].spec.rules[0].from[0].source",
        "an empty source",
        "EVERY caller",
    );
    let rule = json!({"to": [{"operation": {"notPaths": [], "ports": []}}]});
    refused(
        &one(AuthorizationPolicy, rule),
        "documents[0].spec.rules[0].to[0].operation",
        "an empty operation",
        "EVERY operation",
    );
}

#[test]
fn conditions_that_cannot_be_decided_are_refused() {
    let key = |kinds: &[DocumentKind], key: &str, message: &str, help: &str| {
        for kind in kinds {
            let rule = json!({"when": [{"key": key, "values": ["a"]}]});
            refused(&one(*kind, rule), "documents[0].spec.rules[0].when[0].key", message, help);
        }
    };
    key(&BOTH, "source.ip", "`source.ip` cannot be decided: meshward's authz plugin", "applied to Istio");
    key(&BOTH, "destination.ip", "does not see the address", "the whole rule");
    key(&BOTH, "connection.sni", "does not see the name", "the whole rule");
    key(&BOTH, "experimental.envoy.filters.a[b]", "does not see other filters", "the whole rule");
    key(&BOTH, "destination.labels[a]", "neither by Istio nor by meshward", "spec.selector.matchLabels");
    key(&BOTH, "request.header[x]", "unknown key", "did you mean `request.headers[x]`?");
    key(&BOTH, "source.namespaces", "unknown key", "did you mean `source.namespace`?");
    key(&BOTH, "colour", "unknown key `colour`", "known are request.headers[<name>], source.principal");
    key(&BOTH, "request.headers", "unknown key", "such as `request.headers[x-canary]`");
    key(&BOTH, "headers[x]", "unknown key", "did you mean `request.headers[x]`?");
    key(&BOTH, "destination.prot", "unknown key", "did you mean `destination.port`?");
    key(&BOTH, "request.headers[]", "`` is no header name", "request.headers[x-role]");
    key(&BOTH, "request.headers[x role]", "`x role` is no header name", "request.headers[x-role]");
    key(&ISTIO, "request.headers[:]", "`:` is no header name", "request.headers[x-role]");
    key(&STRICT, "request.headers[:path]", "`:path` is not matched as a header", "under `to`");
    key(&STRICT, "request.headers[Host]", "`Host` is not matched as a header", "under `to`");
    for kind in BOTH {
        for empty in [
            json!({"key": "source.namespace"}),
            json!({"key": "source.namespace", "values": [], "notValues": []}),
        ] {
            let rule = json!({"when": [empty]});
            refused(
                &one(kind, rule),
                "documents[0].spec.rules[0].when[0]",
                "without values",
                "`values` or `notValues`",
            );
        }
        let rule = json!({"when": [{"key": "destination.port", "values": ["x"]}]});
        refused(
            &one(kind, rule),
            "documents[0].spec.rules[0].when[0].values[0]",
            "is no port",
            "list each port as a number",
        );
    }
    let rule = json!({"when": [{"key": "request.headers[x]", "notValues": ["a*b"]}]});
    refused(
        &one(AccessPolicy, rule),
        "documents[0].spec.rules[0].when[0].notValues[0]",
        "a `*` may stand only",
        "list each value in full",
    );
    let rule = json!({"when": [{"key": "request.headers[x]", "values": ["a"], "notValues": []}]});
    refused(
        &one(AccessPolicy, rule),
        "documents[0].spec.rules[0].when[0].notValues",
        "an empty list",
        "name at least one value",
    );
}
