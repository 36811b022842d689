//! The table: who calls whom, what, what was expected, what came, what decided.

use anstyle::{AnsiColor, Style};

use super::play::{Played, Row, Try};
use super::script::{Call, Outcome};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = AnsiColor::BrightBlack.on_default();
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const REFUSED: Style = AnsiColor::Yellow.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();

/// How wide the columns are whose texts differ.
struct Widths {
    what: usize,
    expected: usize,
    got: usize,
    by: usize,
}

/// Prints all scenes.
pub(super) fn print(scenes: &[Played]) {
    let rows = || scenes.iter().flat_map(|scene| &scene.rows);
    let widest = |heading: &str, cell: &dyn Fn(&Row) -> String| {
        let cells = rows().map(|row| cell(row).chars().count());
        cells.chain([heading.len()]).max().unwrap_or(0)
    };
    let widths = Widths {
        what: widest("what", &|row| row.call.what()),
        expected: widest("expected", &|row| expected(&row.call)),
        got: widest("got", &got),
        by: widest("decided by", &decided_by),
    };
    let Widths { what, expected, got, by } = widths;
    anstream::println!(
        "\n{BOLD}  #       who → whom      {:<10}  {:<what$}  {:<expected$}  {:<got$}  {:<by$}{BOLD:#}",
        "how",
        "what",
        "expected",
        "got",
        "decided by"
    );
    for scene in scenes {
        anstream::println!("\n{DIM}    {}{DIM:#}", scene.title);
        for row in &scene.rows {
            print_row(row, &widths);
        }
    }
}

fn print_row(row: &Row, widths: &Widths) {
    let call = &row.call;
    let Widths { what, expected: wide, got: wide_got, by } = *widths;
    if let Some(done) = &row.done {
        anstream::println!("{DIM}      · {done}{DIM:#}");
    }
    let good = row.is_as_expected();
    let (style, mark) = if good { (GOOD, "✓") } else { (BAD, "✗") };
    let rest = if good { Style::new() } else { BAD };
    let reached = row.tries.iter().all(|one| one.made.got == Ok(Outcome::Reached));
    let got_style = match (good, reached) {
        (false, _) => BAD,
        (true, true) => GOOD,
        (true, false) => REFUSED,
    };
    anstream::println!(
        "{rest} {:>2}  {:>8} → {:<8}  {:<10}  {:<what$}  {:<wide$}  {rest:#}{got_style}{:<wide_got$}{got_style:#}{rest}  {:<by$}{rest:#}  {style}{mark}{style:#}",
        row.number,
        call.from.name(),
        call.to.name(),
        call.how.name(),
        call.what(),
        expected(call),
        got(row),
        decided_by(row),
    );
    for (name, value) in row.tries.last().into_iter().flat_map(|last| &last.made.shown) {
        anstream::println!("{DIM}      └ {name}: {value}{DIM:#}");
    }
    for line in wrong(row) {
        anstream::println!("{BAD}     └ {line}{BAD:#}");
    }
}

/// What is wrong with a row, in words; each thing once.
fn wrong(row: &Row) -> Vec<String> {
    let mut lines = Vec::new();
    if row.is_as_expected() {
        return lines;
    }
    for one in &row.tries {
        if let Err(error) = &one.made.got {
            lines.push(error.clone());
        }
        if let Some(line) = wrong_decision(&row.call, one) {
            lines.push(line);
        }
    }
    match (row.call.may_arrive(), row.arrived()) {
        (false, 1..) => lines.push("it reached the application without permission".to_owned()),
        (true, 0) => lines.push("it never reached the application".to_owned()),
        (false, 0) | (true, 1..) => {}
    }
    let shown = row.tries.last().map(|last| &last.made.shown);
    let missing = row
        .call
        .shows
        .iter()
        .filter(|name| shown.is_none_or(|shown| !shown.iter().any(|(known, _)| known == *name)));
    lines.extend(missing.map(|name| format!("the answer has no header `{name}`")));
    let last = row.tries.last().map(|last| last.evidence.decided_by.as_str());
    if last != Some(row.call.decided_by) {
        lines.push(format!("`{}` should have decided in the end", row.call.decided_by));
    }
    if let Some((_, by)) = row.call.before.first()
        && !row.tries.iter().any(|one| one.evidence.decided_by == *by)
    {
        lines.push(format!("`{by}` should have decided at first"));
    }
    let mut said = std::collections::BTreeSet::new();
    lines.retain(|line| said.insert(line.clone()));
    lines
}

fn wrong_decision(call: &Call, one: &Try) -> Option<String> {
    let got = one.made.got.as_ref().ok()?;
    let by = &one.evidence.decided_by;
    (!call.permits(*got, by)).then(|| format!("{} by `{by}`", outcome(*got)))
}

fn expected(call: &Call) -> String {
    let mut outcomes: Vec<String> = call.before.iter().map(|(before, _)| outcome(*before)).collect();
    outcomes.push(outcome(call.expected));
    outcomes.dedup();
    outcomes.join(" → ")
}

/// What came, in few letters, and how often where it came more than once: in the order in which each came first.
pub(super) fn got(row: &Row) -> String {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for one in &row.tries {
        let got = one_got(one);
        match counts.iter_mut().find(|(known, _)| *known == got) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => counts.push((got, 1)),
        }
    }
    let several = row.tries.len() > 1;
    let words = counts.into_iter().map(|(got, count)| if several { format!("{count}×{got}") } else { got });
    words.collect::<Vec<_>>().join(" ")
}

/// What came of one try.
pub(super) fn one_got(one: &Try) -> String {
    one.made.got.as_ref().map_or_else(|_| "error".to_owned(), |got| outcome(*got))
}

/// What decided, in the order in which each did so first.
fn decided_by(row: &Row) -> String {
    let mut by: Vec<&str> = Vec::new();
    for one in &row.tries {
        let decided = one.evidence.decided_by.as_str();
        if !by.contains(&decided) {
            by.push(decided);
        }
    }
    match (by.first(), by.last()) {
        (Some(first), Some(last)) if by.len() > 1 => format!("{first} → {last}"),
        (Some(only), _) => (*only).to_owned(),
        (None, _) => String::new(),
    }
}

fn outcome(outcome: Outcome) -> String {
    match outcome {
        Outcome::Reached => "200".to_owned(),
        Outcome::Denied(status) => status.to_string(),
        Outcome::DeniedGrpc(status) => format!("gRPC {status}"),
        Outcome::NoTls => "no TLS".to_owned(),
    }
}
