//! The rules for Envoy's own RBAC filter, as istiod translates them (`pilot/pkg/security/authz/model` and `…/matcher`; golden files in
//! `…/builder/testdata/http`).

use serde_json::{Map, Value, json};

use super::documents::{self, Action};
use super::shape::{METHODS, Rule};

/// The filter with these rules.
pub(super) fn filter(action: Action, rules: &[Rule]) -> Value {
    let policies: Map<String, Value> =
        rules.iter().enumerate().map(|(index, rule)| (documents::name(index), policy(rule))).collect();
    let action = match action {
        Action::Allow => "ALLOW",
        Action::Deny => "DENY",
    };
    json!({"name": "envoy.filters.http.rbac", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": action, "policies": policies},
    }})
}

fn policy(rule: &Rule) -> Value {
    let methods: Vec<Value> = METHODS.iter().map(|method| header(":method", method, false)).collect();
    let any_rule = |rules: Vec<Value>| json!({"or_rules": {"rules": rules}});
    let host = rule.host.iter().map(|host| any_rule(vec![header(":authority", host, true)]));
    let path = rule.path.iter().map(|path| any_rule(vec![url_path(path)]));
    let permissions: Vec<Value> = host.chain([any_rule(methods)]).chain(path).collect();
    let any_id = |id: Value| json!({"or_ids": {"ids": [id]}});
    let caller = rule.principal.iter().map(|principal| any_id(authenticated(principal)));
    let address = rule.block.iter().filter_map(|block| Some(any_id(remote_ip(block)?)));
    let principals: Vec<Value> = caller.chain(address).collect();
    json!({
        "permissions": [{"and_rules": {"rules": permissions}}],
        "principals": [{"and_ids": {"ids": principals}}],
    })
}

/// Exact, `prefix*`, `*suffix`.
fn text(value: &str) -> Value {
    match (value.strip_prefix('*'), value.strip_suffix('*')) {
        (Some(suffix), _) => json!({"suffix": suffix}),
        (None, Some(prefix)) => json!({"prefix": prefix}),
        (None, None) => json!({"exact": value}),
    }
}

fn header(name: &str, value: &str, ignore_case: bool) -> Value {
    let mut matcher = text(value);
    if let (true, Some(fields)) = (ignore_case, matcher.as_object_mut()) {
        fields.insert("ignore_case".to_owned(), json!(true));
    }
    json!({"header": {"name": name, "string_match": matcher}})
}

fn url_path(path: &str) -> Value {
    if path.contains('{') {
        let template = path.replace("{**}", "**").replace("{*}", "*");
        return json!({"uri_template": {"name": "uri-template", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
            "path_template": template,
        }}});
    }
    json!({"url_path": {"path": text(path)}})
}

/// A suffix is a regular expression: what stands before it begins with the scheme.
fn authenticated(principal: &str) -> Value {
    let name = match principal.strip_prefix('*') {
        Some(suffix) => {
            json!({"safe_regex": {"regex": format!("spiffe://.*{}", suffix.replace('.', "\\."))}})
        }
        None => text(&format!("spiffe://{principal}")),
    };
    json!({"authenticated": {"principal_name": name}})
}

fn remote_ip(block: &str) -> Option<Value> {
    let (address, length) = block.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    Some(json!({"remote_ip": {"address_prefix": address, "prefix_len": length}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_a_value_becomes_what_istiod_makes_of_it() {
        assert_eq!(
            authenticated("td/ns/a/sa/b"),
            json!({"authenticated": {"principal_name": {"exact": "spiffe://td/ns/a/sa/b"}}})
        );
        assert_eq!(
            authenticated("td/ns/a/*"),
            json!({"authenticated": {"principal_name": {"prefix": "spiffe://td/ns/a/"}}})
        );
        assert_eq!(
            authenticated("*/sa/b"),
            json!({"authenticated": {"principal_name": {"safe_regex": {"regex": "spiffe://.*/sa/b"}}}})
        );
        assert_eq!(
            header(":authority", "*.example", true),
            json!({"header": {"name": ":authority", "string_match": {"suffix": ".example", "ignore_case": true}}})
        );
        assert_eq!(url_path("/a/*"), json!({"url_path": {"path": {"prefix": "/a/"}}}));
        let template = url_path("/a/{*}/b/{**}");
        assert_eq!(template.pointer("/uri_template/typed_config/path_template"), Some(&json!("/a/*/b/**")));
        assert_eq!(
            remote_ip("10.1.0.0/16"),
            Some(json!({"remote_ip": {"address_prefix": "10.1.0.0", "prefix_len": 16}}))
        );
    }
}
