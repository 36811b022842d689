//! `policies/pluginconfig.schema.json` is what the raw types say, and every policy to copy keeps to it.
//! `MESHWARD_BLESS=1 cargo test -p meshward-corpus --test schema` writes the file anew.

#![expect(clippy::expect_used, reason = "a test says what it expected and stops")]

use meshward_corpus::{broken, case::Policy, files};
use serde_json::Value;
use std::path::PathBuf;

const FIRST_LINE: &str = "# yaml-language-server: $schema=../pluginconfig.schema.json";

fn schema_file() -> PathBuf {
    files::root().join("policies/pluginconfig.schema.json")
}

#[test]
fn the_schema_in_the_repository_is_the_one_that_the_types_give() {
    let generated = format!("{:#}\n", meshward_pipeline::schema());
    if std::env::var_os("MESHWARD_BLESS").is_some() {
        std::fs::write(schema_file(), &generated).expect("the schema can be written");
    }
    let kept = files::text(&schema_file()).unwrap_or_default();
    assert!(
        kept == generated,
        "{} is not what the types give; run `MESHWARD_BLESS=1 cargo test -p meshward-corpus --test schema` and \
         look at the difference",
        files::short(&schema_file())
    );
}

#[test]
fn every_policy_to_copy_keeps_to_the_schema_and_names_it() {
    let validator = jsonschema::draft7::new(&meshward_pipeline::schema()).expect("the schema is one");
    for folder in files::policy_folders().expect("policies") {
        let path = folder.join("policy.yaml");
        let text = files::text(&path).expect("a policy");
        assert_eq!(text.lines().next(), Some(FIRST_LINE), "{}", files::short(&path));
        let wrong = problems(&validator, &files::policy(&path).expect("YAML"));
        assert!(wrong.is_empty(), "{}: {}", files::short(&path), wrong.join("\n"));
        assert!(folder.join("README.md").is_file(), "{} has no README.md", files::short(&folder));
    }
}

#[test]
fn every_configuration_of_a_case_keeps_to_the_schema() {
    let validator = jsonschema::draft7::new(&meshward_pipeline::schema()).expect("the schema is one");
    for case in files::all_cases().expect("the corpus is readable") {
        let wrong = problems(&validator, &case.policy);
        assert!(wrong.is_empty(), "{}: {}", case.policy.name, wrong.join("\n"));
    }
}

#[test]
fn the_schema_finds_misspelt_names_while_they_are_typed() {
    let validator = jsonschema::draft7::new(&meshward_pipeline::schema()).expect("the schema is one");
    for file in ["default-deny/broken/misspelt-field.yaml", "shadow-rollout/broken/mode-misspelt.yaml"] {
        let policy = files::policy(&files::root().join("policies").join(file)).expect("YAML");
        assert!(!problems(&validator, &policy).is_empty(), "{file} keeps to the schema");
    }
}

#[test]
fn what_istio_is_handed_is_a_policy_of_the_folder() {
    let root = files::root().join("policies");
    let policy = files::policy(&root.join("namespace-isolation/policy.yaml")).expect("a policy");
    let policy: Value = serde_json::from_str(&policy.json).expect("JSON");
    for (file, pointer) in [
        ("istio/wasmplugin.yaml", "/spec/pluginConfig"),
        ("istio/trafficextension.yaml", "/spec/wasm/pluginConfig"),
    ] {
        let resource = files::policy(&root.join(file)).expect("YAML");
        let resource: Value = serde_json::from_str(&resource.json).expect("JSON");
        let handed = resource.pointer(pointer).expect("a plugin configuration");
        assert_eq!(handed, &policy, "{file} has another policy than namespace-isolation");
        let handed = Policy { name: file.to_owned(), json: handed.to_string() };
        assert_eq!(broken::problems(&handed), Vec::<String>::new());
    }
}

fn problems(validator: &jsonschema::Validator, policy: &Policy) -> Vec<String> {
    let value: Value = serde_json::from_str(&policy.json).expect("JSON");
    validator.iter_errors(&value).map(|error| format!("{}: {error}", error.instance_path)).collect()
}
