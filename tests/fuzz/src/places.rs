//! Where in a configuration a problem is: its path must lead somewhere.

use serde_json::Value;

/// Whether the path, but for its last step, leads to something in the text: the last may be what is missing.
pub(crate) fn leads_somewhere(whole: &Value, path: &str) -> bool {
    path.is_empty() || leads(whole, path)
}

/// A name as problems tell it.
fn told(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

/// Tries every name that the path may begin with: names hold dots and brackets, too.
fn leads(value: &Value, path: &str) -> bool {
    match value {
        Value::Object(members) => {
            let rest = path.strip_prefix('.').unwrap_or(path);
            let missing = !rest.is_empty() && !rest.contains(['.', '[']);
            missing
                || members.iter().any(|(name, member)| {
                    let after = rest.strip_prefix(&*told(name));
                    after.is_some_and(|after| after.is_empty() || leads(member, after))
                })
        }
        Value::Array(entries) => {
            let Some((index, after)) = path.strip_prefix('[').and_then(|rest| rest.split_once(']')) else {
                return false;
            };
            let at: Option<usize> = index.parse().ok();
            let entry = at.and_then(|at| entries.get(at));
            entry.map_or(after.is_empty() && at == Some(entries.len()), |entry| {
                after.is_empty() || leads(entry, after)
            })
        }
        // A set of keys is JSON in a string.
        Value::String(text) => serde_json::from_str::<Value>(text).is_ok_and(|inner| leads(&inner, path)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
