//! The folder of behaviours: reading it, and writing down what Envoy gave.

use crate::ProbeError;
use crate::behaviour::{Behaviour, Door, Family};
use crate::script;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Set to 1: what the doors gave replaces the transcripts in the files, and the differences in the host's README.
pub const BLESS: &str = "MESHWARD_BLESS";

/// Where the files are.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("behaviours")
}

/// All behaviours with their family's name, in the order of the files' names.
///
/// # Errors
/// A file or a script that cannot be read, no source, no plugin, a name that is there twice.
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
            for plugin in behaviour.chain() {
                for script in [&plugin.script, &plugin.vm_script] {
                    script::parse(script)
                        .map_err(|why| wrong(&format!("`{}`: the script's {why}", behaviour.name)))?;
                }
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

/// Replaces the transcripts in the files by these, by the behaviours' names: what Envoy 1.40 gave is the transcript that is
/// expected; what another door gave is written where that door is said to differ, and nowhere else.
///
/// # Errors
/// A file that cannot be read or written.
pub fn bless(door: Door, transcripts: &BTreeMap<String, String>) -> Result<(), ProbeError> {
    for path in paths()? {
        let wrong = |error: std::io::Error| ProbeError::new(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(&path).map_err(wrong)?;
        let blessed = blessed(&text, door, transcripts);
        if blessed != text {
            fs::write(&path, blessed).map_err(wrong)?;
        }
    }
    Ok(())
}

const NAME: &str = "  - name: ";
const EXPECT: &str = "    expect: |\n";
const TRANSCRIPT: &str = "        transcript: |\n";

/// A behaviour begins with its name; its transcript is the last thing it says.
fn blessed(text: &str, door: Door, transcripts: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let next = rest.get(1..).and_then(|after| after.find(&format!("\n{NAME}"))).map(|at| at + 2);
        let (one, after) = rest.split_at(next.unwrap_or(rest.len()));
        let name = one.lines().find_map(|line| line.strip_prefix(NAME));
        let transcript = name.and_then(|name| transcripts.get(name.trim().trim_matches('"')));
        out.push_str(&transcript.map_or_else(|| one.to_owned(), |new| one_blessed(one, door, new)));
        if next.is_none() {
            return out;
        }
        rest = after;
    }
}

fn one_blessed(text: &str, door: Door, transcript: &str) -> String {
    if door == Door::Envoy {
        let text = text.trim_end();
        let end = if text.contains(EXPECT) { String::new() } else { format!("\n{EXPECT}") };
        return replaced(&format!("{text}\n{}\n", end.trim_start_matches('\n')), EXPECT, 6, transcript);
    }
    let place = text.find(&format!("      - door: {door}\n"));
    let (before, entry) = text.split_at(place.unwrap_or(text.len()));
    format!("{before}{}", replaced(entry, TRANSCRIPT, 10, transcript))
}

/// Replaces the block that follows a line by this text, so deep.
fn replaced(text: &str, head: &str, depth: usize, block: &str) -> String {
    let Some(start) = text.find(head).map(|at| at + head.len()) else { return text.to_owned() };
    let (before, after) = text.split_at(start);
    let margin = " ".repeat(depth);
    let old: usize =
        after.split_inclusive('\n').take_while(|line| line.starts_with(&margin)).map(str::len).sum();
    let mut out = before.to_owned();
    for line in block.lines() {
        let _ = writeln!(out, "{margin}{line}");
    }
    out + after.get(old..).unwrap_or_default()
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
    use super::{Door, blessed};
    use std::collections::BTreeMap;

    #[test]
    fn a_transcript_replaces_the_old_one_and_nothing_else() {
        let text = "family: f\nbehaviours:\n  - name: one\n    source: s\n    expect: |\n      old\n\n  - name: two\n    source: t\n";
        let transcripts =
            BTreeMap::from([("one".to_owned(), "a\nb\n".to_owned()), ("two".to_owned(), "c\n".to_owned())]);
        let wanted = "family: f\nbehaviours:\n  - name: one\n    source: s\n    expect: |\n      a\n      b\n\n  - name: two\n    source: t\n    expect: |\n      c\n\n";
        let once = blessed(text, Door::Envoy, &transcripts);
        assert_eq!(once, wanted);
        assert_eq!(blessed(&once, Door::Envoy, &transcripts), wanted);
    }

    #[test]
    fn another_doors_transcript_is_written_where_it_is_said_to_differ() {
        let text = "behaviours:\n  - name: one\n    differs:\n      - door: host\n        reason: r\n        transcript: |\n          old\n    expect: |\n      same\n\n  - name: two\n    expect: |\n      same\n";
        let transcripts = BTreeMap::from([
            ("one".to_owned(), "new\nlines\n".to_owned()),
            ("two".to_owned(), "new\n".to_owned()),
        ]);
        let wanted = text.replace("          old\n", "          new\n          lines\n");
        assert_eq!(blessed(text, Door::Host, &transcripts), wanted);
        assert_eq!(blessed(text, Door::OlderEnvoy, &transcripts), text);
    }
}
