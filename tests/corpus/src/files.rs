//! Where the corpus lies, and how it is read.

use crate::CorpusError;
use crate::case::{Case, Policy};
use std::fs;
use std::path::{Path, PathBuf};

/// The checkout's folder.
pub fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

/// The folders of policies to copy, sorted: those that have a `policy.yaml`.
///
/// # Errors
/// When `policies/` cannot be read.
pub fn policy_folders() -> Result<Vec<PathBuf>, CorpusError> {
    let folders = entries(&root().join("policies"))?;
    Ok(folders.into_iter().filter(|folder| folder.join("policy.yaml").is_file()).collect())
}

/// All cases: of `policies/*/cases.yaml`, then of `tests/corpus/cases/*.yaml`.
///
/// # Errors
/// The first file or case that cannot be used.
pub fn all_cases() -> Result<Vec<Case>, CorpusError> {
    let mut cases = Vec::new();
    for folder in policy_folders()? {
        let own = policy(&folder.join("policy.yaml"))?;
        cases.extend(cases_of(&folder.join("cases.yaml"), Some(own))?);
    }
    for file in tables()? {
        cases.extend(cases_of(&file, None)?);
    }
    Ok(cases)
}

/// Reads a YAML file as the JSON text that a plugin gets.
///
/// # Errors
/// When the file cannot be read or is not YAML.
pub fn policy(path: &Path) -> Result<Policy, CorpusError> {
    Policy::from_yaml(&short(path), &text(path)?)
}

/// The files in the `broken/` folders of the policies and of the tables, sorted.
///
/// # Errors
/// When a folder cannot be read.
pub fn broken() -> Result<Vec<PathBuf>, CorpusError> {
    let mut folders = policy_folders()?;
    folders.push(root().join("tests/corpus"));
    let mut files = Vec::new();
    for folder in folders.iter().map(|folder| folder.join("broken")).filter(|folder| folder.is_dir()) {
        files.extend(entries(&folder)?);
    }
    Ok(files)
}

/// The text of a file.
///
/// # Errors
/// When it cannot be read.
pub fn text(path: &Path) -> Result<String, CorpusError> {
    fs::read_to_string(path).map_err(|error| CorpusError::new(short(path), error))
}

/// A path as people want to read it.
pub fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn tables() -> Result<Vec<PathBuf>, CorpusError> {
    entries(&root().join("tests/corpus/cases"))
}

fn cases_of(path: &Path, own: Option<Policy>) -> Result<Vec<Case>, CorpusError> {
    meshward_cases::read(&short(path), &text(path)?, own)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, CorpusError> {
    let fail = |error| CorpusError::new(short(folder), error);
    let entries = fs::read_dir(folder).map_err(fail)?;
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(fail)?;
    paths.sort();
    Ok(paths)
}
