//! What comes of the tricks that advisories tell of, in every door: the list is printed, and each row of it is shown.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected, did and left out"
)]

use meshward_corpus::advisories::{self, How, Row, goes_on, is_istios};
use meshward_corpus::broken::{self, Broken};
use meshward_corpus::case::Case;
use meshward_corpus::check::Finding;
use meshward_corpus::engines::{self, Modules};
use meshward_corpus::host::{Rig, Through};
use meshward_corpus::played::Form;
use meshward_corpus::tally::Tally;
use meshward_corpus::{envoy, files, host, native};
use std::collections::BTreeMap;

/// What one door, in one form, made of the cases.
struct Door {
    tally: Tally,
    findings: Vec<Finding>,
}

/// How wrong verdicts begin.
const FALSE_ALLOW: &str = r#"verdict: expected "deny", got "allow""#;
const FALSE_DENIAL: &str = r#"verdict: expected "allow", got "deny""#;

#[test]
fn every_advisory_is_shown_by_a_refusal_and_by_what_goes_on_beside_it() {
    let (rows, cases, broken) = all();
    let wrong = advisories::wrong(&rows, &cases, &broken).expect("the files that rows name are there");
    assert!(wrong.is_empty(), "{} faults of the list:\n{}", wrong.len(), wrong.join("\n"));
    let count = |of: fn(&How) -> bool| rows.iter().filter(|row| of(&row.how)).count();
    println!(
        "{} rows: {} by cases or configurations, {} by tests of their own, {} skipped, {} without a request",
        rows.len(),
        count(|how| matches!(how, How::Cases)),
        count(|how| matches!(how, How::Test { .. })),
        count(|how| matches!(how, How::Skipped(_))),
        count(|how| matches!(how, How::Nothing(_))),
    );
}

#[test]
fn no_trick_of_an_advisory_works_in_any_door() {
    let (rows, cases, broken) = all();
    let cases: Vec<Case> = cases.into_iter().filter(|case| !case.advisories.is_empty()).collect();
    let doors = through(&cases);
    for row in &rows {
        println!("{}", line(row, &cases, &broken, &doors));
    }
    let all: Vec<&Finding> = doors.iter().flat_map(|door| &door.findings).collect();
    let count = |start: &str| all.iter().filter(|finding| finding.what.starts_with(start)).count();
    let (allowed, denied) = (count(FALSE_ALLOW), count(FALSE_DENIAL));
    for Door { tally, .. } in &doors {
        println!("{tally}");
    }
    println!("{allowed} false allows, {denied} false denials");
    let told: Vec<_> = all.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "{} differences:\n{}", told.len(), told.join("\n"));
}

fn all() -> (Vec<Row>, Vec<Case>, Vec<Broken>) {
    let files = files::broken().expect("the folders are readable");
    let broken = files.iter().map(|file| broken::read(file).expect("a broken configuration"));
    let rows = advisories::catalog().expect("the list is readable");
    (rows, files::all_cases().expect("the corpus is readable"), broken.collect())
}

/// Every door in every form.
fn through(cases: &[Case]) -> Vec<Door> {
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    let envoys =
        [engines::main(), engines::second()].map(|at| at.unwrap_or_else(|remedy| panic!("{remedy}")));
    let mut doors = Vec::new();
    for form in Form::ALL {
        let (tally, findings) = native::run(cases, form).expect("every configuration is taken");
        doors.push(Door { tally, findings });
        let rig = Rig::new(&modules, form, cases).expect("the modules are there");
        let Through { tally, findings, .. } = host::run(&rig, cases).expect("every configuration is taken");
        doors.push(Door { tally, findings });
        for binary in &envoys {
            let ran = envoy::run(binary, &modules, form, cases);
            let (tally, findings) = ran.expect("Envoy takes every configuration");
            doors.push(Door { tally, findings });
        }
    }
    doors
}

/// A row with what came of it.
fn line(row: &Row, cases: &[Case], broken: &[Broken], doors: &[Door]) -> String {
    match &row.how {
        How::Nothing(why) => return format!("{row}\n  no request: {why}"),
        How::Skipped(why) => return format!("{row}\n  skipped: {why}"),
        How::Test { file, name } => return format!("{row}\n  shown by {name} of {file}"),
        How::Cases => {}
    }
    let refused = broken.iter().filter(|one| one.advisories.iter().any(|id| row.ids.contains(id)));
    let configurations: Vec<_> = refused.map(|one| one.policy.name.as_str()).collect();
    if !configurations.is_empty() {
        return format!("{row}\n  refused when it is configured: {}", configurations.join(", "));
    }
    let mine: Vec<&Case> =
        cases.iter().filter(|case| case.advisories.iter().any(|id| row.ids.contains(id))).collect();
    let (theirs, ours): (Vec<&Case>, Vec<&Case>) = mine.iter().partition(|case| is_istios(case));
    let steps = |cases: &[&Case]| {
        let steps = || cases.iter().flat_map(|case| &case.steps);
        let on = steps().filter(|step| goes_on(&step.expect)).count();
        format!("{} refused, {on} went on", steps().count().saturating_sub(on))
    };
    let mut text = format!("{row}\n  {}", steps(&ours));
    if !theirs.is_empty() {
        text = format!("{text}; Istio's documents: {}", steps(&theirs));
    }
    for case in theirs.iter().filter_map(|case| case.differs.as_ref()) {
        text = format!("{text}\n  differs: {case}");
    }
    let said: BTreeMap<&str, String> =
        doors.iter().map(|door| (door.tally.door.as_str(), of(door, &mine))).collect();
    let said: Vec<_> = said.iter().map(|(door, what)| format!("{door}: {what}")).collect();
    format!("{text}\n  {}", said.join(" · "))
}

/// What one door made of these cases.
fn of(door: &Door, cases: &[&Case]) -> String {
    let is_mine = |name: &String| cases.iter().any(|case| case.name == *name);
    let wrong = door.findings.iter().filter(|finding| is_mine(&finding.case)).count();
    let skipped = door.tally.skipped.iter().filter(|(name, _)| is_mine(name)).count();
    match (wrong, skipped) {
        (0, 0) => "as expected".to_owned(),
        (0, skipped) => format!("as expected, {skipped} of {} cases skipped", cases.len()),
        (wrong, _) => format!("{wrong} DIFFERENCES"),
    }
}
