//! Findings for people: the place, drawn, what is wrong, and what to write instead.

use std::fmt;
use std::io::{self, Write};

use meshward_model::Code;
use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, SourceSpan,
};

use super::Checked;
use crate::console::Console;
use crate::finding::{Finding, Severity};

/// The width that text is wrapped at.
const WIDTH: usize = 110;

pub(super) fn write(checked: &[Checked], console: &mut Console) -> io::Result<()> {
    let theme = if console.colored() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(WIDTH)
        .with_context_lines(1)
        .with_links(false)
        .with_break_words(false);
    for one in checked.iter().filter(|one| !one.findings.is_empty()) {
        let source = NamedSource::new(&one.input.name, one.input.text.clone());
        for finding in &one.findings {
            let mut drawn = String::new();
            let report = Drawn { finding, source: &source };
            handler.render_report(&mut drawn, &report).map_err(io::Error::other)?;
            // The drawing pads lines to the width.
            for line in drawn.lines() {
                writeln!(console.out(), "{}", line.trim_end())?;
            }
            writeln!(console.out())?;
        }
    }
    Ok(())
}

struct Drawn<'a> {
    finding: &'a Finding,
    source: &'a NamedSource<String>,
}

impl fmt::Debug for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.finding, f)
    }
}

impl fmt::Display for Drawn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl core::error::Error for Drawn<'_> {}

impl Diagnostic for Drawn<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let severity = match self.finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Some(Box::new(format!("{severity}[{}]", self.finding.code)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        if self.finding.help.is_empty() { None } else { Some(Box::new(&self.finding.help)) }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let path = match (self.finding.path.as_str(), self.finding.code) {
            ("", Code::MissingField) => Some("missing in this mapping".to_owned()),
            (path, Code::MissingField) => Some(format!("{path}: missing in this mapping")),
            ("", _) => None,
            (path, _) => Some(path.to_owned()),
        };
        let first = LabeledSpan::new_primary_with_span(path, SourceSpan::from(self.finding.span.clone()));
        let also = self
            .finding
            .also
            .iter()
            .map(|(span, what)| LabeledSpan::new_with_span(Some((*what).to_owned()), span.clone()));
        Some(Box::new(core::iter::once(first).chain(also)))
    }
}
