//! `meshward lint`, as people call it. The documents in `bad/` are mistakes that engineers make; beside each lies what lint says of
//! it. `MESHWARD_BLESS=1` writes that anew: read the difference before you commit it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expected and stops"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn lint(arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_meshward"))
        .arg("lint")
        .args(arguments)
        .current_dir(folder())
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

fn bad() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder().join("bad"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    names
}

/// Compares with what is written down, or writes it down.
fn golden(name: &str, said: &str, wrong: &mut Vec<String>) {
    let path = folder().join(name);
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if said != expected {
        if std::env::var_os("MESHWARD_BLESS").is_some() {
            fs::write(&path, said).expect("the file can be written");
        }
        wrong.push(format!("{name}\n--- expected\n{expected}\n--- said\n{said}"));
    }
}

#[test]
fn every_bad_document_is_told_where_what_and_what_instead() {
    let names = bad();
    assert!(names.len() >= 20, "only {} documents", names.len());
    let mut wrong = Vec::new();
    for name in &names {
        let file = format!("bad/{name}.yaml");
        let output = lint(&[&file], "");
        golden(&format!("bad/{name}.txt"), &out(&output), &mut wrong);
        // Warnings alone do not end with 1.
        let code = if out(&output).contains("error[MW") { 1 } else { 0 };
        assert_eq!(output.status.code(), Some(code), "{name}");
        let json = lint(&[&file, "-o", "json"], "");
        let report: Value = serde_json::from_slice(&json.stdout).expect("JSON");
        let findings = report["findings"].as_array().cloned().unwrap_or_default();
        assert!(!findings.is_empty(), "{name}");
        for finding in findings {
            assert_ne!(finding["help"], "", "{name}: {finding}");
            assert!(finding["line"].as_u64() > Some(0), "{name}: {finding}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn codes(text: &str) -> Vec<String> {
    let report: Value = serde_json::from_slice(&lint(&["-o", "json", "-"], text).stdout).expect("JSON");
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    findings
        .iter()
        .map(|finding| format!("{} {}", finding["code"], finding["path"]).replace('"', ""))
        .collect()
}

#[test]
fn one_run_tells_all_and_nothing_that_is_only_a_consequence() {
    let config =
        "apiVersion: meshward.io/v1alpha1\nkind: PluginConfig\nwhenNothingAplies: deny\ndocuments:\n";
    let head = "apiVersion: meshward.io/v1alpha1, kind: AccessPolicy, metadata: {name: a, namespace: b}";
    for (rules, expected) in [
        // The only content of a source is misspelt beyond repair: that it is empty then is no news.
        ("[{from: [{source: {zzz: [a]}}]}]", vec!["MW0103 rules[0].from[0].source.zzz"]),
        // A misspelt field is read all the same.
        (
            "[{to: [{operation: {method: [get]}}]}]",
            vec!["MW0103 rules[0].to[0].operation.method", "MW0404 rules[0].to[0].operation.method[0]"],
        ),
        // A mistake in one rule hides none in another.
        (
            "[{form: []}, {to: [{operation: {ports: [80], paths: [x]}}]}]",
            vec![
                "MW0103 rules[0].form",
                "MW0601 rules[0].form",
                "MW0105 rules[1].to[0].operation.ports[0]",
                "MW0408 rules[1].to[0].operation.paths[0]",
            ],
        ),
    ] {
        let document = format!("  - {{{head}, spec: {{rules: {rules}}}}}\n  - {{kind: Nonsense}}\n");
        let mut all = vec!["MW0104 ".to_owned(), "MW0103 whenNothingAplies".to_owned()];
        all.extend(expected.iter().map(|one| one.replace("rules", "documents[0].spec.rules")));
        all.push("MW0201 documents[1].kind".to_owned());
        let (mut said, mut wanted) = (codes(&format!("{config}{document}")), all);
        said.sort();
        wanted.sort();
        assert_eq!(said, wanted, "{rules}");
    }
}

#[test]
fn aliases_stand_for_what_they_name_and_cannot_grow_without_bound() {
    let shared = "spec:\n  rules:\n    - from: &web [{source: {namespaces: [web]}}]\n    - from: *web\n";
    let document = format!(
        "apiVersion: meshward.io/v1alpha1\nkind: AccessPolicy\nmetadata: {{name: a, namespace: b}}\n{shared}"
    );
    assert_eq!(codes(&document), Vec::<String>::new());
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let ten = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{ten}]\n"));
    }
    assert_eq!(codes(&bomb), ["MW0101 "]);
}

const FEW: [&str; 3] =
    ["bad/01-misspelt-field.yaml", "bad/16-one-key-twice.yaml", "bad/23-unquoted-words.yaml"];

#[test]
fn each_format_says_the_same() {
    let mut wrong = Vec::new();
    for format in ["json", "sarif", "github"] {
        let mut arguments = vec!["-o", format];
        arguments.extend(FEW);
        let output = lint(&arguments, "");
        assert_eq!(output.status.code(), Some(1), "{format}");
        let text = match format {
            "sarif" => without_rules(&output),
            _ => out(&output),
        };
        golden(&format!("formats/few.{format}"), &text, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// SARIF with its table of rules counted, not shown: it is the table of codes.
fn without_rules(output: &Output) -> String {
    let mut sarif: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rules = &mut sarif["runs"][0]["tool"]["driver"]["rules"];
    let count = rules.as_array().map_or(0, Vec::len);
    assert!(count >= 60, "{count} rules");
    *rules = Value::Null;
    format!("{sarif:#}\n")
}

#[test]
fn sarif_keeps_to_the_schema_of_2_1_0() {
    let schema: Value =
        serde_json::from_str(&fs::read_to_string(sarif_schema()).expect("the schema")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let mut arguments = vec!["-o", "sarif", "-"];
    let names: Vec<String> = bad().into_iter().map(|name| format!("bad/{name}.yaml")).collect();
    arguments.extend(names.iter().map(String::as_str));
    let output = lint(&arguments, "apiVersion: v1\nkind: Pod\n");
    let mut sarif: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let errors: Vec<String> = validator.iter_errors(&sarif).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert!(sarif["runs"][0]["results"].as_array().is_some_and(|results| results.len() > 30));
    // The schema does refuse things.
    sarif["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&sarif));
}

/// The official schema, as the crate `serde-sarif` holds it.
fn sarif_schema() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let version = Command::new("rustc").arg("-vV").output().expect("rustc");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    // Crates of other platforms were never downloaded.
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .arg("--manifest-path")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()
        .expect("cargo");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("metadata");
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let package = packages.iter().find(|package| package["name"] == "serde-sarif").expect("serde-sarif");
    let manifest = package["manifest_path"].as_str().expect("a path");
    Path::new(manifest).with_file_name("src").join("schema.json")
}

#[test]
fn fingerprints_do_not_move_with_lines() {
    let text = fs::read_to_string(folder().join(FEW[0])).expect("the document");
    let prints = |text: &str| -> Vec<Value> {
        let sarif: Value = serde_json::from_slice(&lint(&["-o", "sarif", "-"], text).stdout).expect("JSON");
        let results = sarif["runs"][0]["results"].as_array().cloned().unwrap_or_default();
        results.iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let before = prints(&text);
    assert_eq!(before.len(), 3);
    assert!(
        before.iter().all(|print| before.iter().filter(|other| *other == print).count() == 1),
        "{before:?}"
    );
    assert_eq!(prints(&format!("# one\n# two\n{text}")), before);
}

const GOOD: &str = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a, namespace: shop}\nspec: {rules: [{}]}\n";

#[test]
fn what_kubectl_prints_is_read_item_by_item() {
    let item = GOOD.replace('\n', "\n    ");
    let list =
        format!("apiVersion: v1\nkind: List\nitems:\n  - {item}\n  - {}", item.replace("rules", "rule"));
    let output = lint(&["-o", "github", "-"], &list);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("title=MW0103 items[1].spec.rule"), "{}", out(&output));
    let empty = lint(&["-"], "apiVersion: v1\nkind: List\nitems: []\n");
    assert_eq!((empty.status.code(), out(&empty)), (Some(0), String::new()));
}

#[test]
fn a_document_behind_a_broken_one_is_read() {
    let output = lint(&["-o", "json", "-"], &format!("a: [1\n---\n{}", GOOD.replace("rules", "rule")));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let codes: Vec<_> =
        report["findings"].as_array().into_iter().flatten().map(|one| one["code"].clone()).collect();
    assert_eq!(codes, ["MW0101", "MW0103"]);
    assert_eq!(report["findings"][1]["line"], 6);
}

#[test]
fn places_count_characters_and_not_bytes() {
    let text = format!("# Größe\n{}", GOOD.replace("name: a", "namé: ä, name: a"));
    let report: Value = serde_json::from_slice(&lint(&["-o", "json", "-"], &text).stdout).expect("JSON");
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["line"], &finding["column"], &finding["endColumn"]),
        (&4.into(), &12.into(), &16.into()),
        "{report:#}"
    );
}

#[test]
fn warnings_end_with_1_only_when_asked_for() {
    let text = GOOD.replace("{}", "{to: [{operation: {paths: ['/orders/.*']}}]}");
    for (fail_on, code) in [("error", 0), ("warning", 1), ("never", 0)] {
        let output = lint(&["--fail-on", fail_on, "-"], &text);
        assert_eq!(output.status.code(), Some(code), "{fail_on}");
        assert!(out(&output).contains("warning[MW0909]"), "{}", out(&output));
    }
    assert_eq!(lint(&["--fail-on", "never", FEW[0]], "").status.code(), Some(0));
}

#[test]
fn what_is_not_ours_is_skipped_and_counted() {
    let stranger = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n";
    let output = lint(&["-"], &format!("{stranger}{stranger}{GOOD}"));
    assert_eq!(output.status.code(), Some(0));
    assert!(err(&output).contains("2 × kind Service"), "{}", err(&output));
    let quiet = lint(&["-q", "-"], &format!("{stranger}{GOOD}"));
    assert_eq!(err(&quiet), "");
}

#[test]
fn what_cannot_be_read_ends_with_3_and_a_wrong_command_line_with_2() {
    let output = lint(&["no-such-file.yaml"], "");
    assert_eq!(output.status.code(), Some(3));
    assert!(err(&output).contains("no-such-file.yaml") && err(&output).contains("help:"), "{}", err(&output));
    assert_eq!(lint(&["--no-such-option"], "").status.code(), Some(2));
}

#[test]
fn what_is_excluded_is_not_read_and_is_counted() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    let policies = policies.to_str().expect("UTF-8");
    let all = lint(&[policies], "");
    assert_eq!(all.status.code(), Some(1), "broken/ is there to be refused");
    let good = lint(&[policies, "--exclude", "**/broken/**"], "");
    assert_eq!((good.status.code(), out(&good).as_str()), (Some(0), ""), "{}", err(&good));
    let broken =
        err(&good).lines().find_map(|line| line.strip_prefix("left out by --exclude: ").map(str::to_owned));
    let broken = broken.and_then(|rest| rest.split(' ').next().and_then(|count| count.parse::<usize>().ok()));
    assert!(broken > Some(10), "{}", err(&good));
    let report = lint(&["-o", "json", "bad", "--exclude", "0*", "--exclude", "bad/1?-*.yaml"], "");
    let report: Value = serde_json::from_slice(&report.stdout).expect("JSON");
    let excluded = report["excluded"].as_array().cloned().unwrap_or_default();
    assert_eq!((excluded.len(), &excluded[0]), (19, &"bad/01-misspelt-field.yaml".into()), "{excluded:?}");
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    assert!(!findings.is_empty() && findings.iter().all(|one| one["file"].as_str() > Some("bad/2")));
    // A file that is named and excluded is not even opened, and a pattern that is none is a wrong command line.
    let named = lint(&["no-such-file.yaml", "--exclude", "no-such-*"], "");
    assert_eq!(named.status.code(), Some(0), "{}", err(&named));
    assert!(err(&named).contains("left out by --exclude: 1 file"), "{}", err(&named));
    assert_eq!(lint(&["--exclude", "a[", "bad"], "").status.code(), Some(2));
}

#[test]
fn color_is_for_terminals_and_for_those_who_ask() {
    assert!(!out(&lint(&[FEW[0]], "")).contains('\u{1b}'));
    assert!(out(&lint(&["--color", "always", FEW[0]], "")).contains('\u{1b}'));
    assert!(!out(&lint(&["--color", "never", FEW[0]], "")).contains('\u{1b}'));
}

#[test]
fn the_policies_to_copy_have_no_finding() {
    let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    for entry in fs::read_dir(&policies).expect("policies") {
        let path = entry.expect("an entry").path();
        for name in ["policy.yaml", "wasmplugin.yaml", "trafficextension.yaml"] {
            let file = path.join(name);
            if file.is_file() {
                let output = lint(&["--fail-on", "warning", file.to_str().expect("UTF-8")], "");
                assert_eq!(
                    (output.status.code(), out(&output).as_str()),
                    (Some(0), ""),
                    "{}",
                    file.display()
                );
            }
        }
    }
    if !policies.is_dir() {
        panic!("{} is missing", policies.display());
    }
}
