//! The bench's policy, ten rules of which the last matches, in three languages; and smaller ones whose host calls are counted.

use serde_json::{Value, json};

/// What the ten rules are about; [`super::scene::PATH`] lies under the last.
const RESOURCES: [&str; 10] = [
    "orders",
    "carts",
    "items",
    "prices",
    "stock",
    "shipments",
    "invoices",
    "payments",
    "vouchers",
    "refunds",
];
const TENANTS: [&str; 2] = ["acme", "umbrella"];
const METHODS: [&str; 2] = ["GET", "HEAD"];
/// The caller, as policies name it.
const CALLER: &str = "cluster.local/ns/shop/sa/web";

/// The kinds of documents that may carry rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    Istio,
}

/// The ten rules alone.
pub(super) fn ten() -> Value {
    json!(RESOURCES.map(rule))
}

/// Ten rules, each with a principal, methods, a path and a header, told apart by their path.
pub(super) fn ten_rules(kind: Kind) -> String {
    configuration(kind, &ten())
}

fn rule(resource: &str) -> Value {
    json!({
        "from": [{"source": {"principals": [CALLER]}}],
        "to": [{"operation": {"methods": METHODS, "paths": [format!("/api/v1/{resource}/*")]}}],
        "when": [{"key": "request.headers[x-tenant]", "values": TENANTS}],
    })
}

/// One document with these rules.
pub(super) fn configuration(kind: Kind, rules: &Value) -> String {
    envelope(kind, rules).to_string()
}

/// The same, the envelope changed by these fields.
pub(super) fn configuration_with(kind: Kind, rules: &Value, fields: &[(&str, &str)]) -> String {
    let mut envelope = envelope(kind, rules);
    if let Some(object) = envelope.as_object_mut() {
        object.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    }
    envelope.to_string()
}

/// One document with these rules, without its envelope.
pub(super) fn document(kind: Kind, rules: &Value) -> Value {
    let (version, kind) = match kind {
        Kind::Access => ("meshward.io/v1alpha1", "AccessPolicy"),
        Kind::Istio => ("security.istio.io/v1", "AuthorizationPolicy"),
    };
    json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "bench", "namespace": "shop"},
        "spec": {"action": "ALLOW", "rules": rules},
    })
}

fn envelope(kind: Kind, rules: &Value) -> Value {
    json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "PluginConfig",
        "peerVerifiedBy": "transport",
        "documents": [document(kind, rules)],
    })
}

/// One rule that asks for the caller only.
pub(super) fn caller_only() -> Value {
    json!([{"from": [{"source": {"principals": [CALLER]}}]}])
}

/// One rule that asks for method and path only.
pub(super) fn operation_only() -> Value {
    json!([{"to": [{"operation": {"methods": METHODS, "paths": ["/api/v1/refunds/*"]}}]}])
}

/// One rule that asks for the port only.
pub(super) fn port_only(port: u16) -> Value {
    json!([{"to": [{"operation": {"ports": [port.to_string()]}}]}])
}

/// The same ten rules for Envoy's own RBAC filter, as istiod writes them.
pub(super) fn native_rbac() -> Value {
    let policies: serde_json::Map<String, Value> = RESOURCES
        .iter()
        .enumerate()
        .map(|(index, resource)| (format!("ns[shop]-policy[bench]-rule[{index}]"), native_policy(resource)))
        .collect();
    json!({"name": "envoy.filters.http.rbac", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": "ALLOW", "policies": policies},
    }})
}

fn native_policy(resource: &str) -> Value {
    let header =
        |name: &str, value: &str| json!({"header": {"name": name, "string_match": {"exact": value}}});
    let path = json!({"url_path": {"path": {"prefix": format!("/api/v1/{resource}/")}}});
    let caller = json!({"authenticated": {"principal_name": {"exact": format!("spiffe://{CALLER}")}}});
    json!({
        "permissions": [{"and_rules": {"rules": [
            {"or_rules": {"rules": METHODS.map(|method| header(":method", method))}},
            {"or_rules": {"rules": [path]}},
        ]}}],
        "principals": [{"and_ids": {"ids": [
            {"or_ids": {"ids": [caller]}},
            {"or_ids": {"ids": TENANTS.map(|tenant| header("x-tenant", tenant))}},
        ]}}],
    })
}
