//! Events to values.

use std::collections::BTreeMap;
use std::ops::Range;

use meshward_model::Code;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};
use serde_json::Value;

use super::node::{Entry, Kind, Node};
use super::{Document, scalar};
use crate::finding::{Finding, Severity};

/// The most values of one text, aliases written out: an alias of aliases of aliases may stand for billions.
const MAX_VALUES: usize = 1_000_000;

/// How deep values may be nested; serde_json's own limit.
const MAX_DEPTH: usize = 128;

/// Reads the documents of `text`, which begins at byte `start` of the file, up to the first mistake of syntax.
pub(super) fn documents(text: &str, start: usize, into: &mut Vec<Document>) -> Result<(), Broken> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        bytes: Bytes::new(text, start),
        anchors: BTreeMap::new(),
        findings: Vec::new(),
        path: Vec::new(),
        values: 0,
    };
    let mut document = start;
    loop {
        match builder.document(&mut document) {
            Ok(Some(read)) => into.extend(read),
            Ok(None) => return Ok(()),
            Err(error) => return Err(Broken { error, document }),
        }
    }
}

/// A mistake of syntax, and the byte of the file at which its document begins.
pub(super) struct Broken {
    pub(super) error: ScanError,
    pub(super) document: usize,
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    bytes: Bytes<'a>,
    anchors: BTreeMap<usize, Node>,
    findings: Vec<Finding>,
    /// The way to the value that is being read.
    path: Vec<Step>,
    values: usize,
}

