//! What the stages have said, put together: one verdict, its counters, how the request ended.

use meshward_event::native;
use meshward_model::{
    Allowed, Counter, Decision, End, Event, EventKind, Noted, Outcome, Reason, Request, Seen, StageId,
    UnixMillis, Verdict,
};

use crate::assemble::Assemble;
use crate::report;

/// The verdict of all stages: the last one's decision, since whoever refuses is last; what each would have edited; and the last
/// refusal that a shadow document would have given.
pub(crate) fn verdict(said: &[Verdict], last: Verdict) -> Verdict {
    if said.is_empty() {
        return last;
    }
    let shadow = last.shadow.or_else(|| said.iter().rev().find_map(|verdict| verdict.shadow.clone()));
    let decision = match last.decision {
        Decision::Deny(denial) => Decision::Deny(denial),
        Decision::Allow(last) => {
            let before = said.iter().filter_map(|verdict| match &verdict.decision {
                Decision::Allow(allowed) => Some(allowed.clone()),
                Decision::Deny(_) => None,
            });
            Decision::Allow(before.fold(last, more_telling))
        }
    };
    Verdict { decision, shadow }
}

/// Of two reasons to let a request through, the one that says more of it: what a rule said, then who the caller is.
fn more_telling(one: Allowed, other: Allowed) -> Allowed {
    let telling = |allowed: &Allowed| match allowed.reason.stage() {
        Some(StageId::Authz) => 4,
        Some(StageId::Authn) => 3,
        Some(StageId::Ratelimit) => 2,
        Some(StageId::Penalty) => 1,
        Some(StageId::Sentinel | StageId::Probe) | None => 0,
    };
    let (mut more, less) = if telling(&other) > telling(&one) { (other, one) } else { (one, other) };
    more.edits.extend(less.edits);
    more
}

/// The counters that a request moves: those of each stage that has said something.
pub(crate) fn counters<S: Assemble>(
    stage: &S,
    request: Option<&Request>,
    verdict: &Verdict,
) -> Vec<(Counter, u32)> {
    let said = request.map_or(&[][..], |request| &request.verdicts);
    // A refusal that no stage has given (a deadline that passed, say) is not among what they said.
    let unsaid = verdict.denial().is_some() && said.last().is_none_or(|last| last.denial().is_none());
    let own = (said.is_empty() || unsaid).then_some(verdict);
    let mut counters = Vec::with_capacity(said.len().saturating_add(1));
    for verdict in said.iter().chain(own) {
        counters.push(match &verdict.decision {
            Decision::Allow(allowed) => (stage.names(allowed.reason).allowed, 1),
            Decision::Deny(denial) => (stage.names(denial.reason).denied, 1),
        });
        if let Some(shadow) = &verdict.shadow {
            counters.push((stage.names(shadow.reason).shadow_denied, 1));
        }
    }
    counters
}

/// Whether the caller speaks gRPC.
pub(crate) fn is_grpc(request: &Request) -> bool {
    request.headers.all(b"content-type").any(|kind| kind.starts_with(b"application/grpc"))
}

/// How a request ended, by all that was read.
pub(crate) fn outcome<'a>(seen: &'a Seen, end: &'a End, noted: Option<&'a Noted>) -> Outcome<'a> {
    let own = seen.verdict.denial().map(|denial| denial.reason);
    let theirs = noted.filter(|noted| noted.kind == EventKind::Denied).map(|noted| noted.reason);
    let native_details = match (own, theirs) {
        (None, None) => end.details.as_deref().filter(|details| native::is_denial(details)),
        (Some(_), _) | (None, Some(_)) => None,
    };
    let native = native_details.map(|_| Reason::NativeDenied);
    Outcome {
        verdict: &seen.verdict,
        status: end.status,
        refused: own.or(theirs).or(native),
        noted,
        native_details,
    }
}

/// The events of decisions that were another's: of a plugin that leaves its events to this one, and of a filter of the proxy. A
/// request that a shadow document would have refused may still be refused by such a filter: those are two decisions.
pub(crate) fn events_of_others(
    outcome: &Outcome<'_>,
    request: &Request,
    now: UnixMillis,
) -> Vec<Event<'static>> {
    let left = outcome.noted.filter(|noted| noted.left);
    let left = left.map(|noted| Event::Decision(report::event(noted, Some(request), now).into_owned()));
    left.into_iter().chain(native_event(outcome, request, now)).collect()
}

fn native_event(outcome: &Outcome<'_>, request: &Request, now: UnixMillis) -> Option<Event<'static>> {
    let details = outcome.native_details?;
    let noted = Noted {
        kind: EventKind::Denied,
        reason: Reason::NativeDenied,
        status: outcome.status.unwrap_or_default(),
        rule: None,
        near: None,
        left: true,
    };
    let mut event = report::event(&noted, Some(request), now).into_owned();
    event.native_details = Some(details.to_vec().into());
    Some(Event::Decision(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use meshward_model::{Anonymous, Headers, Peer, RequestId};

    #[test]
    fn a_shadow_refusal_that_was_left_and_a_filters_refusal_are_two_decisions() {
        let peer = Peer::Anonymous(Anonymous::NoIdentity);
        let request = Request::new(RequestId(1), Headers::default(), peer);
        let seen = Seen { request, verdict: Verdict::allow(Reason::Watched, None) };
        let (kind, reason) = (EventKind::WouldDeny, Reason::NoAllowMatch);
        let noted = Noted { kind, reason, status: 403, rule: None, near: None, left: true };
        let details = Some(b"rbac_access_denied_matched_policy[none]".to_vec());
        let end = End { status: Some(403), details, note: None };
        let now = UnixMillis(1);
        let reasons = |outcome: &Outcome<'_>| -> Vec<Reason> {
            let events = events_of_others(outcome, &seen.request, now);
            let reasons = events.into_iter().map(|event| match event {
                Event::Decision(event) => event.reason,
                Event::Finding(_) | Event::Trouble(_) => Reason::Internal,
            });
            reasons.collect()
        };
        let both = outcome(&seen, &end, Some(&noted));
        assert_eq!(reasons(&both), [Reason::NoAllowMatch, Reason::NativeDenied]);
        let own = Noted { left: false, ..noted };
        assert_eq!(reasons(&outcome(&seen, &end, Some(&own))), [Reason::NativeDenied]);
        let denied = Noted { kind: EventKind::Denied, left: true, ..own };
        assert_eq!(
            reasons(&outcome(&seen, &end, Some(&denied))),
            [Reason::NoAllowMatch],
            "one decision, one event"
        );
    }
}
