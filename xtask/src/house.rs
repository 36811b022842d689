//! The house rules that no compiler knows: small rooms, arrows that point down, one place for the SDK, links that
//! lead somewhere. Each rule is one file; each finding says where, what, and what to do.

mod arrows;
mod files;
mod links;

use std::path::Path;

use anyhow::{Context, Result};

use crate::packages;
use crate::process::Call;

/// Checks the checkout at `root`; one line per finding.
pub(crate) fn check(root: &Path) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let files = tracked(root)?;
    for name in &files {
        let path = root.join(name);
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("rs") => findings.extend(files::check(name, &read(&path)?)),
            Some("md") => findings.extend(links::check(root, name, &read(&path)?)),
            _ => {}
        }
    }
    findings.extend(arrows::check(&packages::all(root)?));
    Ok(findings)
}

/// What git tracks or would track: files that are new but not ignored count too.
fn tracked(root: &Path) -> Result<Vec<String>> {
    let root = root.display().to_string();
    let list = ["-C", &root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let names = Call::new("git").args(list).output().context("the house rules need a git checkout")?;
    let there = |name: &&str| !name.is_empty() && Path::new(&root).join(name).is_file();
    Ok(names.split('\0').filter(there).map(str::to_owned).collect())
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_checkout_keeps_the_house_rules() {
        let findings = check(&crate::paths::root()).expect("the rules can be checked");
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }
}
