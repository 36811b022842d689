//! What a plugin takes and nobody means.

use meshward_model::Code;
use serde_json::{Value, json};

use super::check::problems;
use super::place;
use super::sort::{Unit, join};
use crate::finding::{Finding, Severity};
use crate::yaml::{Kind, Node};

/// The suspicious values of a unit. `text` is the input it stands in.
pub(super) fn findings(unit: &Unit, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    match unit {
        Unit::Config(path, node) => {
            let documents = node.get("documents").map(Node::items).unwrap_or_default();
            for (at, document) in documents.iter().enumerate() {
                suspect(document, &join(path, &format!("documents[{at}]")), text, &mut findings);
            }
        }
        Unit::Bare(documents) => {
            documents.iter().for_each(|(path, node)| suspect(node, path, text, &mut findings));
        }
    }
    findings
}

fn suspect(document: &Node, path: &str, text: &str, findings: &mut Vec<Finding>) {
    walk(document, path, findings);
    if document.text("kind") == Some("AuthorizationPolicy") {
        in_strict_eyes(document, path, text, findings);
    }
}

/// What an AccessPolicy with the same rules would be refused for: Istio takes values as they stand that no request has.
fn in_strict_eyes(document: &Node, path: &str, text: &str, findings: &mut Vec<Finding>) {
    let spec = document.get("spec").map_or_else(|| json!({}), Node::to_json);
    let strict = json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "AccessPolicy",
        "metadata": {"name": "strict", "namespace": "any"},
        "spec": {"rules": spec.get("rules").cloned().unwrap_or_else(|| json!([]))},
    });
    let config = json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "PluginConfig",
        "peerVerifiedBy": "transport",
        "documents": [strict],
    });
    for problem in problems(&config) {
        // In a namespace, Istio's star may stand anywhere.
        let star = problem.path.contains(".operation.") || problem.path.contains("rincipals");
        let telling = matches!(
            problem.code,
            Code::BadMethod | Code::ImpossibleHost | Code::ImpossibleNamespace | Code::BadPrincipal
        ) || (problem.code == Code::StarInside && star)
            || (problem.code == Code::ImpossiblePath && problem.help.starts_with("write `/"));
        let Some(rest) = problem.path.strip_prefix("documents[0].").filter(|_| telling) else { continue };
        let message =
            format!("Istio takes this as it stands, and hardly any request has it: {}", problem.message);
        let span = place::of(document, text, rest, problem.code);
        let mut finding = Finding::new(Code::IstioTakesIt, Severity::Warning, span, message, problem.help);
        finding.path = join(path, rest);
        findings.push(finding);
    }
}

fn walk(node: &Node, path: &str, findings: &mut Vec<Finding>) {
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{at}]"), findings);
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                let path = join(path, &entry.key);
                match entry.key.as_str() {
                    "paths" | "notPaths" => each(&entry.value, &path, findings, regex),
                    "principals" | "notPrincipals" => each(&entry.value, &path, findings, scheme),
                    _ => walk(&entry.value, &path, findings),
                }
            }
        }
    }
}

/// What is suspicious about a value: code, message, help.
type Suspicion = (Code, String, String);

fn each(list: &Node, path: &str, findings: &mut Vec<Finding>, suspicion: fn(&str) -> Option<Suspicion>) {
    for (at, item) in list.items().iter().enumerate() {
        let Kind::Scalar(Value::String(value)) = &item.kind else { continue };
        let Some((code, message, help)) = suspicion(value) else { continue };
        let mut finding = Finding::new(code, Severity::Warning, item.span.clone(), message, help);
        finding.path = format!("{path}[{at}]");
        findings.push(finding);
    }
}

fn regex(path: &str) -> Option<Suspicion> {
    const MARKS: [&str; 8] = [".*", ".+", "\\d", "\\w", "[0-9", "[a-z", "[^", "(?"];
    let is_regex = path.starts_with('^') || MARKS.iter().any(|mark| path.contains(mark));
    is_regex.then(|| {
        (
            Code::LooksLikeRegex,
            format!("`{path}` looks like a regular expression, and is taken as it stands"),
            "write `/prefix/*`, or `{*}` for one segment and `{**}` for any rest".to_owned(),
        )
    })
}

/// An AccessPolicy does without the scheme; Istio puts another before it, so that nobody has the name.
fn scheme(principal: &str) -> Option<Suspicion> {
    let plain = principal.strip_prefix("spiffe://")?;
    Some((
        Code::PrincipalWithScheme,
        format!("`{principal}` names nobody to Istio, which puts `spiffe://` before it itself"),
        format!("write `{plain}`"),
    ))
}
