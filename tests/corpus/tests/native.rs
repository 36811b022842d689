//! The whole corpus through the native door.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test says what it expected, did and left out"
)]

use meshward_corpus::played::Form;
use meshward_corpus::{files, native};

#[test]
fn every_case_goes_as_it_says_through_guard() {
    through(Form::Guard);
}

#[test]
fn every_case_goes_as_it_says_through_the_plugins_apart() {
    through(Form::Apart);
}

#[test]
fn guard_and_the_plugins_apart_say_the_same_of_every_case() {
    let cases = files::all_cases().expect("the corpus is readable");
    let findings = native::compare_forms(&cases).expect("every configuration is taken");
    let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} differences:\n{}", told.len(), told.join("\n"));
}

fn through(form: Form) {
    let cases = files::all_cases().expect("the corpus is readable");
    let (tally, findings) = native::run(&cases, form).expect("every configuration is taken");
    println!("{tally}");
    let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} differences:\n{}", told.len(), told.join("\n"));
    assert!(tally.ran_nearly_all(), "more than one case in twenty is skipped");
}

#[test]
fn the_corpus_is_large_enough_to_mean_something() {
    let cases = files::all_cases().expect("the corpus is readable");
    let long = cases.iter().filter(|case| case.steps.len() > 1).count();
    println!("{} cases, {long} of them with more than one step", cases.len());
    assert!(cases.len() >= 300, "{} cases", cases.len());
}
