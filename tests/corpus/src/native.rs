//! The native door: the pipeline that ships, without a proxy around it.

use crate::CorpusError;
use crate::case::{Case, Door, Expect};
use crate::check::{Finding, differences};
use crate::tally::Tally;

pub use meshward_cases::native::{START, connection, headers, node, run_case};

/// Runs all cases.
///
/// # Errors
/// A configuration that is refused; configurations that must be are not in cases.
pub fn run(cases: &[Case]) -> Result<(Tally, Vec<Finding>), CorpusError> {
    let mut tally = Tally::new("native");
    let mut findings = Vec::new();
    for case in cases {
        if let Some(reason) = case.skipped_by(Door::Native) {
            tally.skip(case, reason);
            continue;
        }
        tally.cases += 1;
        for (index, seen) in run_case(case)?.into_iter().enumerate() {
            match (seen, case.steps.get(index).map(|step| &step.expect)) {
                (Some(seen), Some(Expect::Verdict(expected))) => {
                    tally.steps += 1;
                    let found = differences(expected, &seen).into_iter();
                    findings.extend(found.map(|what| Finding {
                        case: case.name.clone(),
                        step: index + 1,
                        what,
                    }));
                }
                (None | Some(_), None | Some(Expect::Envoy { .. })) | (None, Some(Expect::Verdict(_))) => {
                    tally.envoys_own += 1;
                }
            }
        }
    }
    tally.done();
    Ok((tally, findings))
}
