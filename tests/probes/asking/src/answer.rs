//! What an answer's body makes of a request: `allow`, `allow NAME=VALUE` (the header is set, `x-secret` goes), `deny`, `trap`,
//! `wait` (it stays parked), `again` (it asks once more). `x-late: allow` lets a request go whose answer is late.

use meshward_model::{Allowed, Decision, Edits, Reason, Request, Step, Verdict};

/// The request's next step; `None`: it stays parked.
pub(crate) fn step(body: &[u8], request: &Request) -> Option<Step> {
    let deny = |reason| Some(Step::Done(Verdict::deny(reason, None)));
    match body {
        b"allow" => Some(allow(Edits::NONE)),
        b"deny" => deny(Reason::DenyRule),
        b"trap" => Some(trap()),
        b"wait" => None,
        b"timed out" if request.headers.single(b"x-late") == Ok(b"allow") => Some(allow(Edits::NONE)),
        b"timed out" => None,
        b"failed" => deny(Reason::CannotAsk),
        b"too large" => deny(Reason::Otherwise),
        body => match body.strip_prefix(b"allow ").and_then(pair) {
            Some((name, value)) => {
                Some(allow(Edits::NONE.without(b"x-secret").without(name).with(name, value)))
            }
            None => deny(Reason::NoAllowMatch),
        },
    }
}

fn allow(edits: Edits) -> Step {
    let allowed = Allowed { edits, ..Allowed::new(Reason::AllowRule, None) };
    Step::Done(Verdict { decision: Decision::Allow(allowed), shadow: None })
}

/// `NAME=VALUE`.
pub(crate) fn pair(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = text.split_at_checked(at)?;
    Some((name, value.get(1..)?))
}

/// Ends the VM, as a bug would.
pub(crate) fn trap() -> Step {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}
