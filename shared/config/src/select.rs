//! Which documents a workload keeps. Only what is kept is read strictly: a broken document stops the workloads that it is for, and no
//! other. Where it cannot be told whom it is for, it stops all that it might be for.

use core::fmt::Arguments;

use meshward_model::{Code, Problem};
use serde_json::value::RawValue;

use crate::own::is_namespace;
use crate::parse::{fault, parse};
use crate::tree::{self, Tree};
use crate::workload::Workload;

/// The most targets of one document; Istio's own limit.
const MAX_TARGETS: usize = 16;

/// The kind of Istio's own that is read.
const ISTIOS: &str = "AuthorizationPolicy";

/// What is read of every document, whoever it is for.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    pub(crate) path: String,
    pub(crate) json: &'a str,
    /// The head alone.
    tree: Tree,
    /// What is wrong with it, so that it cannot be told whom the document is for.
    pub(crate) unclear: Option<Problem>,
}

/// Whom a document is for, within its namespace.
#[derive(Debug)]
pub(crate) enum Choice<'h> {
    /// Workloads that have these labels; none: all.
    Labels(&'h [(String, Tree)]),
    /// These gateways.
    Targets(&'h [Tree]),
}

/// Reads the head of each document.
pub(crate) fn heads(documents: &[Box<RawValue>]) -> impl Iterator<Item = Head<'_>> {
    documents.iter().enumerate().map(|(at, document)| head(format!("documents[{at}]"), document.get()))
}

#[inline(never)]
fn head(path: String, json: &str) -> Head<'_> {
    match parse::<tree::Head>(json, &path) {
        Ok(tree::Head(tree)) => {
            let mut head = Head { path, json, tree, unclear: None };
            head.unclear = head.fault();
            head
        }
        Err(problem) => Head { path, json, tree: Tree::Other, unclear: Some(problem) },
    }
}

impl Head<'_> {
    pub(crate) fn kind(&self) -> Option<&str> {
        self.tree.get("kind")?.text()
    }

    /// Whether the document is of a kind of Istio's own.
    pub(crate) fn is_istios(&self) -> bool {
        self.kind() == Some(ISTIOS)
    }

    /// The namespace, empty where the document names none; `None` where that cannot be read. One that no workload is in, which would be
    /// left out everywhere, cannot.
    pub(crate) fn namespace(&self) -> Option<&str> {
        let namespace = match self.tree.get("metadata") {
            None if self.tree == Tree::Other => None,
            None => Some(""),
            Some(metadata @ Tree::Map(_)) => metadata.get("namespace").map_or(Some(""), Tree::text),
            Some(Tree::Text(_) | Tree::List(_) | Tree::Other) => None,
        };
        namespace.filter(|namespace| is_namespace(namespace))
    }

    /// Whom it is for.
    pub(crate) fn choice(&self) -> Choice<'_> {
        let way = |name: &str| self.tree.get("spec").and_then(|spec| spec.get(name));
        match (way("targetRefs"), way("targetRef")) {
            (Some(Tree::List(targets)), _) if !targets.is_empty() => Choice::Targets(targets),
            (_, Some(target)) => Choice::Targets(core::slice::from_ref(target)),
            _ => {
                let labels = way("selector").and_then(|selector| selector.get("matchLabels"));
                Choice::Labels(labels.map(Tree::fields).unwrap_or_default())
            }
        }
    }

    fn fault(&self) -> Option<Problem> {
        let path = &self.path;
        match (self.namespace(), self.tree.get("metadata")) {
            (Some(_), _) => {}
            (None, None) => return Some(not_a_document(format_args!("{path}"))),
            (None, Some(metadata)) => match metadata.get("namespace").map(Tree::text) {
                Some(Some(namespace)) => {
                    return Some(fault(
                        Code::BadNamespace,
                        format_args!("{path}.metadata.namespace"),
                        format_args!("`{}` is no namespace", namespace.escape_debug()),
                        "use a-z, 0-9, `-` and `.`, as Kubernetes does",
                    ));
                }
                Some(None) => return Some(wrong_type(&format!("{path}.metadata"), "namespace")),
                None => return Some(not_a_document(format_args!("{path}.metadata"))),
            },
        }
        let spec = self.tree.get("spec")?;
        if matches!(spec, Tree::Text(_) | Tree::List(_)) {
            return Some(wrong_type(path, "spec"));
        }
        let (name, value) = match spec.fields() {
            [] => return None,
            [(name, value)] => (name.as_str(), value),
            [(first, _), (second, _), ..] => {
                return Some(fault(
                    Code::BadSelector,
                    format_args!("{path}.spec.{second}"),
                    format_args!("`{second}` beside `{first}`: a document chooses workloads in one way"),
                    "take one of them away",
                ));
            }
        };
        let at = format!("{path}.spec");
        match (name, value) {
            ("selector", value) => selector_fault(&at, value),
            // In Istio's API an empty list is the same as none.
            ("targetRefs", Tree::List(list)) if list.is_empty() && self.is_istios() => None,
            ("targetRefs", Tree::List(list)) if (1..=MAX_TARGETS).contains(&list.len()) => {
                let targets = list.iter().enumerate();
                targets
                    .map(|(index, target)| target_fault(&at, &format!("targetRefs[{index}]"), target))
                    .find_map(|fault| fault)
            }
            ("targetRef", target) => target_fault(&at, name, target),
            (_, Tree::List(_)) => Some(fault(
                Code::BadSelector,
                format_args!("{at}.{name}"),
                format_args!("no target, or more than {MAX_TARGETS}"),
                "name a target, or split the document; without `targetRefs` it is for every workload of its namespace",
            )),
            (_, _) => Some(wrong_type(&at, name)),
        }
    }
}

