//! Which forms of matchers the corpus covers, and whether a case would notice that one is wrong.
//!
//! A form is a field of a kind of document and the shape of a value: `AccessPolicy`, `notNamespaces`, prefix. That it is written
//! somewhere proves nothing. So each value of each configuration is replaced by one that matches nothing the cases
//! send, and then by one that matches all of it; the value counts as noticed when some case then goes another way.

use crate::case::{Case, Policy};
use crate::check::differences;
use crate::native::run_case;
use crate::played;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A field of a kind of document, and the shape of a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Form {
    /// The document's kind.
    pub kind: String,
    /// Such as `notPaths`, or `source.principal notValues`; all headers are `request.headers`.
    pub field: String,
    /// The shape of the value.
    pub shape: Shape,
}

/// The shape of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// Itself.
    Exact,
    /// `p*`
    Prefix,
    /// `*s`
    Suffix,
    /// `*`
    Presence,
    /// A path template with `{*}`.
    Segment,
    /// A path template with `{**}`.
    Rest,
    /// A star inside: Istio's namespaces.
    Inner,
}

/// What the cases noticed of a form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Noticed {
    /// Some case goes another way when a value of this form matches nothing.
    pub nothing: bool,
    /// Some case goes another way when a value of this form matches everything.
    pub everything: bool,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.kind, self.field, self.shape)
    }
}

/// Every form that the corpus writes, and whether it is noticed.
pub fn noticed(cases: &[Case]) -> BTreeMap<Form, Noticed> {
    let mut found: BTreeMap<Form, Noticed> = BTreeMap::new();
    let policies: BTreeSet<Arc<Policy>> = cases.iter().map(|case| Arc::clone(&case.policy)).collect();
    for policy in policies {
        let Ok(whole) = serde_json::from_str::<Value>(&policy.json) else { continue };
        let mine: Vec<&Case> = cases.iter().filter(|case| case.policy == policy).collect();
        for (form, place) in values(&whole) {
            let (nothing, everything) = replacements(&form.field);
            let seen = found.entry(form).or_default();
            seen.nothing = seen.nothing || notices(&mine, &whole, &place, nothing);
            seen.everything = seen.everything || notices(&mine, &whole, &place, everything);
        }
    }
    found
}

/// Where a value stands: its list, as a JSON pointer, and its place in the list.
type Place = (String, usize);

fn values(whole: &Value) -> Vec<(Form, Place)> {
    let mut found = Vec::new();
    let documents = whole.get("documents").and_then(Value::as_array);
    for (at, document) in documents.into_iter().flatten().enumerate() {
        let kind = document.get("kind").and_then(Value::as_str).unwrap_or_default();
        collect(
            kind,
            document.get("spec").unwrap_or(&Value::Null),
            &format!("/documents/{at}/spec"),
            &mut found,
        );
    }
    found
}

fn collect(kind: &str, value: &Value, at: &str, found: &mut Vec<(Form, Place)>) {
    match value {
        Value::Object(fields) => {
            let key = fields.get("key").and_then(Value::as_str);
            let key = key.map(|key| key.split('[').next().unwrap_or(key));
            for (name, value) in fields {
                let list = format!("{at}/{name}");
                match value.as_array().filter(|values| values.iter().all(Value::is_string)) {
                    Some(values) => {
                        let field = key.map_or_else(|| name.clone(), |key| format!("{key} {name}"));
                        for (index, value) in values.iter().filter_map(Value::as_str).enumerate() {
                            let shape = shape(&field, value);
                            let form = Form { kind: kind.to_owned(), field: field.clone(), shape };
                            found.push((form, (list.clone(), index)));
                        }
                    }
                    None => collect(kind, value, &list, found),
                }
            }
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                collect(kind, value, &format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn shape(field: &str, value: &str) -> Shape {
    let namespace = field.to_ascii_lowercase().contains("namespace");
    let inner = value.trim_matches('*').contains('*');
    match (value, value.strip_prefix('*'), value.strip_suffix('*')) {
        _ if value.contains("{**}") => Shape::Rest,
        _ if value.contains("{*}") => Shape::Segment,
        ("*", ..) => Shape::Presence,
        _ if namespace && inner => Shape::Inner,
        (_, Some(_), _) => Shape::Suffix,
        (_, None, Some(_)) => Shape::Prefix,
        (_, None, None) => Shape::Exact,
    }
}

/// Values of this field that match nothing, and those that match everything, of what the cases send. A bare `*` is
/// refused in some negative fields, so the names are spelt out.
fn replacements(field: &str) -> (&'static [&'static str], &'static [&'static str]) {
    let field = field.to_ascii_lowercase();
    let has = |word: &str| field.contains(word);
    if has("principal") {
        (&["nowhere.test/ns/none/sa/none"], &["cluster.local/*", "other.test/*"])
    } else if has("namespace") {
        (&["none"], &["shop*", "pay*", "x*"])
    } else if has("serviceaccount") {
        (&["none/none"], &["shop/web", "pay/job"])
    } else if has("trustdomain") {
        (&["nowhere.test"], &["cluster.local", "other.test"])
    } else if has("port") {
        (&["1"], &["8080", "9090"])
    } else if has("path") {
        (&["/none"], &["*"])
    } else if has("method") {
        (&["NONE"], &["*"])
    } else if has("host") {
        (&["nowhere.test"], &["*"])
    } else {
        (&["none-at-all"], &["*"])
    }
}

fn notices(cases: &[&Case], whole: &Value, (list, index): &Place, instead: &[&str]) -> bool {
    let mut other = whole.clone();
    let Some(values) = other.pointer_mut(list).and_then(Value::as_array_mut) else { return false };
    let instead = instead.iter().map(|text| Value::String((*text).to_owned()));
    values.splice(*index..=*index, instead);
    let policy = Arc::new(Policy { name: "replaced".to_owned(), json: other.to_string() });
    cases.iter().any(|case| {
        let case = Case { policy: Arc::clone(&policy), ..(*case).clone() };
        goes_another_way(&case)
    })
}

/// A configuration that is refused is no other way: such a replacement proves nothing.
fn goes_another_way(case: &Case) -> bool {
    let Ok(seen) = run_case(case, played::Form::Apart) else { return false };
    case.steps.iter().zip(seen).any(|(step, seen)| match (step.decided(), seen) {
        (Some(expected), Some(seen)) => !differences(expected, &seen).is_empty(),
        (Some(_) | None, _) => false,
    })
}
