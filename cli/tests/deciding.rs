//! `can-i` and `test`, as people call them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expected and stops"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const ISOLATION: &str = "namespace-isolation/policy.yaml";
const ORDER: &str = "http://orders.shop/v1/orders/7";

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}

fn meshward(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshward"));
    command.args(arguments).current_dir(policies()).output().expect("the command starts")
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}"))
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn yes_is_0_and_no_is_1_and_both_say_why() {
    let yes = meshward(&["can-i", "shop/web", "GET", ORDER, "-p", ISOLATION]);
    assert_eq!(
        (code(&yes), out(&yes).as_str()),
        (0, "yes  ns[shop]-policy[isolation]-rule[0], authz.allow_rule\n")
    );
    let no = meshward(&["can-i", "other/web", "GET", ORDER, "-p", ISOLATION]);
    assert_eq!((code(&no), out(&no).lines().next()), (1, Some("no  authz.no_allow_match, status 403")));
    assert!(
        out(&no).contains("nearest: ns[shop]-policy[isolation]-rule[0] (namespace-isolation"),
        "{}",
        out(&no)
    );
    assert!(err(&no).contains("meshward explain authz.no_allow_match"), "{}", err(&no));
}

#[test]
fn the_answer_is_one_json_object_when_asked_for() {
    let no = meshward(&["can-i", "anonymous", "GET", "/", "-p", ISOLATION, "-o", "json", "-q"]);
    let answer: serde_json::Value = serde_json::from_str(&out(&no)).expect("JSON");
    assert_eq!((&answer["allowed"], &answer["reason"]), (&false.into(), &"authz.no_allow_match".into()));
    assert_eq!(answer["near"]["rule"], "ns[shop]-policy[isolation]-rule[0]");
    assert_eq!(answer["near"]["missed"][0]["open"], true, "{answer}");
    assert_eq!(err(&no), "");
}

#[test]
fn a_path_is_asked_for_as_it_is_written() {
    let url = "http://orders.shop/orders/%2e%2e/admin";
    let tricky = meshward(&["can-i", "shop/web", "GET", url, "-p", "default-deny/policy.yaml"]);
    assert_eq!((code(&tricky), out(&tricky).as_str()), (1, "no  authz.path_refused, status 400\n"));
}

#[test]
fn headers_ports_and_transports_count() {
    let ask = |more: &[&str]| {
        let mut all = vec!["can-i", "ops/console", "POST", "http://orders.shop:9443/admin/users"];
        all.extend(["-p", "admin-lockdown/policy.yaml"]);
        all.extend(more);
        code(&meshward(&all))
    };
    assert_eq!(ask(&["-H", "x-change-ticket: CHG-7"]), 0);
    assert_eq!(ask(&[]), 1);
    assert_eq!(ask(&["-H", "x-change-ticket: CHG-7", "--port", "8080"]), 1);
}

#[test]
fn a_wrong_command_line_is_2_and_a_policy_that_is_refused_is_3() {
    let caller = meshward(&["can-i", "web", "GET", "/", "-p", ISOLATION]);
    assert_eq!(code(&caller), 2, "{}", err(&caller));
    assert!(err(&caller).contains("`shop/web` for the same"), "{}", err(&caller));
    let missing = meshward(&["can-i", "shop/web", "GET", "/", "-p", "nowhere.yaml"]);
    assert_eq!(code(&missing), 3, "{}", err(&missing));
    let file = "default-deny/broken/misspelt-field.yaml";
    let broken = meshward(&["can-i", "shop/web", "GET", "/", "-p", file]);
    assert_eq!(code(&broken), 3, "{}", err(&broken));
    assert!(err(&broken).contains(&format!("meshward lint {file}")), "{}", err(&broken));
}

#[test]
fn the_policy_may_come_from_standard_input() {
    let text = std::fs::read(policies().join(ISOLATION)).expect("the policy");
    let mut child = Command::new(env!("CARGO_BIN_EXE_meshward"))
        .args(["can-i", "-q", "shop/web", "GET", "/", "-p", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the command starts");
    child.stdin.take().expect("a pipe").write_all(&text).expect("it reads");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn every_policy_of_ours_passes_its_cases_and_every_rule_decides_one() {
    let all = meshward(&["test", "--threshold", "100"]);
    assert_eq!(code(&all), 0, "{}{}", out(&all), err(&all));
    assert!(out(&all).contains("0 failed, 0 skipped"), "{}", out(&all));
}

#[test]
fn a_case_that_goes_otherwise_is_told_with_its_step_and_ends_with_1() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["policy.yaml", "cases.yaml"] {
        let text = std::fs::read_to_string(policies().join("default-deny").join(name)).expect("a file");
        let wrong = text.replace("verdict: allow", "verdict: deny");
        std::fs::write(folder.path().join(name), wrong).expect("a copy");
    }
    let at = folder.path().to_str().expect("UTF-8");
    let text = meshward(&["test", at]);
    assert_eq!(code(&text), 1, "{}", err(&text));
    assert!(out(&text).contains("FAILED  web may read the orders"), "{}", out(&text));
    assert!(out(&text).contains("step 1: verdict: expected \"deny\", got \"allow\""), "{}", out(&text));
    let junit = meshward(&["test", at, "-o", "junit"]);
    assert!(out(&junit).contains("<failure message=\"step 1: verdict: expected"), "{}", out(&junit));
    let json = meshward(&["test", at, "-o", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out(&json)).expect("JSON");
    assert_eq!(json["failed"], 1);
}

#[test]
fn coverage_under_the_threshold_ends_with_1_and_names_the_rule() {
    let filter = ["--filter", "only from administration", "--threshold", "90"];
    let few = meshward(&[&["test", "admin-lockdown"], &filter[..]].concat());
    assert_eq!(code(&few), 1, "{}", out(&few));
    assert!(out(&few).contains("decides no case"), "{}", out(&few));
}

#[test]
fn no_case_at_all_is_an_error_and_not_a_success() {
    let none = meshward(&["test", "--filter", "no such case"]);
    assert_eq!(code(&none), 3, "{}", out(&none));
    let stranger = meshward(&["test", "default-deny/policy.yaml"]);
    assert_eq!(code(&stranger), 3, "{}", err(&stranger));
}
