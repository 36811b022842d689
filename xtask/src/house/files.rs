//! Rule: a source file is a small room with a name and a sign on its door.

/// More lines than this are two rooms.
const MOST_LINES: usize = 400;
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 5] = ["mod.rs", "utils.rs", "helpers.rs", "common.rs", "manager.rs"];

/// Checks one Rust file.
pub(super) fn check(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        findings.push(format!("{name}: {lines} lines, {MOST_LINES} are allowed; split it by type or verb"));
    }
    if !text.lines().find(|line| !line.trim().is_empty()).is_some_and(|line| line.starts_with("//!")) {
        findings.push(format!("{name}: no `//!` in its first line; say what the file is"));
    }
    let file = name.rsplit('/').next().unwrap_or(name);
    if EMPTY_NAMES.contains(&file) {
        findings
            .push(format!("{name}: `{file}` says nothing; name it for the type or the verb that it holds"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_file_with_a_sign_is_fine() {
        assert_eq!(
            check("shared/model/src/peer.rs", "//! The peer.\n\nstruct Peer;\n"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_long_file_is_found() {
        let text = format!("//! Long.\n{}", "\n".repeat(MOST_LINES));
        assert!(check("a.rs", &text).iter().any(|finding| finding.contains("401 lines")));
    }

    #[test]
    fn a_file_without_a_sign_or_a_name_is_found() {
        assert_eq!(check("shared/http/src/utils.rs", "use std::fmt;\n//! Late.\n").len(), 2);
        assert_eq!(check("a.rs", "").len(), 1);
    }
}
