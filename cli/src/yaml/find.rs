//! From a path, as a problem names it, to its place in the text.

use std::ops::Range;

use super::node::{Entry, Kind, Node};

/// What a path leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    /// The last key on the way, if any.
    pub(crate) entry: Option<&'a Entry>,
    /// The value.
    pub(crate) node: &'a Node,
    /// Whether the whole path led somewhere; if not, this is how far it went.
    pub(crate) whole: bool,
}

impl Node {
    /// Follows a path such as `spec.rules[0].from`. Keys may hold dots themselves: the longest that fits is taken.
    pub(crate) fn follow(&self, path: &str) -> Found<'_> {
        let mut found = Found { entry: None, node: self, whole: true };
        let mut rest = path;
        while !rest.is_empty() {
            match step(found.node, rest) {
                Some((entry, node, after)) => {
                    found = Found { entry, node, whole: true };
                    rest = after;
                }
                None => return Found { whole: false, ..found },
            }
        }
        found
    }
}

type Step<'a, 'p> = (Option<&'a Entry>, &'a Node, &'p str);

fn step<'a, 'p>(node: &'a Node, path: &'p str) -> Option<Step<'a, 'p>> {
    match &node.kind {
        Kind::Scalar(_) => None,
        Kind::List(nodes) => {
            let (index, after) = path.strip_prefix('[')?.split_once(']')?;
            let node = nodes.get(index.parse::<usize>().ok()?)?;
            Some((None, node, after))
        }
        Kind::Map(entries) => {
            let path = path.strip_prefix('.').unwrap_or(path);
            entries
                .iter()
                .filter_map(|entry| Some((entry, after(path, &entry.key)?)))
                .max_by_key(|(entry, _)| entry.key.len())
                .map(|(entry, after)| (Some(entry), &entry.value, after))
        }
    }
}

/// What comes after `key` on the path. A path has keys as JSON writes them.
fn after<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let escaped = serde_json::to_string(key).unwrap_or_default();
    let escaped = escaped.trim_matches('"');
    [key, escaped]
        .into_iter()
        .filter_map(|key| path.strip_prefix(key))
        .find(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

impl Found<'_> {
    /// The bytes to point at: the key for what is wrong with a field as a whole, else the value, and for a value of many lines the
    /// key it belongs to, or its beginning.
    pub(crate) fn place(&self, text: &str, at_key: bool) -> Range<usize> {
        let span = &self.node.span;
        let many_lines = text.get(span.clone()).is_some_and(|shown| shown.contains('\n'));
        match self.entry {
            Some(entry) if at_key || many_lines || span.is_empty() => entry.key_span.clone(),
            Some(_) => span.clone(),
            None if many_lines => super::first_line(text, span),
            None => span.clone(),
        }
    }
}
