//! Authentication, class 3002: the caller is not who it must be.

use meshward_model::{DecisionEvent, EventKind, Reason};

use super::Context;
use super::decision::{Message, PROFILE};
use super::judgement::of_decision;
use super::parts::{self, Class};
use crate::json::Object;
use crate::shown;

/// What was to prove who the caller is: OCSF's `auth_protocol_id` and a name.
#[derive(Clone, Copy)]
enum Proof {
    Certificate,
    Token,
}

pub(super) fn write(record: &mut Object<'_>, event: &DecisionEvent<'_>, context: &Context<'_>) {
    let class = Class { uid: 3002, name: "Authentication", category_uid: 3, activity_id: 1 };
    let judgement = of_decision(event);
    parts::base(record, &class, event.time, judgement.severity_id, &Message { event, context });
    parts::judged(record, &judgement, event.reason.code());
    record.text("status_code", &event.status.to_string());
    if let Some(rule) = &event.rule {
        let mut policy = record.object("policy");
        policy.text("uid", &rule.to_string()).text("type", rule.name().kind.as_str());
        policy.flag("is_applied", event.kind == EventKind::Denied);
    }
    match proof(event.reason) {
        Proof::Certificate => record.number("auth_protocol_id", 99).text("auth_protocol", "mTLS"),
        Proof::Token => record.number("auth_protocol_id", 6).text("auth_protocol", "OAUTH 2.0"),
    };
    record.number("logon_type_id", 3).flag("is_remote", true);
    user(record, event);
    let service = match (parts::workload(context.node), &context.node.id) {
        (service, id) if service.is_empty() => parts::named(id),
        (service, _) => service,
    };
    record.object("service").text("name", if service.is_empty() { "unknown" } else { &service });
    parts::source(record, &event.peer);
    parts::destination(record, context.node, event.destination_port);
    parts::exchange(record, event, context);
    let request_id = shown::request_id(&event.request_id);
    parts::metadata(record, context, Some(PROFILE), event.reason.code(), request_id);
}

/// Who it is, and only where that was verified: what a token says of its subject before it was is what its sender says. Where the
/// token is wrong, the peer that brought it is not its user; it stands in `src_endpoint`.
fn user(record: &mut Object<'_>, event: &DecisionEvent<'_>) {
    let mut user = record.object("user");
    match (proof(event.reason), event.peer.spiffe_id()) {
        (Proof::Certificate, Some(id)) => {
            user.text("uid", id.as_str()).text_if_any("name", &parts::account(id)).number("type_id", 4);
        }
        (Proof::Certificate, None) | (Proof::Token, _) => {
            user.text("name", "unknown").number("type_id", 0);
        }
    }
}

const fn proof(reason: Reason) -> Proof {
    match reason {
        Reason::MtlsRequired
        | Reason::PeerUnverified
        | Reason::PeerMalformed
        | Reason::TrustDomainForeign => Proof::Certificate,
        Reason::Authenticated
        | Reason::TokenMissing
        | Reason::TokenRepeated
        | Reason::TokenTooLarge
        | Reason::TokenMalformed
        | Reason::TokenAlgorithm
        | Reason::TokenCritical
        | Reason::TokenType
        | Reason::TokenIssuer
        | Reason::TokenAudience
        | Reason::TokenExpired
        | Reason::TokenNotYetValid
        | Reason::TokenBound
        | Reason::TokenClaims
        | Reason::TokenKeyUnknown
        | Reason::TokenSignature
        | Reason::JwksUnavailable
        | Reason::HandoverTaken
        | Reason::HandoverMissing
        | Reason::HandoverUnreadable
        | Reason::AllowRule
        | Reason::NoDenyMatch
        | Reason::ShadowOnly
        | Reason::DenyRule
        | Reason::NoAllowMatch
        | Reason::Otherwise
        | Reason::NothingApplies
        | Reason::PathRefused
        | Reason::HostRefused
        | Reason::MethodRefused
        | Reason::PenaltyClear
        | Reason::PenaltyThrottled
        | Reason::PenaltyQuarantined
        | Reason::LimitKept
        | Reason::LimitExceeded
        | Reason::Watched
        | Reason::NativeDenied
        | Reason::RequestUnreadable
        | Reason::NotConfigured
        | Reason::CannotAsk
        | Reason::TooManyParked
        | Reason::TooManyQuestions
        | Reason::DeadlinePassed
        | Reason::Internal => Proof::Token,
    }
}
