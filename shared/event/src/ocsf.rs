//! Events as OCSF 1.8.0 records: HTTP Activity (class 4002) with the Security Control profile.
//!
//! The mapping is that of OCSF's own guidance for enforcement points: the attempted activity and the control's judgement in one
//! event. Numbers are OCSF's enumerations.

use meshward_model::{DecisionEvent, Event, EventKind, LogLine, Node, Peer, Reason, Severity, SpiffeId};
use serde::Serialize;

use crate::text::printable;

/// What a line in the proxy's log begins with, so that it can be told from others.
pub const LOG_PREFIX: &str = "meshward.event ";

const MAX_PATH: usize = 256;
const MAX_NAME: usize = 255;
const MAX_METHOD: usize = 32;

const CLASS: u32 = 4002;

/// The event as one line: [`LOG_PREFIX`] and a JSON object.
pub fn line(event: &Event<'_>, node: &Node) -> LogLine {
    let (severity, record) = match event {
        Event::Decision(event) => (decision_severity(event.kind), Record::of(event, node)),
        Event::Finding(_) | Event::Trouble(_) => {
            return LogLine { severity: Severity::Warn, text: String::new() };
        }
    };
    // Serializing plain structs of strings and numbers into memory has no way to fail.
    let json = serde_json::to_string(&record).unwrap_or_default();
    LogLine { severity, text: format!("{LOG_PREFIX}{json}") }
}

const fn decision_severity(kind: EventKind) -> Severity {
    match kind {
        EventKind::Denied => Severity::Warn,
        EventKind::WouldDeny => Severity::Info,
    }
}

