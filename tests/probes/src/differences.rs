//! The list of differences in the embedded host's README: written from the behaviours' files, and read back from it.

use crate::ProbeError;
use crate::behaviour::Behaviour;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- differences -->\n";
const END: &str = "<!-- /differences -->";

/// The list as it has to stand: a row for each behaviour and door.
#[must_use]
pub fn list(behaviours: &[Behaviour]) -> String {
    let mut text = "| behaviour | differs in | why |\n|---|---|---|\n".to_owned();
    for behaviour in behaviours {
        for differs in &behaviour.differs {
            let _ = writeln!(text, "| {} | {} | {} |", behaviour.name, differs.door, differs.reason.trim());
        }
    }
    text
}

/// The list that stands in the README.
///
/// # Errors
/// The README cannot be read, or has no place for the list.
pub fn listed() -> Result<String, ProbeError> {
    let text = read()?;
    parts(&text).map(|(_, list, _)| list.to_owned())
}

/// Puts the list into the README.
///
/// # Errors
/// The README cannot be read or written, or has no place for the list.
pub fn write(list: &str) -> Result<(), ProbeError> {
    let text = read()?;
    let (before, _, after) = parts(&text)?;
    fs::write(readme(), format!("{before}{list}{after}")).map_err(wrong)
}

fn parts(text: &str) -> Result<(&str, &str, &str), ProbeError> {
    let begin = text.find(BEGIN).map(|at| at + BEGIN.len());
    let end = text.find(END);
    match (begin, end) {
        (Some(begin), Some(end)) if begin <= end => {
            let part = |range| text.get(range).unwrap_or_default();
            Ok((part(0..begin), part(begin..end), text.get(end..).unwrap_or_default()))
        }
        _ => Err(ProbeError::new(format!(
            "{}: the lines `{}` and `{END}` say where the list stands: write them",
            readme().display(),
            BEGIN.trim()
        ))),
    }
}

fn readme() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host/README.md")
}

fn read() -> Result<String, ProbeError> {
    fs::read_to_string(readme()).map_err(wrong)
}

fn wrong(error: std::io::Error) -> ProbeError {
    ProbeError::new(format!("{}: {error}", readme().display()))
}
