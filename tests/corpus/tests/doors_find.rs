//! The doors are not blind: an expectation that is wrong is found, natively and in Envoy.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]

use meshward_corpus::case::{Because, Case, Expect, Expected};
use meshward_corpus::check::Finding;
use meshward_corpus::engines::{self, Modules};
use meshward_corpus::played::Form;
use meshward_corpus::{envoy, files, native};

/// What is wrong in an expectation, and whether Envoy shows it.
type Wrong = (&'static str, fn(&mut Expected), bool);

const DENIED: &str = "only from administration";
const ALLOWED: &str = "the console changes with a ticket";
const SHADOW: &str = "a shadow DENY names its rule";

const OF_A_DENIAL: [Wrong; 4] = [
    ("verdict", |expected| expected.allowed = true, true),
    ("status", |expected| expected.status = 404, true),
    ("reason", |expected| expected.reason = "authz.otherwise".to_owned(), true),
    ("rule", |expected| expected.rule = Some("ns[shop]-policy[admin]-rule[1]".to_owned()), true),
];
const OF_AN_ALLOW: [Wrong; 4] = [
    ("verdict", |expected| expected.allowed = false, true),
    ("status", |expected| expected.status = 201, true),
    ("reason", |expected| expected.reason = "authz.shadow_only".to_owned(), false),
    ("shadow", |expected| expected.shadow = Some(Because::new("authz.deny_rule", None)), true),
];
const OF_A_SHADOW: [Wrong; 2] =
    [("shadow", |expected| expected.shadow = None, true), ("rule", |expected| expected.rule = None, false)];

/// The first step of the case of that name, made wrong.
fn wrong(cases: &[Case], name: &str, (_, change, _): &Wrong) -> Case {
    let mut case = cases.iter().find(|case| case.name.contains(name)).expect("a case of that name").clone();
    case.steps.truncate(1);
    match case.steps.first_mut().map(|step| &mut step.expect) {
        Some(Expect::Verdict(expected)) => change(expected),
        Some(Expect::Envoy { .. }) | None => panic!("no verdict in `{name}`"),
    }
    case
}

fn finds(findings: &[Finding], what: &str) -> bool {
    findings.iter().any(|finding| finding.what.starts_with(what))
}

#[test]
fn a_wrong_expectation_is_found_through_both_doors() {
    let cases = files::all_cases().expect("the corpus is readable");
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    for (name, wrongs) in [(DENIED, &OF_A_DENIAL[..]), (ALLOWED, &OF_AN_ALLOW), (SHADOW, &OF_A_SHADOW)] {
        let made: Vec<Case> = wrongs.iter().map(|one| wrong(&cases, name, one)).collect();
        let (_, natively) = native::run(&made, Form::Guard).expect("natively");
        let (_, through) = envoy::run(&binary, &modules, Form::Guard, &made).expect("through Envoy");
        for (what, _, shown) in wrongs {
            assert!(finds(&natively, what), "{name}: a wrong {what} is not found natively: {natively:?}");
            assert!(!shown || finds(&through, what), "{name}: a wrong {what} is not found: {through:?}");
        }
    }
}

#[test]
fn an_answer_of_envoys_own_that_is_the_modules_is_found() {
    let cases = files::all_cases().expect("the corpus is readable");
    let mut case = cases.into_iter().find(|case| case.name.contains(DENIED)).expect("a case of that name");
    case.steps.truncate(1);
    case.steps.iter_mut().for_each(|step| step.expect = Expect::Envoy { status: 403, without: None });
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    let (_, findings) = envoy::run(&binary, &modules, Form::Apart, &[case]).expect("through Envoy");
    assert!(finds(&findings, "Envoy's own answer was expected"), "{findings:?}");
}
