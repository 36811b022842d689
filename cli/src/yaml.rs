//! YAML to values that know where they stand.
//!
//! The events come from saphyr's parser; what is made of them is ours: a tree with the bytes of every key and value, the traps of
//! YAML as findings, and JSON as a plugin reads it.

mod build;
mod find;
mod node;
mod scalar;
mod syntax;

use std::ops::Range;

use crate::finding::Finding;
pub(crate) use node::{Kind, Node};

/// What a text holds.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// Its documents, without empty ones.
    pub(crate) documents: Vec<Document>,
    /// What cannot be read. A document with a mistake of syntax is not among [`Texts::documents`]; those after it are.
    pub(crate) broken: Vec<Finding>,
}

/// One document of a text.
#[derive(Debug)]
pub(crate) struct Document {
    /// What it says.
    pub(crate) root: Node,
    /// What is odd about its YAML.
    pub(crate) findings: Vec<Finding>,
}

/// Reads all documents of a text, YAML or JSON.
pub(crate) fn read(text: &str) -> Texts {
    let mut texts = Texts::default();
    let mut start = 0;
    while let Some(rest) = text.get(start..) {
        match build::documents(rest, start, &mut texts.documents) {
            Ok(()) => break,
            Err(broken) => {
                texts.broken.push(syntax::finding(text, rest, start, &broken.error));
                // What stands behind the next `---` can be read all the same.
                match text.get(broken.document..).and_then(|rest| rest.find("\n---")) {
                    Some(at) => start = broken.document.saturating_add(at).saturating_add(1),
                    None => break,
                }
            }
        }
    }
    texts
}

/// The line (from 1) and the column (from 1, in characters) of a byte.
pub(crate) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let column = before.get(start..).unwrap_or_default().chars().count().saturating_add(1);
    (line, column)
}

/// The part of `span` on its first line: what is drawn of something that goes on for many lines.
pub(crate) fn first_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let shown = text.get(span.clone()).unwrap_or_default();
    let length = shown.find('\n').unwrap_or(shown.len());
    let length = shown.get(..length).unwrap_or_default().trim_end().len();
    span.start..span.start.saturating_add(length)
}
