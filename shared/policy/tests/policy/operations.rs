//! What is asked for: hosts, ports, methods, paths, in both dialects, positive and negative.

use serde_json::{Value, json};

use crate::specimen::Says::{Maybe, No, Yes};
use crate::specimen::{AccessPolicy, Ask, AuthorizationPolicy, Says, ask, says, to, when};
use meshward_model::DocumentKind;

const BOTH: [DocumentKind; 2] = [AccessPolicy, AuthorizationPolicy];

#[track_caller]
fn check(kinds: &[DocumentKind], operation: Value, rows: &[(Ask, Says)]) {
    for kind in kinds {
        for (ask, expected) in rows {
            let said = says(*kind, &to(operation.clone()), ask);
            assert_eq!(said, *expected, "{operation} in {} of {ask:?}", kind.as_str());
        }
    }
}

#[test]
fn methods_match_by_letter_case_and_from_either_end() {
    let [get, head, patch, post] = ["GET", "HEAD", "PATCH", "POST"].map(|method| ask().method(method));
    let rows = |said: [Says; 4]| {
        [&get, &head, &patch, &post].map(Clone::clone).into_iter().zip(said).collect::<Vec<_>>()
    };
    check(&BOTH, json!({"methods": ["GET", "HEAD"]}), &rows([Yes, Yes, No, No]));
    check(&BOTH, json!({"methods": ["P*"]}), &rows([No, No, Yes, Yes]));
    check(&BOTH, json!({"methods": ["*T"]}), &rows([Yes, No, No, Yes]));
    check(&BOTH, json!({"methods": ["*"]}), &rows([Yes, Yes, Yes, Yes]));
    check(&BOTH, json!({"notMethods": ["GET", "*D"]}), &rows([No, No, Yes, Yes]));
    check(&BOTH, json!({"notMethods": ["*"]}), &rows([No, No, No, No]));
    check(&BOTH, json!({"methods": ["P*"], "notMethods": ["PATCH"]}), &rows([No, No, No, Yes]));
    check(&[AuthorizationPolicy], json!({"methods": ["get"]}), &rows([No, No, No, No]));
}

#[test]
fn ports_match_and_an_unknown_port_could_be_any() {
    let at = |port: u16| ask().port(port);
    check(
        &BOTH,
        json!({"ports": ["80", "8080"]}),
        &[(at(80), Yes), (at(8080), Yes), (at(808), No), (ask().port(None), Maybe)],
    );
    check(&BOTH, json!({"notPorts": ["80"]}), &[(at(80), No), (at(81), Yes), (ask().port(None), Maybe)]);
    let rule = when(json!({"key": "destination.port", "values": ["80", "81"], "notValues": ["81"]}));
    for kind in BOTH {
        for (ask, expected) in [(at(80), Yes), (at(81), No), (at(82), No), (ask().port(None), Maybe)] {
            assert_eq!(says(kind, &rule, &ask), expected, "{ask:?}");
        }
    }
}

#[test]
fn a_strict_host_ignores_letter_case_final_dot_and_a_port_that_is_not_named() {
    let rows = |said: [Says; 7]| {
        [
            "shop.example",
            "SHOP.example:8443",
            "shop.example.",
            "shop.example.evil",
            "a.shop.example",
            "[::1]:80",
            "shop.example:1",
        ]
        .map(|host| ask().host(host))
        .into_iter()
        .zip(said)
        .collect::<Vec<_>>()
    };
    let strict = &[AccessPolicy];
    check(strict, json!({"hosts": ["Shop.example"]}), &rows([Yes, Yes, Yes, No, No, No, Yes]));
    check(strict, json!({"hosts": ["shop.example:*"]}), &rows([Yes, Yes, Yes, No, No, No, Yes]));
    check(strict, json!({"hosts": ["shop.example.:8443"]}), &rows([No, Yes, No, No, No, No, No]));
    check(strict, json!({"hosts": ["*.Example"]}), &rows([Yes, Yes, Yes, No, Yes, No, Yes]));
    check(strict, json!({"hosts": ["SHOP.*"]}), &rows([Yes, Yes, Yes, Yes, No, No, Yes]));
    check(strict, json!({"hosts": ["[0:0::1]"]}), &rows([No, No, No, No, No, Yes, No]));
    check(strict, json!({"hosts": ["*"]}), &rows([Yes, Yes, Yes, Yes, Yes, Yes, Yes]));
    check(strict, json!({"notHosts": ["shop.example", "*.evil"]}), &rows([No, No, No, No, Yes, Yes, No]));
}

