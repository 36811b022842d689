//! The whole corpus through the shipped module in real Envoys: both doors agree because both agree with the cases.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected, did and left out"
)]

use meshward_corpus::engines::{self, Modules};
use meshward_corpus::played::Form;
use meshward_corpus::{envoy, files};
use std::path::Path;

#[test]
fn every_case_goes_as_it_says_through_the_main_envoy() {
    through(&engines::main().unwrap_or_else(|remedy| panic!("{remedy}")));
}

#[test]
fn every_case_goes_as_it_says_through_the_second_envoy() {
    through(&engines::second().unwrap_or_else(|remedy| panic!("{remedy}")));
}

fn through(binary: &Path) {
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    let cases = files::all_cases().expect("the corpus is readable");
    let mut told = Vec::new();
    for form in Form::ALL {
        let ran = envoy::run(binary, &modules, form, &cases);
        let (tally, findings) = ran.expect("Envoy takes every configuration");
        println!("{tally}");
        assert!(tally.ran_nearly_all(), "more than one case in twenty is skipped");
        told.extend(findings.iter().map(|finding| format!("{}: {finding}", form.name())));
    }
    assert!(told.is_empty(), "{} differences:\n{}", told.len(), told.join("\n"));
}
