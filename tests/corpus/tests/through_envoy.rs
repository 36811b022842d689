//! The whole corpus through the shipped module in real Envoys: both doors agree because both agree with the cases.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected, did and left out"
)]

use meshward_corpus::{engines, envoy, files};
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
    let module = engines::module().unwrap_or_else(|remedy| panic!("{remedy}"));
    let cases = files::all_cases().expect("the corpus is readable");
    let (tally, findings) = envoy::run(binary, &module, &cases).expect("Envoy takes every configuration");
    println!("{tally}");
    let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} differences:\n{}", told.len(), told.join("\n"));
    assert!(tally.ran_nearly_all(), "more than one case in twenty is skipped");
}