enum Step {
    Key(String),
    Index(usize),
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), ScanError> {
        self.parser
            .next_event()
            .unwrap_or_else(|| Ok((Event::StreamEnd, Span::empty(saphyr_parser::Marker::new(0, 1, 0)))))
    }

    /// The next document, if any; `None` at the end of the text, no document for an empty one.
    fn document(&mut self, begins: &mut usize) -> Result<Option<Option<Document>>, ScanError> {
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::StreamEnd) {
                return Ok(None);
            }
            if matches!(event, Event::DocumentStart(_)) {
                *begins = self.bytes.range(&span).start;
                self.anchors.clear();
                let event = self.next()?;
                let root = self.node(event, 0)?;
                let findings = core::mem::take(&mut self.findings);
                // A comment between two `---` is a document of nothing.
                let empty = matches!(root.kind, Kind::Scalar(Value::Null));
                return Ok(Some((!empty).then_some(Document { root, findings })));
            }
        }
    }

    fn found(&mut self, mut finding: Finding) {
        for step in &self.path {
            match step {
                Step::Key(key) if finding.path.is_empty() => finding.path.push_str(key),
                Step::Key(key) => {
                    finding.path.push('.');
                    finding.path.push_str(key);
                }
                Step::Index(index) => finding.path.push_str(&format!("[{index}]")),
            }
        }
        self.findings.push(finding);
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Result<Node, ScanError> {
        self.values = self.values.saturating_add(1);
        if self.values > MAX_VALUES || depth > MAX_DEPTH {
            let message = format!("more than {MAX_VALUES} values or {MAX_DEPTH} levels, which are not read");
            return Err(ScanError::new(span.start, message));
        }
        let bytes = self.bytes.range(&span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = if let Some(tag) = tag {
                    self.tagged(&bytes, &tag.to_string());
                    Kind::Scalar(Value::String(text.into_owned()))
                } else if style == ScalarStyle::Plain {
                    self.plain(&bytes, &text)
                } else {
                    Kind::Scalar(Value::String(text.into_owned()))
                };
                Ok(self.keep(anchor, Node { span: bytes, kind }))
            }
            Event::SequenceStart(anchor, _) => {
                let (nodes, end) = self.list(depth)?;
                Ok(self.keep(anchor, Node { span: bytes.start..end, kind: Kind::List(nodes) }))
            }
            Event::MappingStart(anchor, _) => {
                let (entries, end) = self.map(depth)?;
                Ok(self.keep(anchor, Node { span: bytes.start..end, kind: Kind::Map(entries) }))
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(ScanError::new_str(span.start, "while parsing node, found unknown anchor"));
                };
                self.values = self.values.saturating_add(count(node));
                Ok(Node { span: bytes, kind: node.kind.clone() })
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => Ok(Node { span: bytes, kind: Kind::Scalar(Value::Null) }),
        }
    }

    fn keep(&mut self, anchor: usize, node: Node) -> Node {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn plain(&mut self, bytes: &Range<usize>, text: &str) -> Kind {
        if let Some(other) = scalar::trap(text) {
            self.found(Finding::new(
                Code::YamlNotAString,
                Severity::Warning,
                bytes.clone(),
                format!("`{text}` without quotes is {other} to many readers of YAML, kubectl's among them"),
                format!("write `\"{text}\"`"),
            ));
        }
        Kind::Scalar(scalar::resolve(text))
    }

    fn tagged(&mut self, bytes: &Range<usize>, tag: &str) {
        self.found(Finding::new(
            Code::YamlUnsupported,
            Severity::Error,
            bytes.clone(),
            format!("a YAML tag, `{tag}`"),
            "leave the tag out; write text in quotes",
        ));
    }

    fn list(&mut self, depth: usize) -> Result<(Vec<Node>, usize), ScanError> {
        let mut nodes: Vec<Node> = Vec::new();
        loop {
            let event = self.next()?;
            if matches!(event.0, Event::SequenceEnd) {
                let last = nodes.last().map_or(0, |node| node.span.end);
                return Ok((nodes, self.bytes.range(&event.1).end.max(last)));
            }
            self.path.push(Step::Index(nodes.len()));
            nodes.push(self.node(event, depth.saturating_add(1))?);
            self.path.pop();
        }
    }

    fn map(&mut self, depth: usize) -> Result<(Vec<Entry>, usize), ScanError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: BTreeMap<String, Range<usize>> = BTreeMap::new();
        loop {
            let event = self.next()?;
            if matches!(event.0, Event::MappingEnd) {
                let last = entries.last().map_or(0, |entry| entry.value.span.end);
                return Ok((entries, self.bytes.range(&event.1).end.max(last)));
            }
            let key = self.key(event, depth)?;
            let event = self.next()?;
            self.path.push(Step::Key(key.as_ref().map(|(key, _)| key.clone()).unwrap_or_default()));
            let value = self.node(event, depth.saturating_add(1))?;
            if let Some((key, key_span)) = key
                && self.is_new(&mut seen, &key, &key_span)
            {
                entries.push(Entry { key, key_span, value });
            }
            self.path.pop();
        }
    }

    /// The text of a key; `None` for one that JSON has no word for.
    fn key(
        &mut self,
        event: (Event<'a>, Span),
        depth: usize,
    ) -> Result<Option<(String, Range<usize>)>, ScanError> {
        if let (Event::Scalar(text, _, _, _), span) = &event {
            return Ok(Some((text.to_string(), self.bytes.range(span))));
        }
        let node = self.node(event, depth.saturating_add(1))?;
        self.found(Finding::new(
            Code::YamlUnsupported,
            Severity::Error,
            node.span,
            "a key that is no word",
            "put quotes around braces that are text; if this is a template, render it first: `helm template … | meshward lint -`",
        ));
        Ok(None)
    }

    /// Whether a key is one to keep: no merge key, and not there already.
    fn is_new(&mut self, seen: &mut BTreeMap<String, Range<usize>>, key: &str, span: &Range<usize>) -> bool {
        if key == "<<" {
            self.found(Finding::new(
                Code::YamlUnsupported,
                Severity::Error,
                span.clone(),
                "a merge key, `<<`",
                "write the fields out: YAML 1.2 has no merge keys, and readers differ in what they do with them",
            ));
            return false;
        }
        let Some(first) = seen.get(key) else {
            seen.insert(key.to_owned(), span.clone());
            return true;
        };
        let finding = Finding::new(
            Code::DoubledField,
            Severity::Error,
            span.clone(),
            format!("`{key}` stands twice in the same mapping"),
            match key {
                "from" | "to" | "when" => format!(
                    "put all entries under one `{key}:`, or begin a second rule with `- {key}:` where one rule OR the other shall match"
                ),
                "source" | "operation" => format!(
                    "keep one of them, or begin a second entry with `- {key}:` where one OR the other shall match"
                ),
                _ => "keep one of them; put all values into one list where both are meant".to_owned(),
            },
        );
        self.found(finding.also(first.clone(), "first here"));
        false
    }
}

fn count(node: &Node) -> usize {
    let below: usize = match &node.kind {
        Kind::Scalar(_) => 0,
        Kind::List(nodes) => nodes.iter().map(count).fold(0, usize::saturating_add),
        Kind::Map(entries) => entries.iter().map(|entry| count(&entry.value)).fold(0, usize::saturating_add),
    };
    below.saturating_add(1)
}

/// From places in characters, as the parser counts, to places in bytes of the file.
struct Bytes<'a> {
    text: &'a str,
    start: usize,
    /// The byte of each character; empty where all characters are bytes.
    of: Vec<usize>,
}

impl<'a> Bytes<'a> {
    fn new(text: &'a str, start: usize) -> Self {
        let of = if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        Self { text, start, of }
    }

    fn at(&self, character: usize) -> usize {
        if self.of.is_empty() {
            return character.min(self.text.len());
        }
        self.of.get(character).copied().unwrap_or(self.text.len())
    }

    /// In the file, without white space at the end.
    fn range(&self, span: &Span) -> Range<usize> {
        let (start, end) = (self.at(span.start.index()), self.at(span.end.index()));
        let shown = self.text.get(start..end).unwrap_or_default();
        let end = start.saturating_add(shown.trim_end().len());
        self.start.saturating_add(start)..self.start.saturating_add(end)
    }
}
