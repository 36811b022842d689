//! What `test` prints.

use std::io::Write;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::{CaseResult, End, Suite};
use crate::console::{Console, Ink};
use crate::failure::Failure;

/// How many of the rules of all suites decided a case, in percent, rounded down; 100 where there is no rule.
pub(super) fn percent_covered(suites: &[Suite]) -> u32 {
    let (covered, total) = covered(suites);
    let percent = covered.saturating_mul(100).checked_div(total).unwrap_or(100);
    u32::try_from(percent).unwrap_or(100)
}

fn covered(suites: &[Suite]) -> (usize, usize) {
    let all = suites.iter().flat_map(|suite| &suite.coverage);
    all.fold((0, 0), |(covered, total), (_, coverage)| {
        (covered.saturating_add(coverage.covered()), total.saturating_add(coverage.total()))
    })
}

fn count(suites: &[Suite], of: fn(&End) -> bool) -> usize {
    suites.iter().flat_map(|suite| &suite.results).filter(|result| of(&result.end)).count()
}

pub(super) fn text(suites: &[Suite], verbose: bool, console: &mut Console) -> Result<(), Failure> {
    for suite in suites {
        suite_text(suite, verbose, console)?;
    }
    let passed = count(suites, |end| *end == End::Passed);
    let failed = count(suites, |end| matches!(end, End::Failed(_)));
    let skipped = count(suites, |end| matches!(end, End::Skipped(_)));
    let (covered, total) = covered(suites);
    let failed_text = format!("{failed} failed");
    let failed = console.ink(if failed == 0 { Ink::Faint } else { Ink::Bad }, &failed_text);
    let percent = percent_covered(suites);
    writeln!(
        console.out(),
        "{passed} passed, {failed}, {skipped} skipped; {covered} of {total} rules decided a case ({percent} %)"
    )?;
    Ok(())
}

fn suite_text(suite: &Suite, verbose: bool, console: &mut Console) -> Result<(), Failure> {
    let file = console.ink(Ink::Strong, &suite.file);
    let passed = suite.results.iter().filter(|result| result.end == End::Passed).count();
    writeln!(console.out(), "{file}: {passed} of {} cases passed", suite.results.len())?;
    for CaseResult { name, end } in &suite.results {
        match end {
            End::Passed if !verbose => {}
            End::Passed => {
                let mark = console.ink(Ink::Good, "ok");
                writeln!(console.out(), "  {mark}      {name}")?;
            }
            End::Skipped(reason) => {
                let mark = console.ink(Ink::Note, "skipped");
                writeln!(console.out(), "  {mark} {name}: {reason}")?;
            }
            End::Failed(found) => {
                let mark = console.ink(Ink::Bad, "FAILED");
                writeln!(console.out(), "  {mark}  {name}")?;
                for (step, what) in found {
                    writeln!(console.out(), "            step {step}: {what}")?;
                }
            }
        }
    }
    rules_text(suite, verbose, console)
}

fn rules_text(suite: &Suite, verbose: bool, console: &mut Console) -> Result<(), Failure> {
    for (policy, coverage) in &suite.coverage {
        for (rule, hits) in coverage.rules().filter(|(_, hits)| verbose || *hits == 0) {
            if hits == 0 {
                let mark = console.ink(Ink::Note, "never");
                writeln!(console.out(), "  {mark}   {rule} decides no case ({policy})")?;
            } else {
                let mark = console.ink(Ink::Faint, "rule");
                writeln!(console.out(), "  {mark}    {rule} decides {hits}")?;
            }
        }
    }
    Ok(())
}

pub(super) fn json(suites: &[Suite], console: &mut Console) -> Result<(), Failure> {
    let case = |result: &CaseResult| match &result.end {
        End::Passed => json!({"name": result.name, "result": "passed"}),
        End::Skipped(reason) => json!({"name": result.name, "result": "skipped", "reason": reason}),
        End::Failed(found) => {
            let found = found.iter().map(|(step, what)| json!({"step": step, "what": what}));
            json!({"name": result.name, "result": "failed", "differences": found.collect::<Vec<_>>()})
        }
    };
    let suites_json = suites.iter().map(|suite| {
        let rules = suite.coverage.iter().flat_map(|(policy, coverage)| {
            coverage.rules().map(move |(rule, hits)| json!({"policy": policy, "rule": rule, "decided": hits}))
        });
        json!({
            "file": suite.file,
            "cases": suite.results.iter().map(case).collect::<Vec<_>>(),
            "rules": rules.collect::<Vec<_>>(),
        })
    });
    let (covered, total) = covered(suites);
    let whole = json!({
        "suites": suites_json.collect::<Vec<_>>(),
        "passed": count(suites, |end| *end == End::Passed),
        "failed": count(suites, |end| matches!(end, End::Failed(_))),
        "skipped": count(suites, |end| matches!(end, End::Skipped(_))),
        "rules": {"covered": covered, "total": total},
    });
    writeln!(console.out(), "{whole:#}")?;
    Ok(())
}

pub(super) fn junit(suites: &[Suite], console: &mut Console) -> Result<(), Failure> {
    let mut report = Report::new("meshward test");
    for suite in suites {
        let mut junit = TestSuite::new(suite.file.clone());
        for CaseResult { name, end } in &suite.results {
            let mut case = TestCase::new(name.clone(), status(end));
            case.set_classname(suite.file.clone());
            junit.add_test_case(case);
        }
        report.add_test_suite(junit);
    }
    let xml = report.to_string().map_err(|error| Failure::Bug(error.to_string()))?;
    writeln!(console.out(), "{xml}")?;
    Ok(())
}

fn status(end: &End) -> TestCaseStatus {
    match end {
        End::Passed => TestCaseStatus::success(),
        End::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.clone());
            status
        }
        End::Failed(found) => {
            let lines: Vec<String> =
                found.iter().map(|(step, what)| format!("step {step}: {what}")).collect();
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(lines.join("; "));
            status
        }
    }
}
