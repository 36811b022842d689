//! Findings as workflow commands: GitHub shows them beside the lines of a pull request.

use std::io::{self, Write};

use super::Checked;
use super::json::word;
use crate::console::Console;
use crate::yaml::line_and_column;

pub(super) fn write(checked: &[Checked], console: &mut Console) -> io::Result<()> {
    for one in checked {
        for finding in &one.findings {
            let (line, column) = line_and_column(&one.input.text, finding.span.start);
            let (end_line, end_column) = line_and_column(&one.input.text, finding.span.end);
            let mut place = format!("line={line},endLine={end_line}");
            // GitHub takes columns only within one line.
            if line == end_line {
                place.push_str(&format!(",col={column},endColumn={end_column}"));
            }
            let title = if finding.path.is_empty() {
                finding.code.to_string()
            } else {
                format!("{} {}", finding.code, finding.path)
            };
            let message = if finding.help.is_empty() {
                finding.message.clone()
            } else {
                format!("{}\nhelp: {}", finding.message, finding.help)
            };
            writeln!(
                console.out(),
                "::{} file={},{place},title={}::{}",
                word(finding.severity),
                property(&one.input.name),
                property(&title),
                data(&message)
            )?;
        }
    }
    Ok(())
}

/// Escapes the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_a_command_or_begin_a_property() {
        assert_eq!(data("50%\r\n::error::x"), "50%25%0D%0A::error::x");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }
}
