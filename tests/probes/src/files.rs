//! The folder of behaviours: reading it, and writing down what Envoy gave.

use crate::ProbeError;
use crate::behaviour::{Behaviour, Family};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Set to 1: transcripts that Envoy 1.40 gave replace those in the files.
pub const BLESS: &str = "MESHWARD_BLESS";

/// Where the files are.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("behaviours")
}

/// All behaviours with their family's name, in the order of the files' names.
///
/// # Errors
/// A file that cannot be read, an empty name or source, a name that is there twice.
pub fn read() -> Result<Vec<(String, Behaviour)>, ProbeError> {
    let mut all: Vec<(String, Behaviour)> = Vec::new();
    for path in paths()? {
        let wrong = |why: &dyn ToString| ProbeError::new(format!("{}: {}", path.display(), why.to_string()));
        let text = fs::read_to_string(&path).map_err(|error| wrong(&error))?;
        // Through JSON, whose enums are maps of one key: YAML's own are tags.
        let value: serde_json::Value = serde_yaml_ng::from_str(&text).map_err(|error| wrong(&error))?;
        let family: Family = serde_json::from_value(value).map_err(|error| wrong(&error))?;
        for behaviour in family.behaviours {
            if behaviour.source.trim().is_empty() || behaviour.chain().is_empty() {
                return Err(wrong(&format!("`{}` needs a source and a script", behaviour.name)));
            }
            if all.iter().any(|(_, known)| known.name == behaviour.name) {
                return Err(wrong(&format!("`{}` is there twice: give it another name", behaviour.name)));
            }
            all.push((family.family.clone(), behaviour));
        }
    }
    Ok(all)
}

/// Only those whose name holds the text of `MESHWARD_ONLY`, for work on a few of them.
#[must_use]
pub fn chosen(all: Vec<(String, Behaviour)>) -> Vec<(String, Behaviour)> {
    let only = std::env::var("MESHWARD_ONLY").unwrap_or_default();
    all.into_iter()
        .filter(|(family, behaviour)| behaviour.name.contains(&only) || family.contains(&only))
        .collect()
}

/// Whether transcripts are to be replaced.
#[must_use]
pub fn blessing() -> bool {
    std::env::var(BLESS).is_ok_and(|value| value == "1")
}

/// Replaces the transcripts in the files by these, by the behaviours' names.
///
/// # Errors
/// A file that cannot be read or written.
pub fn bless(transcripts: &BTreeMap<String, String>) -> Result<(), ProbeError> {
    for path in paths()? {
        let wrong = |error: std::io::Error| ProbeError::new(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(&path).map_err(wrong)?;
        let blessed = blessed(&text, transcripts);
        if blessed != text {
            fs::write(&path, blessed).map_err(wrong)?;
        }
    }
    Ok(())
}

const NAME: &str = "  - name: ";
const EXPECT: &str = "    expect: |";

/// A behaviour begins with its name; its transcript is the last thing it says.
fn blessed(text: &str, transcripts: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(end) = rest.get(1..).and_then(|after| after.find(&format!("\n{NAME}"))).map(|at| at + 2) {
        let (one, after) = rest.split_at(end);
        out.push_str(&one_blessed(one, transcripts));
        rest = after;
    }
    out + &one_blessed(rest, transcripts)
}

fn one_blessed(text: &str, transcripts: &BTreeMap<String, String>) -> String {
    let name =
        text.lines().find_map(|line| line.strip_prefix(NAME)).map(|name| name.trim().trim_matches('"'));
    let Some(transcript) = name.and_then(|name| transcripts.get(name)) else { return text.to_owned() };
    let kept = text.find(EXPECT).map_or(text, |at| text.get(..at).unwrap_or_default()).trim_end();
    let mut out = format!("{kept}\n{EXPECT}\n");
    for line in transcript.lines() {
        let _ = writeln!(out, "      {line}");
    }
    if text.ends_with("\n\n") || !text.contains(EXPECT) {
        out.push('\n');
    }
    out
}

fn paths() -> Result<Vec<PathBuf>, ProbeError> {
    let folder = folder();
    let entries =
        fs::read_dir(&folder).map_err(|error| ProbeError::new(format!("{}: {error}", folder.display())))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::blessed;
    use std::collections::BTreeMap;

    #[test]
    fn a_transcript_replaces_the_old_one_and_nothing_else() {
        let text = "family: f\nbehaviours:\n  - name: one\n    source: s\n    expect: |\n      old\n\n  - name: two\n    source: t\n";
        let transcripts =
            BTreeMap::from([("one".to_owned(), "a\nb\n".to_owned()), ("two".to_owned(), "c\n".to_owned())]);
        let wanted = "family: f\nbehaviours:\n  - name: one\n    source: s\n    expect: |\n      a\n      b\n\n  - name: two\n    source: t\n    expect: |\n      c\n\n";
        let once = blessed(text, &transcripts);
        assert_eq!(once, wanted);
        assert_eq!(blessed(&once, &transcripts), wanted);
    }
}
