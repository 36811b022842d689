//! Mends what the compiler stumbles over, so that it can go on.

use meshward_model::{Code, Problem};
use serde_json::{Map, Value, json};

/// A configuration that was changed, and what was changed about it.
#[derive(Debug)]
pub(super) struct Mended {
    pub(super) value: Value,
    /// (new path, path in the text) of fields that were given their right name.
    renamed: Vec<(String, String)>,
    /// Paths of what was taken out.
    removed: Vec<String>,
}

impl Mended {
    pub(super) const fn new(value: Value) -> Self {
        Self { value, renamed: Vec::new(), removed: Vec::new() }
    }

    /// The path in the text of what has this path now.
    pub(super) fn original(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for (new, old) in self.renamed.iter().rev() {
            if let Some(rest) = path.strip_prefix(new.as_str()).filter(|rest| is_boundary(rest)) {
                path = format!("{old}{rest}");
            }
        }
        path
    }

    /// Whether a problem is there only because of what was taken out: a field that became empty when its misspelt content went.
    pub(super) fn caused(&self, problem: &Problem) -> bool {
        let by_absence = matches!(
            problem.code,
            Code::EmptySource
                | Code::EmptyOperation
                | Code::EmptyList
                | Code::ConditionWithoutValues
                | Code::DenyWithoutRules
                | Code::NoSpec
                | Code::OtherwiseMissing
                | Code::OtherwiseInAllow
        );
        self.removed.iter().any(|removed| {
            let inside = removed.strip_prefix(problem.path.as_str()).is_some_and(is_boundary);
            (by_absence && (inside || parent(removed) == parent(&problem.path)))
                || (problem.code == Code::MissingField && parent(removed) == problem.path)
        })
    }

    /// Mends one problem; whether there was anything that it could do.
    pub(super) fn mend(&mut self, problem: &Problem) -> bool {
        let path = problem.path.as_str();
        let proposed = problem.help.strip_prefix("did you mean `").and_then(|rest| rest.split('`').next());
        let is = |code| problem.code == code;
        if is(Code::UnknownField) {
            proposed.is_some_and(|name| self.rename(path, name)) || self.remove(path)
        } else if is(Code::UnknownValue) {
            let word = if path == "whenNothingApplies" { Some("deny") } else { proposed };
            word.is_some_and(|word| self.replace(path, |_| Some(json!(word)))) || self.remove(path)
        } else if is(Code::WrongType) {
            self.replace(path, |value| coerced(value, &problem.message)) || self.remove(path)
        } else if is(Code::MissingField) {
            self.supply(path, &problem.message)
        } else if is(Code::NothingVerifiesPeer) {
            self.replace(path, |_| Some(json!("transport")))
        } else if is(Code::UnknownKind) || is(Code::ForeignKind) {
            let document = path.strip_suffix(".kind").unwrap_or(path);
            self.replace(document, |_| Some(harmless(document)))
        } else {
            false
        }
    }

    fn rename(&mut self, path: &str, name: &str) -> bool {
        let Some((Value::Object(map), key)) = holder(&mut self.value, path) else { return false };
        if map.contains_key(name) {
            return false;
        }
        let Some(value) = map.remove(&key) else { return false };
        map.insert(name.to_owned(), value);
        let base = path.strip_suffix(key.as_str()).unwrap_or_default();
        self.renamed.push((format!("{base}{name}"), path.to_owned()));
        true
    }

    fn remove(&mut self, path: &str) -> bool {
        let Some((Value::Object(map), key)) = holder(&mut self.value, path) else { return false };
        let there = map.remove(&key).is_some();
        if there {
            self.removed.push(path.to_owned());
        }
        there
    }

