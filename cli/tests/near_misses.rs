//! What `can-i` says of a refusal: one policy, two dozen questions that an engineer would ask (`near/asked.txt`), and the answers beside
//! them. `MESHWARD_BLESS=1` writes those anew: read the difference before you commit it.

#![expect(clippy::expect_used, reason = "a test says what it expected and stops")]

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

#[test]
fn a_refusal_names_the_rule_that_was_nearest_and_what_it_missed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/near");
    let asked = std::fs::read_to_string(folder.join("asked.txt")).expect("asked.txt");
    let mut said = String::new();
    for question in asked.lines() {
        let answer = Command::new(env!("CARGO_BIN_EXE_meshward"))
            .args(["can-i", "-q", "-p", "policy.yaml"])
            .args(words(question))
            .current_dir(&folder)
            .output()
            .expect("the command starts");
        assert_eq!(answer.status.code(), Some(1), "`{question}` is refused: {answer:?}");
        let _ = writeln!(said, "$ meshward can-i {question}\n{}", String::from_utf8_lossy(&answer.stdout));
    }
    let answers = folder.join("answers.txt");
    if std::env::var_os("MESHWARD_BLESS").is_some() {
        std::fs::write(&answers, &said).expect("answers.txt can be written");
    }
    let expected = std::fs::read_to_string(&answers).unwrap_or_default();
    assert_eq!(said, expected, "MESHWARD_BLESS=1 writes answers.txt anew");
}

/// The words of a command line; single quotes hold one together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match (letter, quoted) {
            ('\'', _) => quoted = !quoted,
            (' ', false) => words.push(String::new()),
            (letter, _) => words.last_mut().expect("never empty").push(letter),
        }
    }
    words
}
