//! What is written down of a verdict: counters, one line, the access log's details.

use meshward_event::{details, ocsf};
use meshward_http::path;
use meshward_model::{
    Anonymous, Counter, Denial, Event, EventKind, LogLine, Node, Peer, Report, Request, Severity, UnixMillis,
    Verdict,
};

/// Requests that went on.
pub const ALLOWED: Counter = Counter { slot: 0, name: "meshward_authz_allowed_total" };
/// Requests that were refused.
pub const DENIED: Counter = Counter { slot: 1, name: "meshward_authz_denied_total" };
/// Requests that shadow documents would have refused.
pub const SHADOW_DENIED: Counter = Counter { slot: 2, name: "meshward_authz_shadow_denied_total" };
/// The worker's memory, in bytes.
pub const MEMORY_GAUGE: &str = "meshward_authz_memory_bytes";

pub(crate) const COUNTERS: &[Counter] = &[ALLOWED, DENIED, SHADOW_DENIED];

const NOBODY: Peer = Peer::Anonymous(Anonymous::Unread);

/// Whether there is more to write down than a counter.
pub(crate) const fn is_written(verdict: &Verdict) -> bool {
    verdict.denial().is_some() || verdict.shadow.is_some()
}

/// The counters that a verdict moves.
pub(crate) const fn counters(verdict: &Verdict) -> &'static [Counter] {
    match (verdict.denial(), &verdict.shadow) {
        (None, None) => &[ALLOWED],
        (None, Some(_)) => &[ALLOWED, SHADOW_DENIED],
        (Some(_), None) => &[DENIED],
        (Some(_), Some(_)) => &[DENIED, SHADOW_DENIED],
    }
}

pub(crate) fn report(request: Option<&Request>, verdict: &Verdict, node: &Node, now: UnixMillis) -> Report {
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
    Report { counters: counters(verdict), lines, details }
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
