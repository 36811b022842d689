//! The table: who calls whom, what, what was expected, what came, what decided.

use anstyle::{AnsiColor, Style};

use super::play::{Played, Row};
use super::script::Outcome;

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = AnsiColor::BrightBlack.on_default();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const REFUSED: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Prints all scenes.
pub(super) fn print(scenes: &[Played]) {
    let rows = || scenes.iter().flat_map(|scene| &scene.rows);
    let widest = |cell: fn(&Row) -> String| rows().map(|row| cell(row).chars().count()).max().unwrap_or(0);
    let what = widest(|row| row.call.what());
    let by = widest(|row| row.evidence.decided_by.clone());
    anstream::println!(
        "\n{BOLD}  #       who → whom      {:<10}  {:<what$}  expected  got     {:<by$}{BOLD:#}",
        "how",
        "what",
        "decided by"
    );
    for scene in scenes {
        anstream::println!("\n{DIM}    {}{DIM:#}", scene.title);
        for row in &scene.rows {
            print_row(row, what, by);
        }
    }
}

fn print_row(row: &Row, what: usize, by: usize) {
    let call = &row.call;
    let good = row.is_as_expected();
    let (style, mark) = if good { (GOOD, "✓") } else { (BAD, "✗") };
    let rest = if good { Style::new() } else { BAD };
    let got_style = match (good, &row.made.got) {
        (false, _) => BAD,
        (true, Ok(Outcome::Reached)) => GOOD,
        (true, _) => REFUSED,
    };
    let got = got(row);
    anstream::println!(
        "{rest} {:>2}  {:>8} → {:<8}  {:<10}  {:<what$}  {:<8}  {rest:#}{got_style}{got:<6}{got_style:#}{rest}  {:<by$}{rest:#}  {style}{mark}{style:#}",
        row.number,
        call.from.name(),
        call.to.name(),
        call.how.name(),
        call.what(),
        outcome(call.expected),
        row.evidence.decided_by,
    );
    for line in wrong(row) {
        anstream::println!("{BAD}     └ {line}{BAD:#}");
    }
}

/// What is wrong with a row, in words.
fn wrong(row: &Row) -> Vec<String> {
    let mut lines = Vec::new();
    if let Err(error) = &row.made.got {
        lines.push(error.clone());
    }
    if row.evidence.decided_by != row.call.decided_by {
        lines.push(format!("`{}` should have decided", row.call.decided_by));
    }
    match (row.may_arrive(), row.made.arrived) {
        (false, 1..) => lines.push("it reached the application without permission".to_owned()),
        (true, 0) => lines.push("it never reached the application".to_owned()),
        (false, 0) | (true, 1..) => {}
    }
    lines
}

/// What came, in few letters.
pub(super) fn got(row: &Row) -> String {
    row.made.got.as_ref().map_or_else(|_| "error".to_owned(), |got| outcome(*got))
}

fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Reached => "200".to_owned(),
        Outcome::Denied(status) => status.to_string(),
        Outcome::DeniedGrpc(status) => format!("gRPC {status}"),
        Outcome::NoTls => "no TLS".to_owned(),
    }
}
