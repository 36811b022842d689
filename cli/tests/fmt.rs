//! `meshward fmt`, as people call it.

#![expect(clippy::expect_used, reason = "a test says what it expected and stops")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_yaml_ng::Value;

fn fmt(arguments: &[&str], folder: &Path, stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_meshward"))
        .arg("fmt")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(stdin.as_bytes()).expect("the command reads");
    drop(pipe);
    child.wait_with_output().expect("the command ends")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const UGLY: &str = "# who may read\napiVersion:   meshward.io/v1alpha1\nkind: AccessPolicy\nmetadata: { name: a,   namespace: shop }\nspec:\n    rules:\n    -   to: [ {operation: {methods: ['GET']}} ] # only read\n";
const PRETTY: &str = "# who may read\napiVersion: meshward.io/v1alpha1\nkind: AccessPolicy\nmetadata: {name: a, namespace: shop}\nspec:\n  rules:\n    - to: [{operation: {methods: [\"GET\"]}}] # only read\n";

#[test]
fn a_file_is_rewritten_once_and_then_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.yaml");
    fs::write(&file, UGLY).expect("written");
    let output = fmt(&[], folder.path(), "");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).contains("formatted policy.yaml"), "{}", err(&output));
    assert_eq!(fs::read_to_string(&file).expect("the file"), PRETTY);
    let again = fmt(&[], folder.path(), "");
    assert!(err(&again).contains("0 changed, 1 as they should be"), "{}", err(&again));
    let left: Vec<_> = fs::read_dir(folder.path()).expect("the folder").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn check_shows_the_difference_ends_with_1_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.yaml");
    fs::write(&file, UGLY).expect("written");
    let output = fmt(&["--check", "policy.yaml"], folder.path(), "");
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("-metadata: { name: a,   namespace: shop }\n"), "{}", out(&output));
    assert!(out(&output).contains("+metadata: {name: a, namespace: shop}\n"), "{}", out(&output));
    assert_eq!(fs::read_to_string(&file).expect("the file"), UGLY);
    fs::write(&file, PRETTY).expect("written");
    let output = fmt(&["--check", "policy.yaml"], folder.path(), "");
    assert_eq!((output.status.code(), out(&output)), (Some(0), String::new()));
}

#[test]
fn standard_input_goes_to_standard_output() {
    let output = fmt(&["-"], Path::new("."), UGLY);
    assert_eq!((output.status.code(), out(&output).as_str()), (Some(0), PRETTY));
    let check = fmt(&["--check", "-"], Path::new("."), UGLY);
    assert_eq!(check.status.code(), Some(1));
}

#[test]
fn other_people_s_files_are_left_alone_unless_they_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("service.yaml");
    let theirs = "kind:   Service\n";
    fs::write(&file, theirs).expect("written");
    fmt(&["."], folder.path(), "");
    assert_eq!(fs::read_to_string(&file).expect("the file"), theirs);
    fmt(&["service.yaml"], folder.path(), "");
    assert_eq!(fs::read_to_string(&file).expect("the file"), "kind: Service\n");
}

#[test]
fn what_is_not_yaml_ends_with_3_and_stays_and_the_others_are_formatted() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.yaml"), "kind: AccessPolicy\na: [1\n").expect("written");
    fs::write(folder.path().join("b.yaml"), UGLY).expect("written");
    let output = fmt(&["a.yaml", "b.yaml"], folder.path(), "");
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("meshward lint a.yaml"), "{}", err(&output));
    assert_eq!(fs::read_to_string(folder.path().join("b.yaml")).expect("the file"), PRETTY);
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.yaml");
    fs::write(&file, UGLY).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("set");
    symlink("policy.yaml", folder.path().join("link.yaml")).expect("a link");
    assert_eq!(fmt(&["link.yaml"], folder.path(), "").status.code(), Some(0));
    assert_eq!(fs::read_to_string(&file).expect("the file"), PRETTY);
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(folder.path().join("link.yaml")).expect("the link").is_symlink());
}

#[test]
fn the_policies_to_copy_are_formatted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let output = fmt(&["--check", "policies"], &root, "");
    assert_eq!((output.status.code(), out(&output)), (Some(0), String::new()));
}

/// Every policy and every case of the repository means the same after formatting, and formatting again changes nothing.
#[test]
fn formatting_keeps_the_meaning_of_every_file_we_have() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["policies", "tests/corpus/cases", "tests/corpus/broken", "cli/tests/bad"] {
        collect(&root.join(folder), &mut files);
    }
    let mut formatted = 0;
    for file in &files {
        let text = fs::read_to_string(file).expect("the file");
        let Some(before) = values(&text) else { continue };
        let output = fmt(&["-"], Path::new("."), &text);
        assert_eq!(output.status.code(), Some(0), "{}: {}", file.display(), err(&output));
        let once = out(&output);
        assert_eq!(values(&once), Some(before), "{}", file.display());
        assert_eq!(out(&fmt(&["-"], Path::new("."), &once)), once, "{}", file.display());
        formatted += 1;
    }
    assert!(formatted > 40, "only {formatted} files");
}

fn values(text: &str) -> Option<Vec<Value>> {
    use serde::Deserialize;
    serde_yaml_ng::Deserializer::from_str(text).map(|document| Value::deserialize(document).ok()).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "yaml") {
            files.push(path);
        }
    }
}