    fn replace(&mut self, path: &str, new: impl FnOnce(&Value) -> Option<Value>) -> bool {
        let Some(value) = value_at(&mut self.value, path) else { return false };
        match new(value) {
            Some(new) if new != *value => {
                *value = new;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Puts in what is missing, as harmlessly as can be.
    fn supply(&mut self, path: &str, message: &str) -> bool {
        let Some(field) = message.split('`').nth(1) else { return false };
        let Some(Value::Object(map)) = value_at(&mut self.value, path) else { return false };
        let kind = map.get("kind").and_then(Value::as_str);
        let value = match (field, kind) {
            ("peerVerifiedBy", _) => json!("transport"),
            ("apiVersion", Some("AuthorizationPolicy")) => json!("security.istio.io/v1"),
            ("apiVersion", _) => json!("meshward.io/v1alpha1"),
            ("kind", _) if path.is_empty() => json!("PluginConfig"),
            ("kind", _) => {
                let filled = harmless(path);
                return self.replace(path, |_| Some(filled));
            }
            ("metadata", _) => json!({"name": stand_in(path)}),
            ("name", _) => json!(stand_in(path)),
            ("source", _) => json!({"namespaces": ["any"]}),
            ("operation", _) => json!({"methods": ["GET"]}),
            ("key", _) => json!("request.headers[x-any]"),
            _ => return false,
        };
        map.insert(field.to_owned(), value);
        true
    }
}

/// A document that refuses and allows nothing and gives no cause for complaints.
fn harmless(path: &str) -> Value {
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": stand_in(path)},
    })
}

fn stand_in(path: &str) -> String {
    let digits: String = path.chars().filter(char::is_ascii_digit).collect();
    format!("stand-in-{digits}")
}

/// The value as the type that the message expects, if it can be that.
fn coerced(value: &Value, message: &str) -> Option<Value> {
    let (_, expected) = message.rsplit_once("expected ")?;
    match (expected, value) {
        ("a string", Value::Number(number)) => Some(json!(number.to_string())),
        ("a string", Value::Bool(word)) => Some(json!(word.to_string())),
        ("a string", Value::Array(values)) => match values.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        },
        ("a list", Value::Null) => None,
        ("a list", other) => Some(json!([other])),
        (_, Value::Array(values)) => match values.as_slice() {
            [only @ Value::Object(_)] => Some(only.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn is_boundary(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['.', '['])
}

fn parent(path: &str) -> &str {
    path.rfind(['.', '[']).and_then(|at| path.get(..at)).unwrap_or_default()
}

/// The mapping that holds the last key of `path`, and that key.
fn holder<'v>(value: &'v mut Value, path: &str) -> Option<(&'v mut Value, String)> {
    let mut at = value;
    let mut rest = path;
    loop {
        match step(at, rest)? {
            (Key::Word(word), "") => return Some((at, word)),
            (Key::Index(_), "") => return None,
            (Key::Word(word), after) => {
                at = at.get_mut(&word)?;
                rest = after;
            }
            (Key::Index(index), after) => {
                at = at.get_mut(index)?;
                rest = after;
            }
        }
    }
}

fn value_at<'v>(value: &'v mut Value, path: &str) -> Option<&'v mut Value> {
    let mut at = value;
    let mut rest = path;
    while !rest.is_empty() {
        let (key, after) = step(at, rest)?;
        at = match key {
            Key::Word(word) => at.get_mut(&word)?,
            Key::Index(index) => at.get_mut(index)?,
        };
        rest = after;
    }
    Some(at)
}

enum Key {
    Word(String),
    Index(usize),
}

/// The first step of a path from `value`, and the rest. Keys may hold dots: the longest that fits is taken.
fn step<'p>(value: &Value, path: &'p str) -> Option<(Key, &'p str)> {
    match value {
        Value::Array(_) => {
            let (index, after) = path.strip_prefix('[')?.split_once(']')?;
            Some((Key::Index(index.parse().ok()?), after))
        }
        Value::Object(map) => word(map, path.strip_prefix('.').unwrap_or(path)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn word<'p>(map: &Map<String, Value>, path: &'p str) -> Option<(Key, &'p str)> {
    map.keys()
        .filter_map(|key| {
            let rest = path.strip_prefix(key.as_str())?;
            is_boundary(rest).then_some((key, rest))
        })
        .max_by_key(|(key, _)| key.len())
        .map(|(key, rest)| (Key::Word(key.clone()), rest))
}