#[derive(Serialize)]
struct Record {
    time: u64,
    class_uid: u32,
    class_name: &'static str,
    category_uid: u32,
    activity_id: u32,
    type_uid: u32,
    severity_id: u32,
    message: String,
    action_id: u32,
    disposition_id: u32,
    status_id: u32,
    status_code: String,
    status_detail: &'static str,
    is_alert: bool,
    observation_point_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Policy>,
    #[serde(skip_serializing_if = "Endpoint::is_empty")]
    src_endpoint: Endpoint,
    #[serde(skip_serializing_if = "Endpoint::is_empty")]
    dst_endpoint: Endpoint,
    http_request: HttpRequest,
    http_response: HttpResponse,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Policy {
    uid: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    is_applied: bool,
}

#[derive(Serialize, Default)]
struct Endpoint {
    #[serde(skip_serializing_if = "String::is_empty")]
    uid: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    svc_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
}

impl Endpoint {
    fn is_empty(&self) -> bool {
        self.uid.is_empty() && self.svc_name.is_empty() && self.port.is_none()
    }
}

#[derive(Serialize)]
struct HttpRequest {
    #[serde(skip_serializing_if = "String::is_empty")]
    uid: String,
    http_method: String,
    url: Url,
}

#[derive(Serialize)]
struct Url {
    hostname: String,
    path: String,
}

#[derive(Serialize)]
struct HttpResponse {
    code: u16,
}

#[derive(Serialize)]
struct Metadata {
    version: &'static str,
    profiles: [&'static str; 1],
    product: Product,
    log_name: &'static str,
    event_code: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    correlation_uid: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
}

#[derive(Serialize)]
struct Product {
    name: &'static str,
    vendor_name: &'static str,
    version: &'static str,
    feature: Feature,
}

#[derive(Serialize)]
struct Feature {
    name: &'static str,
}

impl Record {
    fn of(event: &DecisionEvent<'_>, node: &Node) -> Self {
        let activity_id = activity(&event.method);
        let judgement = Judgement::of(event.kind, event.reason);
        let request_id = printable(&event.request_id, MAX_NAME);
        let http_request = HttpRequest {
            uid: request_id.clone(),
            http_method: printable(&event.method, MAX_METHOD),
            url: Url {
                hostname: printable(&event.authority, MAX_NAME),
                path: printable(&event.path, MAX_PATH),
            },
        };
        Self {
            time: event.time.0,
            class_uid: CLASS,
            class_name: "HTTP Activity",
            category_uid: 4,
            activity_id,
            type_uid: CLASS.saturating_mul(100).saturating_add(activity_id),
            severity_id: judgement.severity_id,
            message: message(event, &http_request),
            action_id: judgement.action_id,
            disposition_id: judgement.disposition_id,
            status_id: judgement.status_id,
            status_code: event.status.to_string(),
            status_detail: event.reason.code(),
            is_alert: judgement.severity_id >= 3,
            observation_point_id: 2,
            policy: event.rule.as_ref().map(|rule| Policy {
                uid: rule.to_string(),
                name: format!("{}/{}", rule.name().namespace, rule.name().policy),
                kind: rule.name().kind.as_str(),
                is_applied: event.kind == EventKind::Denied,
            }),
            src_endpoint: caller(&event.peer),
            dst_endpoint: Endpoint {
                uid: node.id.clone(),
                svc_name: workload(node),
                port: event.destination_port,
            },
            http_request,
            http_response: HttpResponse { code: event.status },
            metadata: metadata(event, node, request_id),
        }
    }
}

/// How OCSF's Security Control profile and base class judge an event.
struct Judgement {
    action_id: u32,
    disposition_id: u32,
    status_id: u32,
    severity_id: u32,
}

impl Judgement {
    fn of(kind: EventKind, reason: Reason) -> Self {
        match kind {
            // Observed, Logged, Success, Informational.
            EventKind::WouldDeny => Self { action_id: 3, disposition_id: 17, status_id: 1, severity_id: 1 },
            EventKind::Denied => {
                let (disposition_id, severity_id) = denied(reason);
                Self { action_id: 2, disposition_id, status_id: 2, severity_id }
            }
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

fn metadata(event: &DecisionEvent<'_>, node: &Node, correlation_uid: String) -> Metadata {
    let label = |name: &str, value: &str| (!value.is_empty()).then(|| format!("{name}={value}"));
    Metadata {
        version: "1.8.0",
        profiles: ["security_control"],
        product: Product {
            name: "meshward",
            vendor_name: "meshward",
            version: env!("CARGO_PKG_VERSION"),
            feature: Feature { name: "authz" },
        },
        log_name: "meshward.authz",
        event_code: event.reason.code(),
        correlation_uid,
        labels: [label("namespace", &node.namespace), label("workload", &node.workload)]
            .into_iter()
            .flatten()
            .collect(),
    }
}

fn message(event: &DecisionEvent<'_>, request: &HttpRequest) -> String {
    let what = match event.kind {
        EventKind::Denied => "denied",
        EventKind::WouldDeny => "would deny",
    };
    let who = event.peer.spiffe_id().map_or("anonymous", SpiffeId::as_str);
    let HttpRequest { http_method, url, .. } = request;
    format!("{what} {who} {http_method} {}{}: {}", url.hostname, url.path, event.reason)
}

fn caller(peer: &Peer) -> Endpoint {
    let Some(id) = peer.spiffe_id() else { return Endpoint::default() };
    let svc_name = match (id.namespace(), id.service_account()) {
        (Some(namespace), Some(account)) => format!("{namespace}/{account}"),
        (Some(_) | None, _) => String::new(),
    };
    Endpoint { uid: id.as_str().to_owned(), svc_name, port: None }
}

fn workload(node: &Node) -> String {
    match (node.namespace.as_str(), node.workload.as_str()) {
        ("", workload) => workload.to_owned(),
        (namespace, workload) => format!("{namespace}/{workload}"),
    }
}

/// OCSF's `activity_id` of an HTTP method; 99 is "other".
fn activity(method: &[u8]) -> u32 {
    match method {
        b"CONNECT" => 1,
        b"DELETE" => 2,
        b"GET" => 3,
        b"HEAD" => 4,
        b"OPTIONS" => 5,
        b"POST" => 6,
        b"PUT" => 7,
        b"TRACE" => 8,
        b"PATCH" => 9,
        b"" => 0,
        _ => 99,
    }
}

#[cfg(test)]
#[path = "ocsf_tests.rs"]
mod tests;
