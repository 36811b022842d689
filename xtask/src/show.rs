//! What people see: headings, marks, aligned tables, durations. Colours go to terminals only (`NO_COLOR` is obeyed).

use std::time::Duration;

use anstyle::{AnsiColor, Style};

/// How one line of a table went.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// There, or passed.
    Good,
    /// Not there yet, set-up will do it.
    Todo,
    /// Not there, and nobody misses it; or left out on request.
    Skipped,
    /// Missing or failed.
    Bad,
}

impl Mark {
    fn style(self) -> Style {
        let colour = match self {
            Self::Good => AnsiColor::Green,
            Self::Todo => AnsiColor::Yellow,
            Self::Skipped => AnsiColor::BrightBlack,
            Self::Bad => AnsiColor::Red,
        };
        colour.on_default()
    }
}

/// Bold text on a line of its own, after an empty line.
pub(crate) fn heading(text: &str) {
    let bold = Style::new().bold();
    anstream::println!("\n{bold}{text}{bold:#}");
}

/// A line of progress, for what takes long.
pub(crate) fn progress(text: &str) {
    anstream::println!("{text}");
}

/// An error, for the end of the program.
pub(crate) fn error(text: &str) {
    let red = AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{red}error{red:#}: {text}");
}

/// Rows of columns, each as wide as its widest cell; the first cell wears the mark's colour.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(Mark, Vec<String>)>,
}

impl Table {
    /// Adds a row.
    pub(crate) fn row(&mut self, mark: Mark, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push((mark, cells.into_iter().map(Into::into).collect()));
    }

    /// Prints the rows, indented by two.
    pub(crate) fn print(&self) {
        let columns = self.rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(|column| self.width(column)).collect();
        for (mark, cells) in &self.rows {
            let style = mark.style();
            let mut line = String::from("  ");
            for (index, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                let padded = format!("{cell:<width$}  ");
                match index {
                    0 => line.push_str(&format!("{style}{padded}{style:#}")),
                    _ => line.push_str(&padded),
                }
            }
            anstream::println!("{}", line.trim_end());
        }
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|(_, cells)| cells.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

/// `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_and_exact_enough() {
        assert_eq!(duration(Duration::from_millis(440)), "0.4 s");
        assert_eq!(duration(Duration::from_secs(12)), "12 s");
        assert_eq!(duration(Duration::from_secs(185)), "3 min 05 s");
    }
}
