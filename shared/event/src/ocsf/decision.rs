//! HTTP Activity, class 4002: a refusal, or one that would have been.

use core::fmt;

use meshward_model::{DecisionEvent, EventKind, SpiffeId, StageId};

use super::Context;
use super::judgement::of_decision;
use super::parts::{self, Class};
use crate::json::Object;
use crate::shown;
use crate::text::printable;

/// The longest details of one of Envoy's filters that are written.
const MAX_DETAILS: usize = 200;

pub(super) const PROFILE: &str = "security_control";

pub(super) fn write(record: &mut Object<'_>, event: &DecisionEvent<'_>, context: &Context<'_>) {
    let (_, activity_id) = shown::method(&event.method);
    let class = Class { uid: 4002, name: "HTTP Activity", category_uid: 4, activity_id };
    let judgement = of_decision(event);
    parts::base(record, &class, event.time, judgement.severity_id, &Message { event, context });
    if activity_id == 99 {
        record.text("activity_name", "Other");
    }
    parts::judged(record, &judgement, event.reason.code());
    record.text("status_code", &event.status.to_string()).number("observation_point_id", 2);
    rule(record, event);
    parts::source(record, &event.peer);
    parts::destination(record, context.node, event.destination_port);
    parts::exchange(record, event, context);
    unmapped(record, event);
    let request_id = shown::request_id(&event.request_id);
    parts::metadata(record, context, Some(PROFILE), event.reason.code(), request_id);
}

/// What OCSF has no place for: what Envoy says of its own refusal, and the rule that was nearest with the parts that it missed (a `?`
/// marks what could not be told).
fn unmapped(record: &mut Object<'_>, event: &DecisionEvent<'_>) {
    if event.native_details.is_none() && event.near.is_none() {
        return;
    }
    let mut unmapped = record.object("unmapped");
    if let Some(details) = &event.native_details {
        unmapped.text("response_code_details", &printable(details, MAX_DETAILS));
    }
    if let Some(near) = &event.near {
        let missed: Vec<String> = near.missed.iter().map(ToString::to_string).collect();
        let missed: Vec<&str> = missed.iter().map(String::as_str).collect();
        unmapped.text("nearest_rule", &near.rule.to_string()).texts("missed", &missed);
    }
}

/// The rule that decided: a policy, and for limits also what OCSF calls a firewall rule.
fn rule(record: &mut Object<'_>, event: &DecisionEvent<'_>) {
    if let Some(rule) = &event.rule {
        let name = rule.name();
        let mut policy = record.object("policy");
        policy.text("uid", &rule.to_string()).text("name", &format!("{}/{}", name.namespace, name.policy));
        policy.text("type", name.kind.as_str()).flag("is_applied", event.kind == EventKind::Denied);
    }
    let kind = match event.reason.stage() {
        Some(StageId::Ratelimit) => "rate_limit",
        Some(StageId::Penalty) => "penalty",
        Some(StageId::Authn | StageId::Authz | StageId::Sentinel | StageId::Probe) | None => return,
    };
    let name = event.rule.as_ref().map_or_else(|| event.reason.code().to_owned(), ToString::to_string);
    record.object("firewall_rule").text("name", &name).text("type", kind);
}

/// One line for people.
pub(super) struct Message<'a> {
    pub(super) event: &'a DecisionEvent<'a>,
    pub(super) context: &'a Context<'a>,
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event, context } = self;
        f.write_str(match event.kind {
            EventKind::Denied => "denied ",
            EventKind::WouldDeny => "would deny ",
        })?;
        f.write_str(event.peer.spiffe_id().map_or("anonymous", SpiffeId::as_str))?;
        if let (Some(method), _) = shown::method(&event.method) {
            write!(f, " {method}")?;
        }
        if let Some(path) = context.shown.path(&event.path) {
            write!(f, " {}{path}", context.shown.host(&event.authority).unwrap_or_default())?;
        }
        write!(f, ": {}", event.reason)?;
        match &event.native_details {
            Some(details) => write!(f, " ({})", printable(details, MAX_DETAILS)),
            None => Ok(()),
        }
    }
}
