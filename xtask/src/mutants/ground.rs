//! The ground that faults are planted in: a copy of the workspace under `.work/mutants`, with a target folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::faults::Fault;
use crate::process::{self, Call};
use crate::{paths, show};

/// A copy of the workspace.
pub(crate) struct Ground {
    tree: PathBuf,
}

/// What saw a fault.
pub(crate) struct Seen {
    /// The first test that failed.
    pub(crate) test: String,
    /// How many more of the same run did.
    pub(crate) more: usize,
}

/// The first build is long.
const BUILD_LIMIT: Duration = Duration::from_secs(1800);
/// A hanging test is a failing test.
const TEST_LIMIT: Duration = Duration::from_secs(120);

/// Where the copy and its builds lie.
pub(crate) fn folder() -> PathBuf {
    paths::work().join("mutants")
}

impl Ground {
    /// Copies what git knows or would know, and checks that every fault can be planted. Files that did not change are left
    /// alone, so that builds stay fresh.
    pub(crate) fn prepare(faults: &[&Fault]) -> Result<Self> {
        let tree = folder().join("tree");
        let listed = Call::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let listed = listed.output().context("the copy is made of what git lists")?;
        let files: Vec<&str> = listed.split('\0').filter(|file| !file.is_empty()).collect();
        for file in &files {
            copy(&paths::root().join(file), &tree.join(file))?;
        }
        remove_strangers(&tree, &tree, &files)?;
        for fault in faults {
            planted(fault, &tree)?;
        }
        show::progress(&format!("{} files copied to {}", files.len(), paths::short(&tree)));
        Ok(Self { tree })
    }

    /// Plants the fault.
    pub(crate) fn plant(&self, fault: &Fault) -> Result<()> {
        let text = planted(fault, &self.tree)?;
        write(&self.tree.join(fault.file), text.as_bytes())
    }

    /// Takes the fault out again.
    pub(crate) fn heal(&self, fault: &Fault) -> Result<()> {
        copy(&paths::root().join(fault.file), &self.tree.join(fault.file))
    }

    /// Runs the doors without a fault: a test that fails anyway would see everything.
    pub(crate) fn check_sound(&self, doors: &[Vec<&str>]) -> Result<()> {
        for door in doors {
            self.build(door)?;
            self.cargo(door)
                .within(TEST_LIMIT)
                .logged("mutants")
                .context("the tests must pass before a fault is planted")?;
        }
        Ok(())
    }

    /// Runs one door: which test saw the fault, if one did.
    pub(crate) fn ask(&self, door: &[&str], name: &str) -> Result<Option<Seen>> {
        self.build(door).with_context(|| format!("the fault `{name}` must compile, or it proves nothing"))?;
        let run = self.cargo(door).within(TEST_LIMIT).logged("mutants");
        let Err(error) = run else { return Ok(None) };
        let log = paths::work().join("log/mutants.log");
        let log = fs::read(&log).with_context(|| format!("could not read {}", log.display()))?;
        let log = String::from_utf8_lossy(&log);
        let mut failed: Vec<&str> = log.lines().filter_map(failed_test).collect();
        failed.sort_by_key(|test| test.len());
        match failed.split_first() {
            Some((test, more)) => Ok(Some(Seen { test: (*test).to_owned(), more: more.len() })),
            None if format!("{error:#}").contains("did not finish") => {
                Ok(Some(Seen { test: "(the tests hang)".to_owned(), more: 0 }))
            }
            None => Err(error),
        }
    }

    fn build(&self, door: &[&str]) -> Result<()> {
        self.cargo(door).arg("--no-run").within(BUILD_LIMIT).logged("mutants")
    }

    fn cargo(&self, door: &[&str]) -> Call {
        process::cargo()
            .args(["test", "--quiet", "--manifest-path"])
            .arg(self.tree.join("Cargo.toml"))
            .args(door)
            .env("CARGO_TARGET_DIR", folder().join("target"))
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("PROPTEST_CASES", "32")
            .env("RUST_BACKTRACE", "0")
    }
}

/// The name in libtest's `---- name stdout ----`.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

/// The file's text with the fault in it.
fn planted(fault: &Fault, tree: &Path) -> Result<String> {
    let Fault { name, file, from, to } = fault;
    let text = fs::read_to_string(tree.join(file)).with_context(|| format!("`{name}` wants {file}"))?;
    let times = text.matches(from).count();
    ensure!(
        times == 1,
        "`{name}` replaces a text that occurs {times} times in {file}, not once; bring xtask/src/mutants/faults up to date: \
         {from}"
    );
    Ok(text.replacen(from, to, 1))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    match fs::read(from) {
        Ok(bytes) => write(to, &bytes),
        // Deleted and not yet committed.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => bail!("could not read {}: {error}", from.display()),
    }
}

fn write(to: &Path, bytes: &[u8]) -> Result<()> {
    if fs::read(to).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))?;
    fs::write(to, bytes).with_context(|| format!("could not write {}", to.display()))
}

/// What an earlier copy had and this one has not.
fn remove_strangers(tree: &Path, folder: &Path, files: &[&str]) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("could not list {}", folder.display()))? {
        let path = entry.with_context(|| format!("could not list {}", folder.display()))?.path();
        if path.is_dir() {
            remove_strangers(tree, &path, files)?;
            continue;
        }
        let name = path.strip_prefix(tree).unwrap_or(&path).to_string_lossy().into_owned();
        let is_known = files.iter().any(|file| *file == name) && paths::root().join(&name).exists();
        if !is_known && name != "Cargo.lock" {
            fs::remove_file(&path).with_context(|| format!("could not remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutants::faults;

    #[test]
    fn every_fault_can_be_planted_in_the_code_of_today() {
        for fault in faults::all() {
            let text = planted(fault, &paths::root());
            assert!(text.is_ok(), "{text:?}");
        }
    }

    #[test]
    fn there_are_enough_faults_and_each_has_a_name_of_its_own() {
        let mut names: Vec<&str> = faults::all().map(|fault| fault.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert!(count >= 20 && names.len() == count, "{count} faults, {} names", names.len());
    }
}
