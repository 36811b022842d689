//! Fields in the wrong column: to which one they belong.

use super::fields;
use crate::yaml::{Kind, Node, line_and_column};

/// What is known of a field that does not exist where it stands.
pub(super) struct Advice {
    /// Where to move it.
    pub(super) help: String,
    /// The path of a field whose only mistake is that this one is not below it, or of a field that moves along with another.
    pub(super) echo: Option<String>,
}

/// Where the field at the end of `path` belongs; `None` where that cannot be told, or the text is not indented (JSON).
pub(super) fn advice(root: &Node, text: &str, path: &str) -> Option<Advice> {
    let field = root.follow(path).entry?;
    let home = fields::home(&field.key)?;
    let stands = column(text, field.key_span.start)?;
    let parent_path = path.strip_suffix(field.key.as_str())?;
    let parent_path = parent_path.strip_suffix('.').unwrap_or(parent_path);
    let parent = root.follow(parent_path).node;
    let quoted = home.split('`').nth(1).unwrap_or_default();
    if home.starts_with("under ") && parent.entry(quoted).is_some() {
        return level(text, parent, parent_path, &field.key, quoted);
    }
    let container_path = container(parent_path, home, quoted)?;
    let Kind::Map(entries) = &root.follow(container_path).node.kind else { return None };
    let first = entries.first()?;
    let (line, _) = line_and_column(text, first.key_span.start);
    let at = column(text, first.key_span.start)?;
    // A mapping whose first field belongs elsewhere moves as a whole.
    let Kind::Map(beside) = &parent.kind else { return None };
    let leader = beside.first()?;
    if leader.key != field.key && fields::home(&leader.key) == Some(home) {
        return Some(Advice { help: String::new(), echo: Some(path.to_owned()) });
    }
    let help = match (stands.dash, at.dash) {
        (Some(_), Some(dash)) => format!(
            "`{field}` belongs {home}: move `- {field}:` and what is below it to column {dash}, level with `- {}:` in line {line}",
            first.key,
            field = field.key
        ),
        _ => format!(
            "`{field}` belongs {home}: move `{field}:` and what is below it to column {}, level with `{}:` in line {line}",
            at.key,
            first.key,
            field = field.key
        ),
    };
    Some(Advice { help, echo: None })
}

/// A field that stands beside the one it belongs under.
fn level(text: &str, parent: &Node, parent_path: &str, field: &str, holder: &str) -> Option<Advice> {
    let entry = parent.entry(holder)?;
    let inner = match &entry.value.kind {
        Kind::Map(entries) => entries.first().and_then(|first| column(text, first.key_span.start)),
        Kind::Scalar(_) | Kind::List(_) => None,
    };
    let to = match inner {
        Some(inner) => inner.key,
        None => column(text, entry.key_span.start)?.key.saturating_add(2),
    };
    let is_empty = matches!(&entry.value.kind, Kind::Scalar(value) if value.is_null());
    let dot = if parent_path.is_empty() { "" } else { "." };
    Some(Advice {
        help: format!(
            "`{field}` stands level with `{holder}`: move it to column {to}, so that it is under `{holder}`"
        ),
        echo: is_empty.then(|| format!("{parent_path}{dot}{holder}")),
    })
}

/// The path of the mapping above `parent` that the field belongs into.
fn container<'p>(parent: &'p str, home: &str, quoted: &str) -> Option<&'p str> {
    let ends: Vec<usize> = parent.match_indices(['.', '[']).map(|(at, _)| at).filter(|at| *at > 0).collect();
    let mut above = ends.iter().rev().filter_map(|at| parent.get(..*at)).chain([""]);
    if home.starts_with("under ") {
        above.find(|path| path.rsplit('.').next() == Some(quoted))
    } else if quoted.is_empty() {
        // To the document itself, or to the PluginConfig.
        let is_document = |path: &str| {
            path.is_empty()
                || (home.contains("document itself") && path.starts_with("documents[") && !path.contains('.'))
        };
        above.find(|path| is_document(path))
    } else {
        above.find(|path| {
            path.ends_with(']')
                && path.rsplit('.').next().is_some_and(|last| last.split('[').next() == Some(quoted))
        })
    }
}

/// The column of a key that begins its line, and of the dash before it.
struct Column {
    key: usize,
    dash: Option<usize>,
}

fn column(text: &str, at: usize) -> Option<Column> {
    let before = text.get(..at)?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    if !line.bytes().all(|byte| matches!(byte, b' ' | b'-')) {
        return None;
    }
    let dash = line.rfind('-').map(|at| at.saturating_add(1));
    Some(Column { key: line.len().saturating_add(1), dash })
}
