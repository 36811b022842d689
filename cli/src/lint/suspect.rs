//! What a plugin takes and nobody means.

use meshward_model::Code;
use serde_json::{Value, json};

use super::check::problems;
use super::sort::{Unit, join};
use super::{place, regex};
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
    let is_istio = document.text("kind") == Some("AuthorizationPolicy");
    let action = document.get("spec").and_then(|spec| spec.text("action"));
    let denies = action.is_some_and(|action| action.eq_ignore_ascii_case("DENY"));
    walk(document, path, Eyes { is_istio, denies }, findings);
    if is_istio {
        in_strict_eyes(document, path, text, denies, findings);
    }
}

/// What kind of document it is.
#[derive(Clone, Copy)]
struct Eyes {
    is_istio: bool,
    denies: bool,
}

/// A value that matches nothing does no harm where it was to let somebody in. Where it was to keep somebody out, in a DENY rule or
/// behind `not`, it is a gap.
fn severity(denies: bool, field: &str) -> Severity {
    if denies == field.starts_with("not") { Severity::Warning } else { Severity::Error }
}

/// What an AccessPolicy with the same rules would be refused for: Istio takes values as they stand that no request has.
fn in_strict_eyes(document: &Node, path: &str, text: &str, denies: bool, findings: &mut Vec<Finding>) {
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
        "claims": {"from": "handover"},
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
        let severity = severity(denies, rest.rsplit('.').next().unwrap_or_default());
        let what = match severity {
            Severity::Warning => "hardly any request has it",
            Severity::Error => "what was to be kept out is let in",
        };
        let message = format!("Istio takes this as it stands, and {what}: {}", problem.message);
        let span = place::of(document, text, rest, problem.code);
        let mut finding = Finding::new(Code::IstioTakesIt, severity, span, message, problem.help);
        finding.path = join(path, rest);
        findings.push(finding);
    }
}

fn walk(node: &Node, path: &str, eyes: Eyes, findings: &mut Vec<Finding>) {
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{path}[{at}]"), eyes, findings);
            }
        }
        Kind::Map(entries) => {
            for entry in entries {
                let path = join(path, &entry.key);
                let severity = severity(eyes.denies, &entry.key);
                match entry.key.as_str() {
                    "paths" | "notPaths" => {
                        each(&entry.value, &path, findings, |value| regex_in(value, severity));
                    }
                    "principals" | "notPrincipals" => {
                        let severity = if eyes.is_istio { severity } else { Severity::Warning };
                        each(&entry.value, &path, findings, |value| scheme(value, severity));
                    }
                    _ => walk(&entry.value, &path, eyes, findings),
                }
            }
        }
    }
}

/// What is suspicious about a value: code, how bad it is, message, help.
type Suspicion = (Code, Severity, String, String);

fn each(list: &Node, path: &str, findings: &mut Vec<Finding>, suspicion: impl Fn(&str) -> Option<Suspicion>) {
    for (at, item) in list.items().iter().enumerate() {
        let Kind::Scalar(Value::String(value)) = &item.kind else { continue };
        let Some((code, severity, message, help)) = suspicion(value) else { continue };
        let mut finding = Finding::new(code, severity, item.span.clone(), message, help);
        finding.path = format!("{path}[{at}]");
        findings.push(finding);
    }
}

fn regex_in(path: &str, severity: Severity) -> Option<Suspicion> {
    let gap = match severity {
        Severity::Warning => "",
        Severity::Error => ": what was to be kept out is let in",
    };
    regex::looks_like(path).then(|| {
        let message = format!("`{path}` looks like a regular expression, and is taken as it stands{gap}");
        (Code::LooksLikeRegex, severity, message, regex::remedy(path))
    })
}

/// An AccessPolicy does without the scheme; Istio puts another before it, so that nobody has the name.
fn scheme(principal: &str, severity: Severity) -> Option<Suspicion> {
    let plain = principal.strip_prefix("spiffe://")?;
    let gap = match severity {
        Severity::Warning => "",
        Severity::Error => ": whoever was to be kept out is let in",
    };
    Some((
        Code::PrincipalWithScheme,
        severity,
        format!("`{principal}` names nobody to Istio, which puts `spiffe://` before it itself{gap}"),
        format!("write `{plain}`"),
    ))
}