#[test]
fn a_host_of_istio_is_the_authority_with_its_port_letter_case_aside() {
    let rows = |said: [Says; 5]| {
        ["shop.example", "SHOP.example:8443", "shop.example.", "shop.exam", "x-shop.example"]
            .map(|host| ask().host(host))
            .into_iter()
            .zip(said)
            .collect::<Vec<_>>()
    };
    let istio = &[AuthorizationPolicy];
    check(istio, json!({"hosts": ["Shop.example"]}), &rows([Yes, No, No, No, No]));
    check(istio, json!({"hosts": ["shop.example:*"]}), &rows([No, Yes, No, No, No]));
    check(istio, json!({"hosts": ["shop.EXAMPLE*"]}), &rows([Yes, Yes, Yes, No, No]));
    check(istio, json!({"hosts": ["*Example"]}), &rows([Yes, No, No, No, Yes]));
    check(istio, json!({"hosts": ["*"]}), &rows([Yes, Yes, Yes, Yes, Yes]));
    check(istio, json!({"notHosts": ["shop.example"]}), &rows([No, Yes, Yes, Yes, Yes]));
}

#[test]
fn a_path_is_matched_without_its_query() {
    let rows = |said: [Says; 5]| {
        ["/admin", "/admin?x=/public", "/admin/users", "/public/a.json?y", "/adminx"]
            .map(|path| ask().path(path))
            .into_iter()
            .zip(said)
            .collect::<Vec<_>>()
    };
    check(&BOTH, json!({"paths": ["/admin"]}), &rows([Yes, Yes, No, No, No]));
    check(&BOTH, json!({"paths": ["/admin*"]}), &rows([Yes, Yes, Yes, No, Yes]));
    check(&BOTH, json!({"paths": ["/admin/*"]}), &rows([No, No, Yes, No, No]));
    check(&BOTH, json!({"paths": ["*.json"]}), &rows([No, No, No, Yes, No]));
    check(&BOTH, json!({"paths": ["*"]}), &rows([Yes, Yes, Yes, Yes, Yes]));
    check(&BOTH, json!({"paths": ["/admin/{**}"]}), &rows([No, No, Yes, No, No]));
    check(&BOTH, json!({"paths": ["/{*}"]}), &rows([Yes, Yes, No, No, Yes]));
    check(&BOTH, json!({"notPaths": ["/admin", "/admin/*"]}), &rows([No, No, No, Yes, Yes]));
    check(&BOTH, json!({"notPaths": ["/{*}/{*}"]}), &rows([Yes, Yes, No, No, Yes]));
}

#[test]
fn a_path_of_istio_is_as_sent_and_ends_at_a_fragment_too() {
    let istio = &[AuthorizationPolicy];
    check(istio, json!({"paths": ["/a%2Fb"]}), &[(ask().path("/a%2Fb"), Yes), (ask().path("/a%2fb"), No)]);
    check(istio, json!({"paths": ["/a"]}), &[(ask().path("/a#x"), Yes), (ask().path("/a//"), No)]);
    check(istio, json!({"paths": ["*"]}), &[(ask().path("?x"), No), (ask().path("*"), Yes)]);
}

#[test]
fn a_strict_template_sees_every_character_a_path_can_hold() {
    let rule = json!({"paths": ["/admin/{**}"]});
    for path in ["/admin/a|b", "/admin/a%22b", "/admin/x[1]/y", "/admin/a*b", "/admin/%E2%82%AC", "/admin/"] {
        check(&[AccessPolicy], rule.clone(), &[(ask().path(path), Yes)]);
    }
    check(
        &[AccessPolicy],
        json!({"paths": ["/admin/{*}"]}),
        &[(ask().path("/admin/a|b"), Yes), (ask().path("/admin/"), No)],
    );
    check(&[AuthorizationPolicy], rule, &[(ask().path("/admin/a|b"), No), (ask().path("/admin/a*b"), Yes)]);
}

#[test]
fn the_asterisk_of_options_is_a_path_of_its_own() {
    let options = ask().method("OPTIONS").path("*");
    check(&[AccessPolicy], json!({"paths": ["*"]}), &[(options.clone(), Yes)]);
    check(&[AccessPolicy], json!({"paths": ["/*"]}), &[(options, No)]);
}

#[test]
fn operations_are_ored_and_their_fields_anded() {
    let rule = json!({"to": [
        {"operation": {"methods": ["GET"], "paths": ["/a"]}},
        {"operation": {"methods": ["POST"], "ports": ["81"]}},
    ]});
    for kind in BOTH {
        for (ask, expected) in [
            (ask().path("/a"), Yes),
            (ask().path("/b"), No),
            (ask().method("POST").port(81), Yes),
            (ask().method("POST").path("/a"), No),
            (ask().method("POST").port(None), Maybe),
        ] {
            assert_eq!(says(kind, &rule, &ask), expected, "{ask:?}");
        }
    }
}
