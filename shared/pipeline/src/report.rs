//! What is written down of a verdict: counters, an event, a note, the access log's details.

use std::borrow::Cow;

use meshward_http::path;
use meshward_model::{
    Anonymous, AskingCounters, Counter, DecisionEvent, Denial, EventKind, Noted, Peer, Request, UnixMillis,
    Verdict,
};

/// The names of what is counted of a stage; [`names!`](crate::names) makes them of the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// Requests that went on.
    pub allowed: Counter,
    /// Requests that were refused.
    pub denied: Counter,
    /// Requests that shadow documents would have refused.
    pub shadow_denied: Counter,
    /// The worker's memory, in bytes.
    pub memory_gauge: &'static str,
    /// What is counted of asking.
    pub asking: AskingCounters,
}

/// The [`Names`] of a stage or a plugin: `meshward_<stage>_<what>_<unit>`. The number is its place among them: no two have the same.
///
/// ```
/// let names = meshward_pipeline::names!("authn", 1);
/// assert_eq!(names.denied.name, "meshward_authn_denied_total");
/// ```
#[macro_export]
macro_rules! names {
    ($stage:literal, $place:literal) => {
        $crate::Names {
            allowed: $crate::counter!($stage, $place, 0, "allowed"),
            denied: $crate::counter!($stage, $place, 1, "denied"),
            shadow_denied: $crate::counter!($stage, $place, 2, "shadow_denied"),
            memory_gauge: concat!("meshward_", $stage, "_memory_bytes"),
            asking: $crate::AskingCounters {
                questions: concat!("meshward_", $stage, "_questions_total"),
                failed: concat!("meshward_", $stage, "_questions_failed_total"),
                parked: concat!("meshward_", $stage, "_parked_total"),
                late: concat!("meshward_", $stage, "_late_total"),
            },
        }
    };
}

/// A counter of a stage: `meshward_<stage>_<what>_total`. Each stage has eight.
#[macro_export]
macro_rules! counter {
    ($stage:literal, $place:literal, $which:literal, $what:literal) => {
        $crate::Counter {
            slot: $place * 8 + $which,
            name: concat!("meshward_", $stage, "_", $what, "_total"),
        }
    };
}

const NOBODY: Peer = Peer::Anonymous(Anonymous::Unread);

/// The refusal of which there is more to write down than a counter: one that happened, else one that would have.
pub(crate) const fn written(verdict: &Verdict) -> Option<(EventKind, &Denial)> {
    match (verdict.denial(), &verdict.shadow) {
        (Some(denial), _) => Some((EventKind::Denied, denial)),
        (None, Some(shadow)) => Some((EventKind::WouldDeny, shadow)),
        (None, None) => None,
    }
}

/// The note of a refusal.
pub(crate) fn noted(kind: EventKind, denial: &Denial, left: bool) -> Noted {
    Noted {
        kind,
        reason: denial.reason,
        status: denial.status,
        rule: denial.rule.clone(),
        near: denial.near.clone(),
        left,
    }
}

/// The event of what a note says.
pub(crate) fn event<'a>(noted: &Noted, request: Option<&'a Request>, now: UnixMillis) -> DecisionEvent<'a> {
    let header = |name: &'static [u8]| {
        request.and_then(|request| request.headers.single(name).ok()).unwrap_or_default()
    };
    DecisionEvent {
        time: now,
        kind: noted.kind,
        reason: noted.reason,
        rule: noted.rule.clone(),
        near: noted.near.clone(),
        native_details: None,
        status: noted.status,
        peer: request.map_or(Cow::Borrowed(&NOBODY), |request| Cow::Borrowed(&request.peer)),
        method: Cow::Borrowed(header(b":method")),
        authority: Cow::Borrowed(header(b":authority")),
        path: Cow::Borrowed(path::without_query(header(b":path"))),
        request_id: Cow::Borrowed(header(b"x-request-id")),
        destination_port: request.and_then(|request| request.destination_port),
    }
}
