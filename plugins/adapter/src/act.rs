//! ACT: a verdict to what happens with the request. The only file that changes one.

use meshward_model::{Decision, Denial, Edits, Reason, RequestId, Severity, Verdict};

use crate::hostcalls::{self, Status};
use crate::report::log;
use crate::worker::Action;

/// What is left to do with a parked request that has its verdict.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) request: RequestId,
    pub(crate) verdict: Verdict,
    pub(crate) details: String,
}

/// What is left to do when the plugin is through with a callback: requests other than the callback's own go on, or are answered.
///
/// It is done when the worker is free again, so that a host which calls back at once finds it free.
#[must_use]
#[derive(Debug)]
pub struct Acts {
    /// The context whose callback this is.
    home: u32,
    acts: Vec<Act>,
}

impl Acts {
    pub(crate) const fn new(home: u32, acts: Vec<Act>) -> Self {
        Self { home, acts }
    }

    /// Nothing is left to do.
    pub const fn none() -> Self {
        Self::new(0, Vec::new())
    }

    /// Does it.
    pub fn carry_out(self) {
        if self.acts.is_empty() {
            return;
        }
        for act in self.acts {
            // A request that is not there any more needs nothing.
            if hostcalls::set_effective_context(act.request.0).is_ok() {
                resume(&act);
            }
        }
        // The host does so by itself when the callback ends.
        let _ = hostcalls::set_effective_context(self.home);
    }
}

/// Lets the request of this callback go on, or answers it. `edits`: whether the plugin's verdicts may carry header edits.
pub(crate) fn carry_out(verdict: &Verdict, details: &str, edits: bool) -> Action {
    match &verdict.decision {
        Decision::Allow(allowed) => {
            let edited = if edits { edit(&allowed.edits) } else { unedited(&allowed.edits) };
            match edited {
                Ok(()) => Action::Continue,
                Err(status) => {
                    refuse_unedited(status);
                    Action::Pause
                }
            }
        }
        Decision::Deny(denial) => {
            refuse(denial, details);
            // The local reply ends the stream. Should the host have refused it, the request stays here: it never goes on.
            Action::Pause
        }
    }
}

fn resume(act: &Act) {
    match &act.verdict.decision {
        Decision::Allow(allowed) => {
            // Should the host refuse to continue, the request stays where it is, until the proxy's own time-out.
            if let Err(status) = edit(&allowed.edits).and_then(|()| hostcalls::continue_request()) {
                refuse_unedited(status);
            }
        }
        Decision::Deny(denial) => refuse(denial, &act.details),
    }
}

fn edit(edits: &Edits) -> Result<(), Status> {
    for name in &edits.remove {
        hostcalls::remove_request_header(name)?;
    }
    for (name, value) in &edits.add {
        hostcalls::add_request_header(name, value)?;
    }
    Ok(())
}

/// A plugin that says that it never edits is built without editing: what it edits all the same cannot go on.
const fn unedited(edits: &Edits) -> Result<(), Status> {
    if edits.is_empty() { Ok(()) } else { Err(Status::UNIMPLEMENTED) }
}

/// A request whose headers are not what the verdict wants must not go on.
fn refuse_unedited(status: Status) {
    let reason = Reason::Internal;
    let line = format!(
        "meshward: request refused: {reason}: the proxy does not let it go on as decided (status {})",
        status.0
    );
    log(Severity::Error, &line);
    refuse(&Denial::new(reason, None), &format!("meshward_denied[{reason}]"));
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
