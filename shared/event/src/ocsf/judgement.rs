//! How OCSF's Security Control profile and base class judge an event.

use meshward_model::{Change, DecisionEvent, EventKind, Finding, Reason, Trouble};

use crate::native::{self, Native};

/// The profile's and the base class's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// 1 Allowed, 2 Denied, 3 Observed, 4 Modified.
    pub(crate) action_id: u32,
    /// 2 Blocked, 4 Isolated, 10 Exonerated, 14 Delayed, 15 Detected, 17 Logged, 25 Rejected, 26 Unauthorized, 27 Error.
    pub(crate) disposition_id: u32,
    /// 1 Success, 2 Failure; of a finding 1 New, 4 Resolved.
    pub(crate) status_id: u32,
    /// 1 Informational, 2 Low, 3 Medium, 4 High.
    pub(crate) severity_id: u32,
}

/// Of a refusal, or of one that would have been.
pub(crate) fn of_decision(event: &DecisionEvent<'_>) -> Judgement {
    match event.kind {
        // Observed, Logged, Success, Informational.
        EventKind::WouldDeny => Judgement { action_id: 3, disposition_id: 17, status_id: 1, severity_id: 1 },
        EventKind::Denied => {
            let (disposition_id, severity_id) = match event.native_details.as_deref().and_then(native::of) {
                Some(Native::Unauthorized) => (26, 2),
                Some(Native::Blocked) => (2, 2),
                Some(Native::Error) => (27, 4),
                None => denied(event.reason),
            };
            Judgement { action_id: 2, disposition_id, status_id: 2, severity_id }
        }
    }
}

/// (disposition, severity) of a refusal.
const fn denied(reason: Reason) -> (u32, u32) {
    match reason {
        // Unauthorized, Low.
        Reason::AllowRule
        | Reason::NoDenyMatch
        | Reason::ShadowOnly
        | Reason::DenyRule
        | Reason::NoAllowMatch
        | Reason::Otherwise => (26, 2),
        // Unauthorized, Medium: a gap, somebody forgot this workload.
        Reason::NothingApplies => (26, 3),
        // Blocked, Low.
        Reason::Authenticated
        | Reason::TokenMissing
        | Reason::TokenExpired
        | Reason::TokenNotYetValid
        | Reason::TokenAudience
        | Reason::PenaltyClear
        | Reason::PenaltyThrottled
        | Reason::PenaltyQuarantined
        | Reason::LimitKept
        | Reason::LimitExceeded
        | Reason::Watched
        | Reason::NativeDenied => (2, 2),
        // Blocked, Medium.
        Reason::MtlsRequired
        | Reason::PeerUnverified
        | Reason::TrustDomainForeign
        | Reason::TokenRepeated
        | Reason::TokenTooLarge
        | Reason::TokenMalformed
        | Reason::TokenType
        | Reason::TokenIssuer
        | Reason::TokenBound
        | Reason::TokenClaims
        | Reason::TokenKeyUnknown => (2, 3),
        // Blocked, High: somebody tries.
        Reason::TokenAlgorithm | Reason::TokenCritical | Reason::TokenSignature => (2, 4),
        // Rejected, High: somebody tries, or something is broken.
        Reason::PathRefused
        | Reason::HostRefused
        | Reason::MethodRefused
        | Reason::PeerMalformed
        | Reason::RequestUnreadable => (25, 4),
        // Error, High.
        Reason::JwksUnavailable
        | Reason::HandoverTaken
        | Reason::HandoverMissing
        | Reason::HandoverUnreadable
        | Reason::NotConfigured
        | Reason::CannotAsk
        | Reason::TooManyParked
        | Reason::TooManyQuestions
        | Reason::DeadlinePassed
        | Reason::Internal => (27, 4),
    }
}

/// Of a finding.
pub(crate) const fn of_finding(finding: &Finding) -> Judgement {
    let (action_id, disposition_id, status_id, severity_id) = match finding.change {
        // Observed, Detected.
        Change::Noted => (3, 15, 1, 2),
        // Modified, Delayed.
        Change::Throttled => (4, 14, 1, 3),
        // Denied, Isolated.
        Change::Quarantined { .. } => (2, 4, 1, 4),
        // Allowed, Exonerated.
        Change::Released => (1, 10, 4, 1),
    };
    if finding.simulated {
        // Observed, Logged: nothing was done.
        return Judgement { action_id: 3, disposition_id: 17, status_id, severity_id: 1 };
    }
    Judgement { action_id, disposition_id, status_id, severity_id }
}

/// The severity of a trouble.
pub(crate) const fn of_trouble(trouble: &Trouble) -> u32 {
    if trouble.over { 1 } else { 3 }
}
