//! Findings as one JSON object, for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::Checked;
use crate::console::Console;
use crate::finding::{Finding, Severity};
use crate::yaml::line_and_column;

#[derive(Serialize)]
struct Report<'a> {
    findings: Vec<Item<'a>>,
    documents: usize,
    skipped: Vec<Skipped<'a>>,
    /// Files that `--exclude` left out.
    excluded: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    code: String,
    title: &'static str,
    severity: &'static str,
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    path: &'a str,
    message: &'a str,
    help: &'a str,
}

#[derive(Serialize)]
struct Skipped<'a> {
    file: &'a str,
    what: &'a str,
}

pub(super) fn write(checked: &[Checked], excluded: &[String], console: &mut Console) -> io::Result<()> {
    let report = Report {
        findings: checked
            .iter()
            .flat_map(|one| one.findings.iter().map(|finding| item(one, finding)))
            .collect(),
        documents: checked.iter().map(|one| one.policies).sum(),
        skipped: checked
            .iter()
            .flat_map(|one| one.skipped.iter().map(|what| Skipped { file: &one.input.name, what }))
            .collect(),
        excluded,
    };
    serde_json::to_writer_pretty(console.out(), &report)?;
    writeln!(console.out())
}

fn item<'a>(one: &'a Checked, finding: &'a Finding) -> Item<'a> {
    let (line, column) = line_and_column(&one.input.text, finding.span.start);
    let (end_line, end_column) = line_and_column(&one.input.text, finding.span.end);
    Item {
        code: finding.code.to_string(),
        title: finding.code.title(),
        severity: word(finding.severity),
        file: &one.input.name,
        line,
        column,
        end_line,
        end_column,
        path: &finding.path,
        message: &finding.message,
        help: &finding.help,
    }
}

/// The word for a severity, in JSON, SARIF and GitHub's commands alike.
pub(super) const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
