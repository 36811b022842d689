//! What the stages have said, put together: one verdict, its counters, how the request ended.

use meshward_event::native;
use meshward_model::{
    Allowed, Counter, Decision, End, Event, EventKind, Noted, Outcome, Reason, Request, Seen, StageId,
    UnixMillis, Verdict,
};

use crate::assemble::Assemble;
use crate::report;

/// Makes the last stage's verdict the one of all: its decision, since whoever refuses is last; what each would have edited; and the last
/// refusal that a shadow document would have given. `said` is what all have said, the last one's own included.
pub(crate) fn put_together(said: &[Verdict], last: &mut Verdict) {
    let before = said.split_last().map_or(&[][..], |(_, before)| before);
    if last.shadow.is_none() {
        last.shadow = before.iter().rev().find_map(|verdict| verdict.shadow.clone());
    }
    let Decision::Allow(told) = &mut last.decision else { return };
    for verdict in before {
        if let Decision::Allow(allowed) = &verdict.decision {
            put_more(told, allowed);
        }
    }
}

/// Of two reasons to let a request through the one stays that says more of it: what a rule said, then who the caller is.
fn put_more(told: &mut Allowed, other: &Allowed) {
    let telling = |allowed: &Allowed| match allowed.reason.stage() {
        Some(StageId::Authz) => 4,
        Some(StageId::Authn) => 3,
        Some(StageId::Ratelimit) => 2,
        Some(StageId::Penalty) => 1,
        Some(StageId::Sentinel | StageId::Probe) | None => 0,
    };
    if telling(other) > telling(told) {
        let less = core::mem::replace(told, other.clone());
        told.edits.extend(less.edits);
    } else if !other.edits.is_empty() {
        told.edits.extend(other.edits.clone());
    }
}

/// The counters that a request moves: those of each stage that has said something.
pub(crate) fn count<S: Assemble>(
    stage: &S,
    request: Option<&Request>,
    verdict: &Verdict,
    mut one_more: impl FnMut(Counter),
) {
    let said = request.map_or(&[][..], |request| &request.verdicts);
    // A refusal that no stage has given (a deadline that passed, say) is not among what they said.
    let unsaid = verdict.denial().is_some() && said.last().is_none_or(|last| last.denial().is_none());
    let own = (said.is_empty() || unsaid).then_some(verdict);
    for verdict in said.iter().chain(own) {
        one_more(match &verdict.decision {
            Decision::Allow(allowed) => stage.names(allowed.reason).allowed,
            Decision::Deny(denial) => stage.names(denial.reason).denied,
        });
        if let Some(shadow) = &verdict.shadow {
            one_more(stage.names(shadow.reason).shadow_denied);
        }
    }
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
        let seen = Seen { request: Box::new(request), verdict: Verdict::allow(Reason::Watched, None) };
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
