//! Mistakes of YAML's syntax, in words that help.

use meshward_model::Code;
use saphyr_parser::ScanError;

use crate::finding::{Finding, Severity};

/// The finding for a mistake in `rest`, which begins at byte `start` of `text`.
pub(super) fn finding(text: &str, rest: &str, start: usize, error: &ScanError) -> Finding {
    let index = error.marker().index();
    let at = rest.char_indices().nth(index).map_or(rest.len(), |(at, _)| at);
    let at = start.saturating_add(at).min(text.len());
    let line_start =
        text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at.saturating_add(1));
    let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
    let line_end = line_start.saturating_add(line.len());
    let indent = line.len().saturating_sub(line.trim_start_matches([' ', '\t']).len());
    if let Some(tab) = line.get(..indent).and_then(|indent| indent.find('\t')) {
        let tab = line_start.saturating_add(tab);
        let end = line_start.saturating_add(indent);
        let tabbed = |line: &str| {
            let blank = line.len().saturating_sub(line.trim_start_matches([' ', '\t']).len());
            line.get(..blank).is_some_and(|indent| indent.contains('\t'))
        };
        let first = super::line_and_column(text, line_start).0;
        let lines =
            text.get(line_start..).unwrap_or_default().lines().take_while(|line| tabbed(line)).count();
        let message = if lines > 1 {
            let last = first.saturating_add(lines).saturating_sub(1);
            format!("tabs in the indentation of lines {first}–{last}")
        } else {
            "a tab in the indentation".to_owned()
        };
        return make(Code::YamlTab, tab..end, &message, "indent with spaces: YAML takes no tabs");
    }
    let info = error.info();
    let here = at..line_end.max(at.saturating_add(1)).min(text.len().max(at));
    if info.contains("anchor") || info.contains("alias") {
        let word = text.get(at..).unwrap_or_default();
        let length = word.find([' ', ',', ']', '}', '\n', '\r']).unwrap_or(word.len()).max(1);
        return make(
            Code::YamlAlias,
            at..at.saturating_add(length).min(text.len()),
            "a value that begins with `*` or `&` is a reference in YAML",
            &format!("write `\"{}\"`, in quotes", word.get(..length).unwrap_or("*")),
        );
    }
    let (message, help) = words(info, line);
    make(Code::Syntax, here, &message, help)
}

fn make(code: Code, span: core::ops::Range<usize>, message: &str, help: &str) -> Finding {
    Finding::new(code, Severity::Error, span, message, help)
}

/// The parser's words, and a remedy where one is known.
fn words(info: &str, line: &str) -> (String, &'static str) {
    let help = if line.trim_start().starts_with("{{") || line.contains("{{ ") || line.contains("{{-") {
        "this looks like a template: render it first, as with `helm template … | meshward lint -`"
    } else if info.contains("mapping values are not allowed") {
        "put text with `: ` in it in quotes; else look whether this line is indented too far, or the one before lacks its `:`"
    } else if info.contains("illegal placement of ':'") {
        "a `[`, a `{` or a quote is not closed, in this line or in one above"
    } else if info.contains("expected key") || info.contains("simple key") {
        "this line is indented unlike its neighbours, or lacks a `:`"
    } else if info.contains("'-' indicator")
        || info.contains("block sequence entries")
        || info.contains("\"-\"")
    {
        "entries of a list begin with `- ` in the same column, and a list stands on a line of its own below its key"
    } else if info.contains("',' or") || info.contains("flow") || info.contains("bracket") {
        "a bracket or a comma is missing, or a value with `{`, `}`, `[`, `]` or `,` in it needs quotes"
    } else if info.contains("quoted scalar") {
        "look for a quote that is not closed"
    } else if info.contains("escape") {
        "between double quotes a backslash begins an escape; use single quotes"
    } else if info.contains("unexpected character") || info.contains("unprintable") {
        "put the value in quotes"
    } else {
        ""
    };
    (format!("this is not YAML: {info}"), help)
}
