//! What is written down of a verdict: counters, one line, the access log's details.

use meshward_event::{details, ocsf};
use meshward_http::path;
use meshward_model::{
    Anonymous, AskingCounters, Counter, Denial, Event, EventKind, LogLine, Node, Peer, Report, Request,
    Severity, UnixMillis, Verdict,
};

/// The names of what a plugin counts; [`names!`](crate::names) makes them of its stage's name.
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

/// The [`Names`] of a stage: `meshward_<stage>_<what>_<unit>`.
///
/// ```
/// let names = meshward_pipeline::names!("authn");
/// assert_eq!(names.denied.name, "meshward_authn_denied_total");
/// ```
#[macro_export]
macro_rules! names {
    ($stage:literal) => {
        $crate::Names {
            allowed: $crate::Counter { slot: 0, name: concat!("meshward_", $stage, "_allowed_total") },
            denied: $crate::Counter { slot: 1, name: concat!("meshward_", $stage, "_denied_total") },
            shadow_denied: $crate::Counter {
                slot: 2,
                name: concat!("meshward_", $stage, "_shadow_denied_total"),
            },
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

const NOBODY: Peer = Peer::Anonymous(Anonymous::Unread);

/// Whether there is more to write down than a counter.
pub(crate) const fn is_written(verdict: &Verdict) -> bool {
    verdict.denial().is_some() || verdict.shadow.is_some()
}

pub(crate) fn report(
    counters: &'static [Counter],
    request: Option<&Request>,
    verdict: &Verdict,
    node: &Node,
    now: UnixMillis,
) -> Report {
    let line = |kind, severity, denial: &Denial| LogLine {
        severity,
        text: ocsf::line(&event(kind, denial, request, node, now)),
    };
    let mut lines = Vec::new();
    if let Some(denial) = verdict.denial() {
        lines.push(line(EventKind::Denied, Severity::Warn, denial));
    } else if let Some(denial) = &verdict.shadow {
        lines.push(line(EventKind::WouldDeny, Severity::Info, denial));
    }
    let details = verdict.denial().map(details::of).unwrap_or_default();
    Report { counters, lines, details }
}

fn event<'a>(
    kind: EventKind,
    denial: &Denial,
    request: Option<&'a Request>,
    node: &'a Node,
    now: UnixMillis,
) -> Event<'a> {
    let header = |name: &'static [u8]| {
        request.and_then(|request| request.headers.single(name).ok()).unwrap_or_default()
    };
    Event {
        time: now,
        kind,
        reason: denial.reason,
        rule: denial.rule.clone(),
        status: denial.status,
        peer: request.map_or(&NOBODY, |request| &request.peer),
        method: header(b":method"),
        authority: header(b":authority"),
        path: path::without_query(header(b":path")),
        request_id: header(b"x-request-id"),
        destination_port: request.and_then(|request| request.destination_port),
        node,
    }
}
