//! What a plugin takes and nobody means.

use meshward_model::Code;
use serde_json::Value;

use super::sort::{Unit, join};
use crate::finding::{Finding, Severity};
use crate::yaml::{Kind, Node};

/// The suspicious values of a unit.
pub(super) fn findings(unit: &Unit) -> Vec<Finding> {
    let mut findings = Vec::new();
    match unit {
        Unit::Config(path, node) => walk(node, path, &mut findings),
        Unit::Bare(documents) => documents.iter().for_each(|(path, node)| walk(node, path, &mut findings)),
    }
    findings
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
                if entry.key == "paths" || entry.key == "notPaths" {
                    paths(&entry.value, &path, findings);
                } else {
                    walk(&entry.value, &path, findings);
                }
            }
        }
    }
}

fn paths(list: &Node, path: &str, findings: &mut Vec<Finding>) {
    for (at, item) in list.items().iter().enumerate() {
        let Kind::Scalar(Value::String(value)) = &item.kind else { continue };
        if !is_regex(value) {
            continue;
        }
        let mut finding = Finding::new(
            Code::LooksLikeRegex,
            Severity::Warning,
            item.span.clone(),
            format!("`{value}` looks like a regular expression, and is taken as it stands"),
            "write `/prefix/*`, or `{*}` for one segment and `{**}` for any rest",
        );
        finding.path = format!("{path}[{at}]");
        findings.push(finding);
    }
}

fn is_regex(path: &str) -> bool {
    const MARKS: [&str; 8] = [".*", ".+", "\\d", "\\w", "[0-9", "[a-z", "[^", "(?"];
    path.starts_with('^') || MARKS.iter().any(|mark| path.contains(mark))
}
