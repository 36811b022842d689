//! Who calls: every field of a source, in both dialects, with and without an identity.

use serde_json::{Value, json};

use crate::specimen::Says::{Maybe, No, Yes};
use crate::specimen::{AccessPolicy, Ask, AuthorizationPolicy, Says, ask, denies, from, says, when};

const WEB: &str = "mesh.example/ns/shop/sa/web";
const ORDERS: &str = "mesh.example/ns/shop/sa/orders";
const FOREIGN: &str = "other.example/ns/shop/sa/web";
const PROBER: &str = "mesh.example/ns/ops/sa/prober";
/// An ID without the parts of Kubernetes, and one of Consul's.
const SPIRE: &str = "mesh.example/backend";
const CONSUL: &str = "mesh.example/ns/shop/dc/dc1/svc/web";

fn callers() -> [(&'static str, Ask); 7] {
    let by = |principal| (principal, ask().by(principal));
    [by(WEB), by(ORDERS), by(FOREIGN), by(PROBER), by(SPIRE), by(CONSUL), ("nobody", ask())]
}

#[track_caller]
fn check(kind: meshward_model::DocumentKind, source: Value, expected: [Says; 7]) {
    for ((name, ask), expected) in callers().iter().zip(expected) {
        assert_eq!(says(kind, &from(source.clone()), ask), expected, "{source} of {name}");
    }
}

#[test]
fn a_strict_principal_is_the_whole_id_and_cannot_be_told_of_nobody() {
    check(AccessPolicy, json!({"principals": [WEB]}), [Yes, No, No, No, No, No, Maybe]);
    check(
        AccessPolicy,
        json!({"principals": ["mesh.example/ns/shop/*"]}),
        [Yes, Yes, No, No, No, Yes, Maybe],
    );
    check(AccessPolicy, json!({"principals": ["*/sa/web"]}), [Yes, No, Yes, No, No, No, Maybe]);
    check(
        AccessPolicy,
        json!({"principals": ["spiffe://mesh.example/ns/shop/sa/web"]}),
        [Yes, No, No, No, No, No, Maybe],
    );
    check(AccessPolicy, json!({"principals": [WEB, PROBER]}), [Yes, No, No, Yes, No, No, Maybe]);
}

#[test]
fn nobody_surely_does_not_have_any_identity() {
    check(AccessPolicy, json!({"principals": ["*"]}), [Yes, Yes, Yes, Yes, Yes, Yes, No]);
    check(AccessPolicy, json!({"trustDomains": ["*"]}), [Yes, Yes, Yes, Yes, Yes, Yes, No]);
    check(AccessPolicy, json!({"namespaces": ["*"]}), [Yes, Yes, Yes, Yes, No, Yes, No]);
    check(AuthorizationPolicy, json!({"principals": ["*"]}), [Yes, Yes, Yes, Yes, Yes, Yes, No]);
    check(AuthorizationPolicy, json!({"trustDomains": ["*"]}), [Yes, Yes, Yes, Yes, Yes, Yes, No]);
    check(AuthorizationPolicy, json!({"namespaces": ["*"]}), [Yes, Yes, Yes, Yes, No, Yes, No]);
}

#[test]
fn a_missing_identity_never_satisfies_a_strict_negative_match() {
    check(AccessPolicy, json!({"notPrincipals": [WEB]}), [No, Yes, Yes, Yes, Yes, Yes, Maybe]);
    check(AccessPolicy, json!({"notNamespaces": ["ops"]}), [Yes, Yes, Yes, No, Maybe, Yes, Maybe]);
    check(AccessPolicy, json!({"notTrustDomains": ["other.*"]}), [Yes, Yes, No, Yes, Yes, Yes, Maybe]);
    check(AccessPolicy, json!({"notServiceAccounts": ["web"]}), [No, Yes, No, Yes, Maybe, Maybe, Maybe]);
}

#[test]
fn a_missing_identity_satisfies_every_negative_match_of_istio() {
    check(AuthorizationPolicy, json!({"notPrincipals": [WEB]}), [No, Yes, Yes, Yes, Yes, Yes, Yes]);
    check(AuthorizationPolicy, json!({"notNamespaces": ["ops"]}), [Yes, Yes, Yes, No, Yes, Yes, Yes]);
    check(AuthorizationPolicy, json!({"notTrustDomains": ["other.*"]}), [Yes, Yes, No, Yes, Yes, Yes, Yes]);
    check(AuthorizationPolicy, json!({"notServiceAccounts": ["web"]}), [No, Yes, No, Yes, Yes, Yes, Yes]);
    check(AuthorizationPolicy, json!({"notPrincipals": ["*"]}), [No, No, No, No, No, No, Yes]);
    check(AuthorizationPolicy, json!({"principals": [WEB]}), [Yes, No, No, No, No, No, No]);
}

#[test]
fn what_an_id_lacks_is_neither_equal_nor_different() {
    check(AccessPolicy, json!({"namespaces": ["shop"]}), [Yes, Yes, Yes, No, Maybe, Yes, Maybe]);
    check(AccessPolicy, json!({"namespaces": ["*ps"]}), [No, No, No, Yes, Maybe, No, Maybe]);
    check(AccessPolicy, json!({"serviceAccounts": ["shop/web"]}), [Yes, No, Yes, No, Maybe, Maybe, Maybe]);
    check(AccessPolicy, json!({"serviceAccounts": ["ops/web"]}), [No, No, No, No, Maybe, No, Maybe]);
    check(AuthorizationPolicy, json!({"serviceAccounts": ["shop/web"]}), [Yes, No, Yes, No, No, No, No]);
}

#[test]
fn a_service_account_without_namespace_is_in_that_of_the_document() {
    check(AccessPolicy, json!({"serviceAccounts": ["web"]}), [Yes, No, Yes, No, Maybe, Maybe, Maybe]);
    check(AuthorizationPolicy, json!({"serviceAccounts": ["web"]}), [Yes, No, Yes, No, No, No, No]);
    check(AuthorizationPolicy, json!({"serviceAccounts": ["prober"]}), [No, No, No, No, No, No, No]);
}

#[test]
fn a_trust_domain_is_matched_whole_or_from_one_end() {
    for kind in [AccessPolicy, AuthorizationPolicy] {
        let nobody = if kind == AccessPolicy { Maybe } else { No };
        check(kind, json!({"trustDomains": ["mesh.example"]}), [Yes, Yes, No, Yes, Yes, Yes, nobody]);
        check(kind, json!({"trustDomains": ["mesh.exampl"]}), [No, No, No, No, No, No, nobody]);
        check(kind, json!({"trustDomains": ["mesh.*"]}), [Yes, Yes, No, Yes, Yes, Yes, nobody]);
        check(kind, json!({"trustDomains": ["*.example"]}), [Yes, Yes, Yes, Yes, Yes, Yes, nobody]);
    }
}

#[test]
fn fields_are_anded_and_values_are_ored() {
    let both =
        json!({"namespaces": ["shop", "ops"], "trustDomains": ["mesh.example"], "notPrincipals": [ORDERS]});
    check(AccessPolicy, both.clone(), [Yes, No, No, Yes, Maybe, Yes, Maybe]);
    check(AuthorizationPolicy, both, [Yes, No, No, Yes, No, Yes, No]);
    let some_but_one = json!({"principals": ["mesh.example/*"], "notPrincipals": [ORDERS, PROBER]});
    check(AccessPolicy, some_but_one, [Yes, No, No, No, Yes, Yes, Maybe]);
}

#[test]
fn sources_are_ored() {
    let rule = json!({"from": [{"source": {"principals": [WEB]}}, {"source": {"namespaces": ["ops"]}}]});
    for kind in [AccessPolicy, AuthorizationPolicy] {
        for (principal, expected) in [(WEB, Yes), (PROBER, Yes), (ORDERS, No)] {
            assert_eq!(says(kind, &rule, &ask().by(principal)), expected, "{principal}");
        }
    }
}

#[test]
fn a_deny_rule_on_any_identity_of_another_kind_requires_mtls() {
    let rule = from(json!({"notPrincipals": ["*"]}));
    for kind in [AccessPolicy, AuthorizationPolicy] {
        assert!(denies(kind, &rule, &ask()));
        assert!(!denies(kind, &rule, &ask().by(WEB)));
    }
}

#[test]
fn a_condition_on_the_source_is_matched_as_the_source_field_is() {
    for kind in [AccessPolicy, AuthorizationPolicy] {
        for (key, field, value) in [
            ("source.principal", "rincipals", WEB),
            ("source.namespace", "amespaces", "shop"),
            ("source.serviceAccount", "erviceAccounts", "shop/web"),
            ("source.trustDomain", "rustDomains", "mesh.example"),
        ] {
            let small = key.split('.').nth(1).and_then(|part| part.get(..1)).unwrap();
            let plain = format!("{small}{field}");
            let not = format!("not{}{field}", small.to_ascii_uppercase());
            for (name, ask) in callers() {
                let by_key = says(kind, &when(json!({"key": key, "values": [value]})), &ask);
                assert_eq!(
                    by_key,
                    says(kind, &from(json!({plain.as_str(): [value]})), &ask),
                    "{key} of {name}"
                );
                let by_key = says(kind, &when(json!({"key": key, "notValues": [value]})), &ask);
                assert_eq!(
                    by_key,
                    says(kind, &from(json!({not.as_str(): [value]})), &ask),
                    "not {key} of {name}"
                );
            }
        }
    }
}
