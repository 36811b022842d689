//! DRIVE: from steps to a verdict.

use meshward_model::{Reason, Step, Verdict};

/// Drives a step to its verdict.
///
/// No plugin that ships asks anything yet. Until asking is built, a question is answered by the fallback, which denies.
pub(crate) fn verdict(step: Step) -> Verdict {
    match step {
        Step::Done(verdict) => verdict,
        Step::Ask(_, _) => Verdict::deny(Reason::CannotAsk, None),
    }
}
