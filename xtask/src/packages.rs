//! The packages of the workspace, by their folder: what a room is decides how it is built and tested.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::paths;

/// A member of the workspace.
pub(crate) struct Package {
    /// Its name, `meshward-policy`.
    pub(crate) name: String,
    /// Its folder, relative to the root: `shared/policy`.
    pub(crate) folder: String,
    /// Its Cargo.toml.
    pub(crate) manifest: Table,
}

impl Package {
    /// Names of what it depends on in every kind of table that `kinds` names; a renamed package counts by both names.
    pub(crate) fn dependencies(&self, kinds: &[&str]) -> Vec<String> {
        let targets = self.manifest.get("target").and_then(Value::as_table);
        let of_targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        let tables = std::iter::once(&self.manifest).chain(of_targets);
        tables
            .flat_map(|table| kinds.iter().filter_map(|kind| table.get(*kind)?.as_table()))
            .flat_map(names)
            .collect()
    }

    fn is_module(&self) -> bool {
        let kinds = self.manifest.get("lib").and_then(|lib| lib.get("crate-type")).and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind.as_str() == Some("cdylib")))
    }
}

/// Reads the members of the workspace at `root`.
pub(crate) fn all(root: &Path) -> Result<Vec<Package>> {
    let workspace = manifest(&root.join("Cargo.toml"))?;
    let members = workspace.get("workspace").and_then(|table| table.get("members")).and_then(Value::as_array);
    let members = members.context("the root Cargo.toml lists no members")?;
    members.iter().filter_map(Value::as_str).map(|folder| read(root, folder)).collect()
}

/// Packages that are Wasm modules; their host functions cannot be linked natively.
pub(crate) fn modules() -> Result<Vec<String>> {
    select(Package::is_module)
}

/// Packages that exist to be Wasm: the modules and the adapter.
pub(crate) fn wasm_only() -> Result<Vec<String>> {
    select(|package| package.is_module() || package.folder.starts_with("plugins/"))
}

/// Pure crates with tests on Node: all of `shared/` that names `wasm-bindgen-test`.
pub(crate) fn pure() -> Result<Vec<String>> {
    select(|package| {
        let tests = package.dependencies(&["dev-dependencies"]);
        package.folder.starts_with("shared/") && tests.iter().any(|name| name == "wasm-bindgen-test")
    })
}

/// Names of the files of integration tests (`tests/NAME.rs`, `tests/NAME/main.rs`) of packages in the chosen folders.
pub(crate) fn test_files(choose: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let folders =
        all(&paths::root())?.into_iter().map(|package| package.folder).filter(|folder| choose(folder));
    let entries = folders.flat_map(|folder| std::fs::read_dir(paths::root().join(folder).join("tests")).ok());
    let mut names: Vec<String> =
        entries.flatten().flatten().filter_map(|entry| test_name(&entry.path())).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

fn test_name(path: &Path) -> Option<String> {
    let is_test =
        path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").is_file();
    is_test.then(|| path.file_stem().map(|stem| stem.to_string_lossy().into_owned())).flatten()
}

fn select(choose: impl Fn(&Package) -> bool) -> Result<Vec<String>> {
    Ok(all(&paths::root())?
        .into_iter()
        .filter(|package| choose(package))
        .map(|package| package.name)
        .collect())
}

fn read(root: &Path, folder: &str) -> Result<Package> {
    let manifest = manifest(&root.join(folder).join("Cargo.toml"))?;
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    let name = name.with_context(|| format!("{folder}/Cargo.toml names no package"))?.to_owned();
    Ok(Package { name, folder: folder.to_owned(), manifest })
}

fn manifest(path: &PathBuf) -> Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    text.parse().with_context(|| format!("{} is not valid", path.display()))
}

/// The keys of a table of dependencies, and the packages that they stand for.
fn names(table: &Table) -> Vec<String> {
    let real = table.values().filter_map(|value| value.get("package")?.as_str());
    table.keys().map(String::as_str).chain(real).map(str::to_owned).collect()
}
