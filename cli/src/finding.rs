//! What is wrong with a text, and where.

use std::ops::Range;

use meshward_model::Code;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// It may be meant so, and seldom is.
    Warning,
    /// A plugin refuses it, or lets through what it was meant to refuse.
    Error,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: Code,
    pub(crate) severity: Severity,
    /// Bytes of the text it is about.
    pub(crate) span: Range<usize>,
    /// Where in the document, such as `spec.rules[0].to[0].operation.paths[1]`; empty for the whole.
    pub(crate) path: String,
    /// What is wrong; lower case, no final period.
    pub(crate) message: String,
    /// What to write instead; empty where the message says so.
    pub(crate) help: String,
    /// A second place that belongs to it, and what it is.
    pub(crate) also: Option<(Range<usize>, &'static str)>,
}

impl Finding {
    /// A finding about `span`, as yet without path.
    pub(crate) fn new(
        code: Code,
        severity: Severity,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let (message, help) = (message.into(), help.into());
        Self { code, severity, span, path: String::new(), message, help, also: None }
    }

    /// With another place that belongs to it.
    pub(crate) fn also(mut self, span: Range<usize>, what: &'static str) -> Self {
        self.also = Some((span, what));
        self
    }
}
