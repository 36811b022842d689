//! Rule: a relative link in a Markdown page leads to a file or folder that exists.

use std::path::Path;

use pulldown_cmark::{Event, Parser, Tag};

/// Checks one page.
pub(super) fn check(root: &Path, name: &str, text: &str) -> Vec<String> {
    let folder = root.join(name).parent().map_or_else(|| root.to_path_buf(), Path::to_path_buf);
    let dead = targets(text).into_iter().filter(|target| !leads_somewhere(root, &folder, target));
    dead.map(|target| format!("{name}: the link `{target}` leads nowhere")).collect()
}

fn targets(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for event in Parser::new(text) {
        if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event {
            targets.push(dest_url.to_string());
        }
    }
    targets
}

fn leads_somewhere(root: &Path, folder: &Path, target: &str) -> bool {
    let is_remote = target.contains("://") || target.starts_with("mailto:");
    let path = target.split(['#', '?']).next().unwrap_or_default();
    match path.strip_prefix('/') {
        _ if is_remote || path.is_empty() => true,
        Some(from_root) => root.join(from_root).exists(),
        None => folder.join(path).exists(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_links_are_found_and_code_is_no_link() {
        let root = crate::paths::root();
        let page = "[a](../Cargo.toml#x) [b](gone.md) `[c](gone.md)` [d](https://example.com) [e](#here) ![f](gone.png)";
        let findings = check(&root, "xtask/page.md", page);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings.iter().all(|finding| finding.contains("gone.")), "{findings:?}");
    }
}
