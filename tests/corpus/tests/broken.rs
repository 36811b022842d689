//! Configurations that must be refused, in the plugin's own words. `MESHWARD_BLESS=1` writes the words into the files: read
//! the difference before you commit it.

#![expect(clippy::expect_used, reason = "a test says what it expected and stops")]

use meshward_corpus::{broken, files};
use std::path::Path;

#[test]
fn every_broken_configuration_is_refused_with_a_path_and_a_remedy() {
    let files = files::broken().expect("the folders are readable");
    assert!(files.len() >= 15, "only {} files", files.len());
    let mut wrong = Vec::new();
    for file in &files {
        let broken = broken::read(file).expect("a broken configuration");
        let said = broken.said();
        if said != broken.problems {
            bless(file, &said);
            let expected = broken.problems.join("\n  ");
            let name = files::short(file);
            wrong.push(format!("{name}\n expected\n  {expected}\n got\n  {}", said.join("\n  ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_policy_to_copy_shows_a_mistake() {
    for folder in files::policy_folders().expect("policies") {
        let broken = folder.join("broken");
        let count = std::fs::read_dir(&broken).map_or(0, Iterator::count);
        assert!(count > 0, "{} is missing or empty", files::short(&broken));
    }
}

fn bless(file: &Path, said: &[String]) {
    if std::env::var_os("MESHWARD_BLESS").is_none() || said.is_empty() {
        return;
    }
    let text = files::text(file).expect("the file");
    let rest = text.lines().skip_while(|line| line.starts_with("# refused: "));
    let marks = said.iter().map(|problem| format!("# refused: {problem}"));
    let lines: Vec<_> = marks.chain(rest.map(str::to_owned)).collect();
    std::fs::write(file, lines.join("\n") + "\n").expect("the file can be written");
}
