//! What every verb has in common, and the pages of `explain`, as people call them.

#![expect(clippy::expect_used, reason = "a test says what it expected and stops")]

use std::path::Path;
use std::process::{Command, Output};

fn meshward(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshward"));
    command.args(arguments).current_dir(folder).output().expect("the command starts")
}

fn here(arguments: &[&str]) -> Output {
    meshward(arguments, Path::new(env!("CARGO_MANIFEST_DIR")))
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const VERBS: [&str; 7] = ["lint", "can-i", "test", "run", "explain", "fmt", "completion"];

#[test]
fn help_teaches_by_examples() {
    let all = out(&here(&["--help"]));
    assert!(all.contains("Examples:") && all.contains("Exit codes:"), "{all}");
    for verb in VERBS {
        assert!(all.contains(&format!("  {verb} ")), "{verb} is not in\n{all}");
        let output = here(&[verb, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{verb}");
        assert!(out(&output).contains("Examples:"), "{verb}: {}", out(&output));
        assert!(out(&output).contains(&format!("\n  meshward {verb}")), "{verb}: {}", out(&output));
    }
}

#[test]
fn the_version_is_the_package_s() {
    assert_eq!(out(&here(&["--version"])), format!("meshward {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_verb_that_does_not_exist_ends_with_2_and_a_proposal() {
    let output = here(&["lnit"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("lint"), "{}", err(&output));
    assert_eq!(here(&[]).status.code(), Some(2));
}

#[test]
fn every_shell_gets_a_script_that_knows_the_verbs() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = here(&["completion", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for verb in VERBS {
            assert!(out(&output).contains(verb), "{shell}: {verb}");
        }
    }
    let script = out(&here(&["completion", "bash"]));
    let checked = Command::new("bash").args(["-n", "-c", &script]).output();
    assert!(checked.map_or(true, |output| output.status.success()), "bash does not read the script");
}

#[test]
fn a_code_and_a_reason_are_explained_in_any_spelling_that_people_paste() {
    for (what, word) in [
        ("MW0103", "misspelt"),
        ("mw0103", "misspelt"),
        ("error[MW0103]", "misspelt"),
        ("authz.no_allow_match", "ALLOW documents apply"),
        ("`authz.no_allow_match`", "ALLOW documents apply"),
    ] {
        let output = here(&["explain", what]);
        assert_eq!(output.status.code(), Some(0), "{what}: {}", err(&output));
        assert!(out(&output).contains(word), "{what}: {}", out(&output));
        assert!(!out(&output).contains("```"), "{what}: {}", out(&output));
    }
}

#[test]
fn what_is_no_code_gets_a_proposal() {
    let output = here(&["explain", "authz.no_alow_match"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("did you mean `authz.no_allow_match`?"), "{}", err(&output));
}

#[test]
fn all_codes_and_reasons_are_listed() {
    let list = out(&here(&["explain"]));
    assert!(list.contains("MW0101  ") && list.contains("authz.deny_rule  "), "{list}");
}

/// The page of a reason shows a policy and a question to it; the answer must name that reason.
#[test]
fn the_question_on_a_reason_s_page_is_answered_with_that_reason() {
    let pages = include_str!("../pages/reasons.md");
    let mut asked = 0;
    for page in pages.strip_prefix("# ").unwrap_or(pages).split("\n\n# ") {
        let reason = page.lines().next().unwrap_or_default();
        let policy = page.split("```yaml example\n").nth(1).and_then(|rest| rest.split("```").next());
        let question = page.split("\n$ meshward ").nth(1).and_then(|rest| rest.lines().next());
        let (Some(policy), Some(question)) = (policy, question) else { continue };
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("policy.yaml"), policy).expect("written");
        let question = question.replace('"', "");
        let output = meshward(&question.split(' ').collect::<Vec<_>>(), folder.path());
        assert!(out(&output).contains(reason), "{reason}: {}{}", out(&output), err(&output));
        asked += 1;
    }
    assert!(asked >= 10, "only {asked} questions");
}
