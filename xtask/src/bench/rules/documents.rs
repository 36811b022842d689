//! The rules as documents that our plugin reads.

use serde_json::{Map, Value, json};

use super::shape::{METHODS, Rule};

/// Rules per document: one workload's or team's.
const PER_DOCUMENT: usize = 10;

/// What the documents do with a request that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Allow,
    Deny,
}

/// A rule's name as verdicts have it, in the order of the rules; Envoy evaluates policies in the order of their names.
pub(super) fn name(index: usize) -> String {
    let document = index.checked_div(PER_DOCUMENT).unwrap_or_default();
    let rule = index.checked_rem(PER_DOCUMENT).unwrap_or_default();
    format!("ns[shop]-policy[bench-{document:04}]-rule[{rule}]")
}

/// A configuration with these rules as `AccessPolicy` documents.
pub(super) fn configuration(action: Action, rules: &[Rule]) -> String {
    let documents: Vec<Value> =
        rules.chunks(PER_DOCUMENT).enumerate().map(|(index, rules)| document(action, index, rules)).collect();
    json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "PluginConfig",
        "peerVerifiedBy": "transport",
        "documents": documents,
    })
    .to_string()
}

fn document(action: Action, index: usize, rules: &[Rule]) -> Value {
    let rules: Vec<Value> = rules.iter().map(rule).collect();
    let spec = match action {
        Action::Allow => json!({"action": "ALLOW", "rules": rules}),
        Action::Deny => json!({"action": "DENY", "otherwise": "allow", "rules": rules}),
    };
    json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "AccessPolicy",
        "metadata": {"name": format!("bench-{index:04}"), "namespace": "shop"},
        "spec": spec,
    })
}

fn rule(rule: &Rule) -> Value {
    let one = |name: &str, value: &Option<String>| Some((name.to_owned(), json!([value.as_ref()?])));
    let source: Map<String, Value> = [one("principals", &rule.principal), one("remoteIpBlocks", &rule.block)]
        .into_iter()
        .flatten()
        .collect();
    let operation = [one("hosts", &rule.host), one("paths", &rule.path)].into_iter().flatten();
    let operation: Map<String, Value> = operation.chain([("methods".to_owned(), json!(METHODS))]).collect();
    json!({"from": [{"source": source}], "to": [{"operation": operation}]})
}