fn not_a_document(at: Arguments<'_>) -> Problem {
    fault(
        Code::WrongType,
        at,
        format_args!("this is no mapping"),
        "write its fields below it, as in Kubernetes",
    )
}

fn wrong_type(at: &str, name: &str) -> Problem {
    fault(
        Code::WrongType,
        format_args!("{at}.{name}"),
        format_args!("a value of another type than is read here"),
        "namespaces, names and labels are texts: put them in quotes",
    )
}

fn selector_fault(at: &str, selector: &Tree) -> Option<Problem> {
    let Tree::Map(fields) = selector else { return Some(wrong_type(at, "selector")) };
    let (name, value) = fields.first()?;
    if name != "matchLabels" || fields.len() > 1 {
        return Some(fault(
            Code::UnknownField,
            format_args!("{at}.selector"),
            format_args!("a selector has `matchLabels` and nothing else"),
            "list the labels that a workload must have; there are no expressions",
        ));
    }
    if let Some(name) = not_text(value) {
        return Some(wrong_type(at, &format!("selector.matchLabels{name}")));
    }
    let has_star = |text: &str| text.contains('*');
    let bad = |(name, value): &&(String, Tree)| {
        name.is_empty() || has_star(name) || value.text().is_some_and(has_star)
    };
    let (name, value) = value.fields().iter().find(bad)?;
    Some(fault(
        Code::BadSelector,
        format_args!("{at}.selector.matchLabels"),
        format_args!(
            "`{name}: {}`: no workload has such a label, there are no patterns",
            value.text().unwrap_or_default()
        ),
        "write each label in full; without `selector` the document is for every workload of its namespace",
    ))
}

fn target_fault(at: &str, name: &str, target: &Tree) -> Option<Problem> {
    if let Some(field) = not_text(target) {
        return Some(wrong_type(at, &format!("{name}{field}")));
    }
    let known = ["group", "kind", "name", "namespace"];
    let unknown = target.fields().iter().any(|(field, _)| !known.contains(&field.as_str()));
    if !unknown && target.get("kind").is_some() && target.get("name").is_some() {
        return None;
    }
    Some(fault(
        Code::BadSelector,
        format_args!("{at}.{name}"),
        format_args!("a target has `group`, `kind`, `name`, and nothing else"),
        "write all three, as in `{group: gateway.networking.k8s.io, kind: Gateway, name: public}`",
    ))
}

/// What of a mapping of texts is none: a field of it, or, as the empty text, the whole.
pub(crate) fn not_text(value: &Tree) -> Option<String> {
    let Tree::Map(fields) = value else { return Some(String::new()) };
    let (name, _) = fields.iter().find(|(_, value)| value.text().is_none())?;
    Some(format!(".{name}"))
}

/// The documents that `workload` keeps: (path, kind, text), in their order.
///
/// # Errors
/// What is wrong with those of which it cannot be told whether they are for this workload, and with those that are and do not say
/// their kind.
#[inline(never)]
pub(crate) fn select<'a>(
    documents: &'a [Box<RawValue>],
    workload: &Workload<'_>,
) -> Result<Vec<(String, String, &'a str)>, Vec<Problem>> {
    let mut kept = Vec::new();
    let mut problems = Vec::new();
    for head in heads(documents) {
        match workload.keeps(&head) {
            Ok(false) => {}
            Ok(true) => match head.kind().map(str::to_owned) {
                Some(kind) => kept.push((head.path, kind, head.json)),
                None => problems.push(fault(
                    Code::MissingField,
                    format_args!("{}", head.path),
                    format_args!("missing field `kind`"),
                    "",
                )),
            },
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(kept) } else { Err(problems) }
}

#[cfg(test)]
#[path = "select_tests.rs"]
mod tests;
