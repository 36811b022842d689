//! ACT: a verdict to what happens with the request. The only file that changes one.

use meshward_model::{Decision, Denial, Verdict};

use crate::hostcalls;
use crate::worker::Action;

/// Lets the request go on, or answers it.
pub(crate) fn carry_out(verdict: &Verdict, details: &str) -> Action {
    match &verdict.decision {
        Decision::Allow(_) => Action::Continue,
        Decision::Deny(denial) => {
            refuse(denial, details);
            // The local reply ends the stream. Should the host have refused it, the request stays here: it never goes on.
            Action::Pause
        }
    }
}

fn refuse(denial: &Denial, details: &str) {
    let body = body(denial.status);
    if hostcalls::send_local_response(denial.status, details, body, &[]).is_err() {
        // A plainer reply is better than a caller that hangs until its timeout; a second failure leaves it paused.
        let _ = hostcalls::send_local_response(denial.status, "", "", &[]);
    }
}

/// What the caller is told: no more than the status says. Why is for the operator's log.
const fn body(status: u16) -> &'static str {
    match status {
        400 => "meshward: bad request",
        403 => "meshward: access denied",
        _ => "meshward: unavailable",
    }
}
