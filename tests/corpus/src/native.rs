//! The native door: the pipeline that ships, without a proxy around it.

use crate::CorpusError;
use crate::case::{Case, Door, Step};
use crate::check::{Finding, differences};
use crate::event;
use crate::played::Form;
use crate::seen::{Seen, Shown};
use crate::tally::Tally;
use serde_json::Value;

pub use meshward_cases::native::{SETTLING_MILLIS, START, connection, headers, node, run_case};

/// Runs all cases in this form.
///
/// # Errors
/// A configuration that is refused; configurations that must be are not in cases.
pub fn run(cases: &[Case], form: Form) -> Result<(Tally, Vec<Finding>), CorpusError> {
    let mut tally = Tally::new(format!("native, {}", form.name()));
    let mut findings = Vec::new();
    for case in cases.iter().filter(|case| case.forms().any(|of| of == form)) {
        if let Some(reason) = case.skipped_by(Door::Native) {
            tally.skip(case, reason);
            continue;
        }
        tally.cases += 1;
        for (index, seen) in run_case(case, form)?.into_iter().enumerate() {
            match (seen, case.steps.get(index).and_then(Step::decided)) {
                (Some(seen), Some(expected)) => {
                    tally.steps += 1;
                    let found = differences(expected, &seen).into_iter();
                    findings.extend(found.map(|what| Finding {
                        case: case.name.clone(),
                        step: index + 1,
                        what,
                    }));
                }
                (None, _) | (Some(_), None) => tally.envoys_own += 1,
            }
        }
    }
    tally.done();
    Ok((tally, findings))
}

/// Runs all cases in both forms and says where they differ: what the caller got, and every field of every event but when it was
/// written and which number it has.
///
/// # Errors
/// A configuration that is refused.
pub fn compare_forms(cases: &[Case]) -> Result<Vec<Finding>, CorpusError> {
    let mut findings = Vec::new();
    let both = cases.iter().filter(|case| !case.is_about_a_chain());
    for case in both.filter(|case| case.skipped_by(Door::Native).is_none()) {
        let (guard, apart) = (run_case(case, Form::Guard)?, run_case(case, Form::Apart)?);
        for (index, (guard, apart)) in guard.iter().zip(&apart).enumerate() {
            let alike = match (guard, apart) {
                (Some(guard), Some(apart)) => {
                    told(guard) == told(apart) && events_are_alike(&guard.events, &apart.events)
                }
                (guard, apart) => guard.is_none() && apart.is_none(),
            };
            if !alike {
                let what = format!("guard: {guard:#?}\n  apart: {apart:#?}");
                findings.push(Finding { case: case.name.clone(), step: index + 1, what });
            }
        }
    }
    Ok(findings)
}

/// What the caller got.
fn told(seen: &Seen) -> impl PartialEq + use<> {
    (seen.allowed, seen.status, seen.reason.clone(), seen.rule.clone(), seen.headers.clone())
}

fn events_are_alike(guard: &Shown<Vec<Value>>, apart: &Shown<Vec<Value>>) -> bool {
    let (Shown::Is(guard), Shown::Is(apart)) = (guard, apart) else { return false };
    let lasting = |events: &[Value]| events.iter().cloned().map(event::lasting).collect::<Vec<_>>();
    lasting(guard) == lasting(apart)
}
