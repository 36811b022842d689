//! The whole corpus through the shipped module in the embedded host, within its budgets of host calls and fuel.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected, did and left out"
)]

use meshward_corpus::host::{Rig, Through, run};
use meshward_corpus::{budgets, engines, files};

#[test]
fn every_case_goes_as_it_says_through_the_embedded_host() {
    let module = engines::module().unwrap_or_else(|remedy| panic!("{remedy}"));
    let cases = files::all_cases().expect("the corpus is readable");
    let rig = Rig::new(&module).expect("the module is one");
    let Through { tally, findings, spent } = run(&rig, &cases).expect("the module takes every configuration");
    println!("{tally}");
    let told: Vec<_> = findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{} differences:\n{}", told.len(), told.join("\n"));
    assert!(tally.ran_nearly_all(), "more than one case in twenty is skipped");
    let report = budgets::check(&spent).expect("the budgets are readable");
    println!("{report}");
    assert!(
        report.is_kept(),
        "a case takes more than its budget; look why, or write it down with MESHWARD_BLESS=1"
    );
}
