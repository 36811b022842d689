//! The whole corpus through the shipped module in the embedded host, within its budgets of host calls and fuel.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected, did and left out"
)]

use meshward_corpus::engines::Modules;
use meshward_corpus::host::{Rig, Through, run};
use meshward_corpus::played::Form;
use meshward_corpus::{budgets, files};
use std::collections::BTreeMap;

#[test]
fn every_case_goes_as_it_says_through_the_embedded_host() {
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    let cases = files::all_cases().expect("the corpus is readable");
    let mut all = BTreeMap::new();
    let mut told = Vec::new();
    for form in Form::ALL {
        let rig = Rig::new(&modules, form, &cases).expect("the modules are there");
        let Through { tally, findings, spent } =
            run(&rig, &cases).expect("the modules take every configuration");
        println!("{tally}");
        assert!(tally.ran_nearly_all(), "more than one case in twenty is skipped");
        told.extend(findings.iter().map(|finding| format!("{}: {finding}", form.name())));
        all.extend(spent);
    }
    assert!(told.is_empty(), "{} differences:\n{}", told.len(), told.join("\n"));
    let report = budgets::check(&all).expect("the budgets are readable");
    println!("{report}");
    assert!(
        report.is_kept(),
        "a case takes more than its budget; look why, or write it down with MESHWARD_BLESS=1"
    );
}
