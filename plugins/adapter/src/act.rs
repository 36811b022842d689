//! ACT: a verdict to what happens with the request. The only file that changes one.

use meshward_abi::pairs;
use meshward_abi::property::Path;
use meshward_model::{
    Allowed, Decision, Denial, Edits, FieldName, Reason, Request, RequestId, Severity, Verdict, is_field_name,
};

use crate::hostcalls::{self, Map, Status};
use crate::report::{Tally, log};
use crate::worker::Action;

/// What is left to do with a parked request that has its verdict.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) request: RequestId,
    pub(crate) verdict: Verdict,
    pub(crate) details: String,
    /// What is counted of a request that goes on, once it does.
    pub(crate) tally: Tally,
    /// The request, where nothing else keeps it.
    pub(crate) whole: Option<Box<Request>>,
}

/// A request that was to go on, and that the proxy did not let. It is still to be written down, and to be answered.
#[must_use]
#[derive(Debug)]
pub struct Stuck {
    pub(crate) request: RequestId,
    pub(crate) whole: Option<Box<Request>>,
}

impl Stuck {
    /// Answers it, when it is written down: a host may end its stream within this call.
    pub fn refuse(request: RequestId) {
        if hostcalls::set_effective_context(request.0).is_ok() {
            let reason = Reason::Internal;
            refuse(&Denial::new(reason, None), &format!("meshward_denied[{reason}]"));
        }
    }

    /// Which one it is.
    #[must_use]
    pub const fn request(&self) -> RequestId {
        self.request
    }
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

    /// Does it. What comes back was to go on, and the proxy did not let it.
    #[must_use]
    pub fn carry_out(self) -> Vec<Stuck> {
        let mut stuck = Vec::new();
        if self.acts.is_empty() {
            return stuck;
        }
        for act in self.acts {
            // A request that is not there any more needs nothing.
            if hostcalls::set_effective_context(act.request.0).is_ok() && !resume(&act) {
                stuck.push(Stuck { request: act.request, whole: act.whole });
            } else {
                act.tally.count();
            }
        }
        // The host does so by itself when the callback ends.
        let _ = hostcalls::set_effective_context(self.home);
        stuck
    }
}

/// Edits the headers of an allowed request, before its verdict is written down: one whose headers are not what the verdict wants is
/// refused, and counted as such. `there`: whether the host acts on this request now; `may`: whether the plugin's verdicts may carry
/// header edits.
pub(crate) fn edit_request(verdict: &mut Verdict, there: bool, may: bool) {
    let Decision::Allow(allowed) = &verdict.decision else { return };
    if let Err(status) = if there { edited(&allowed.edits, may) } else { Err(Status::BAD_ARGUMENT) } {
        log_stuck(status);
        verdict.decision = Decision::Deny(Denial::new(Reason::Internal, None));
    }
}

/// Lets the request of this callback go on, or answers it.
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

/// `false` for a request that was to go on and did not.
fn resume(act: &Act) -> bool {
    match &act.verdict.decision {
        Decision::Allow(_) => match hostcalls::continue_request() {
            Ok(()) => true,
            Err(status) => {
                log_stuck(status);
                false
            }
        },
        Decision::Deny(denial) => {
            refuse(denial, &act.details);
            true
        }
    }
}

/// Edits the headers. A plugin that says that it never edits is built without editing: what it edits all the same cannot go on.
fn edited(edits: &Edits, may: bool) -> Result<(), Status> {
    match (edits.is_empty(), may) {
        (true, _) => Ok(()),
        (false, true) => edit(Map::Request, edits),
        (false, false) => Err(Status::UNIMPLEMENTED),
    }
}

/// Edits a response's headers. What cannot be edited is left out: the answer goes to the caller as it is.
pub(crate) fn respond(edits: &Edits) {
    if let Err(status) = edit(Map::Response, edits) {
        log_unedited(status);
    }
}

#[cold]
fn log_unedited(status: Status) {
    let line = format!("meshward: the proxy does not edit the response's headers (status {})", status.0);
    log(Severity::Error, &line);
}

/// Leaves to the next plugin of the chain what an allowed request hands over. Where it cannot be left, or is not `safe` from being
/// written over, the request is refused.
pub(crate) fn hand_over(verdict: &mut Verdict, safe: bool) {
    let Decision::Allow(Allowed { handover: Some(handover), .. }) = &verdict.decision else { return };
    if safe {
        let Err(status) = hostcalls::set_property(Path::HANDOVER, handover) else { return };
        let line = format!("meshward: the handover cannot be left to the next plugin (status {})", status.0);
        log(Severity::Error, &line);
    }
    *verdict = Verdict::deny(Reason::HandoverTaken, None);
}

fn edit(map: Map, edits: &Edits) -> Result<(), Status> {
    // All are looked at before one is made: the host checks nothing of what it is given.
    let fit = edits.remove.iter().all(FieldName::is_valid)
        && edits.add.iter().all(|(name, value)| name.is_valid() && is_value(value));
    if !fit {
        return Err(Status::BAD_ARGUMENT);
    }
    for name in &edits.remove {
        hostcalls::remove_header(map, name.as_bytes())?;
    }
    for (name, value) in &edits.add {
        hostcalls::add_header(map, name.as_bytes(), value)?;
    }
    Ok(())
}

/// A field value holds no line break and no zero byte (RFC 9110 5.5).
fn is_value(value: &[u8]) -> bool {
    !value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n'))
}

/// Why a request that was allowed does not go on.
#[cold]
fn log_stuck(status: Status) {
    let line = format!(
        "meshward: request refused: {}: the proxy does not let it go on as decided (status {})",
        Reason::Internal,
        status.0
    );
    log(Severity::Error, &line);
}

#[cold]
fn refuse(denial: &Denial, details: &str) {
    let body = body(denial.status);
    // What is no header is left out, and too many for the ABI are none: the refusal stands.
    let headers = denial.headers.iter().filter(|(name, value)| is_field_name(name) && is_value(value));
    let headers: Vec<(&[u8], &[u8])> =
        headers.map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
    let headers = if headers.is_empty() { Vec::new() } else { pairs::encode(&headers).unwrap_or_default() };
    let sent = hostcalls::send_local_response(denial.status, details, body, &headers, denial.grpc_status());
    if sent.is_err() {
        // A plainer reply is better than a caller that hangs until its timeout; a second failure leaves it paused.
        let _ = hostcalls::send_local_response(denial.status, "", "", &[], None);
    }
}

/// What the caller is told: no more than the status says. Why is for the operator's log.
const fn body(status: u16) -> &'static str {
    match status {
        400 => "meshward: bad request",
        401 => "meshward: authentication required",
        403 => "meshward: access denied",
        429 => "meshward: too many requests",
        _ => "meshward: unavailable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line() {
        assert!(is_value(b"") && is_value(b"a b\t\xff"));
        for wrong in [&b"a\r\nx-role: admin"[..], b"\n", b"a\0"] {
            assert!(!is_value(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_may_not_be_edited_is_an_error_before_anything_is_changed() {
        let edits = Edits::NONE.without(b"x-a").with(b":path", b"/");
        assert_eq!(edited(&edits, true), Err(Status::BAD_ARGUMENT));
        assert_eq!(edited(&edits, false), Err(Status::UNIMPLEMENTED));
        assert_eq!(edited(&Edits::default(), false), Ok(()));
    }
}
