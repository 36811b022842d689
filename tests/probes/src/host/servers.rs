//! What upstream and callouts' target answer in the embedded host, as Envoy's clients hand it over.

use crate::answer::{Answer, Kind};
use crate::grpc;
use crate::transcript::asked;
use crate::wire::{Pairs, marked};
use meshward_host::{Callout, CalloutAnswer, CalloutKind, Message};

/// What Envoy's router says of a connection that breaks before an answer.
const BROKEN: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: connection termination";
/// The details of that.
const BROKEN_DETAILS: &str = "upstream_reset_before_response_started{connection_termination}";
/// What it says of a host where nobody listens.
const NOBODY: &str =
    "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure";
/// What its gRPC client says of a stream that is reset.
const RESET: &str = "upstream connect error or disconnect/reset before headers. reset reason: remote reset\
    {upstream_reset_before_response_started{remote_reset}}";
/// The gRPC status of what cannot be reached.
const UNAVAILABLE: u16 = 14;

/// A request that left for the upstream: the line that the upstream writes of it.
pub(super) fn upstream_line(message: &Message) -> String {
    let trailers = message.trailers.clone().unwrap_or_default();
    let headers: Pairs = message.headers.iter().cloned().chain(marked(trailers)).collect();
    asked(&text(message.header(":method")), &text(message.header(":path")), &headers, &message.body)
}

/// A response of the upstream in the parts in which Envoy's codec hands it over.
pub(super) struct Parts {
    pub(super) headers: Pairs,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Pairs,
}

/// What Envoy makes of the upstream.
pub(super) enum Given {
    /// Its response.
    Answer(Parts),
    /// The router's own answer to a connection that broke.
    Broken {
        /// Its body.
        words: &'static str,
        /// Its code details.
        details: &'static str,
    },
}

/// What the upstream answers to this path, and after how many milliseconds; nothing: never.
pub(super) fn upstream_answer(path: &str) -> (u64, Option<Given>) {
    let answer = Answer::to(path);
    let given = match answer.kind {
        Kind::Http { status, headers, body, trailers } => {
            Some(Given::Answer(parts(status, &headers, body, pairs(&trailers))))
        }
        Kind::Reset | Kind::Cut => Some(Given::Broken { words: BROKEN, details: BROKEN_DETAILS }),
        Kind::Never => None,
    };
    (answer.after_ms, given)
}

fn parts(status: u16, headers: &[(String, String)], body: Vec<u8>, trailers: Pairs) -> Parts {
    let mut all = vec![pair(":status", &status.to_string())];
    all.extend(pairs(headers));
    if !trailers.is_empty() {
        all.push(pair("transfer-encoding", "chunked"));
    } else if status != 204 {
        all.push(pair("content-length", &body.len().to_string()));
    }
    all.push(pair("x-envoy-upstream-service-time", "0"));
    Parts { headers: all, body, trailers }
}

/// A callout that left: the line that the target writes of it; nothing for a host where nobody listens.
pub(super) fn target_line(callout: &Callout, now: u64) -> Option<String> {
    match &callout.kind {
        CalloutKind::Http { cluster, .. } if cluster == "nobody" => None,
        CalloutKind::Http { headers, body, .. } => {
            let find = |name: &str| headers.iter().find(|(known, _)| known == name.as_bytes());
            let value = |name| text(find(name).map(|(_, value)| value.as_slice()));
            Some(asked(&value(":method"), &value(":path"), headers, body))
        }
        CalloutKind::Grpc { service, method, initial_metadata, message, .. } => {
            Some(grpc_line(service, method, initial_metadata, message, callout.deadline.map(|at| at - now)))
        }
        CalloutKind::GrpcStream { service, method, initial_metadata, messages, .. } => {
            Some(grpc_line(service, method, initial_metadata, &messages.concat(), None))
        }
    }
}

fn grpc_line(service: &str, method: &str, metadata: &Pairs, message: &[u8], left: Option<u64>) -> String {
    let mut headers = vec![pair("te", "trailers")];
    headers.extend(left.map(|left| pair("grpc-timeout", &format!("{left}m"))));
    headers.push(pair("content-type", "application/grpc"));
    headers.extend(metadata.iter().cloned());
    asked("grpc", &format!("/{service}/{method}"), &headers, message)
}

/// What is answered to a callout, and after how many milliseconds; nothing: never.
pub(super) fn target_answer(callout: &Callout) -> (u64, Vec<CalloutAnswer>) {
    match &callout.kind {
        CalloutKind::Http { cluster, .. } if cluster == "nobody" => (0, vec![unavailable(NOBODY)]),
        CalloutKind::Http { headers, .. } => {
            let path = headers.iter().find(|(name, _)| name == b":path");
            let (after, answer) = http_answer(&text(path.map(|(_, value)| value.as_slice())));
            (after, answer.into_iter().collect())
        }
        CalloutKind::Grpc { method, .. } => grpc_answer(method, false),
        CalloutKind::GrpcStream { method, .. } => grpc_answer(method, true),
    }
}

/// Of a call only the message or the status is handed over, of a stream all that came.
fn grpc_answer(method: &str, stream: bool) -> (u64, Vec<CalloutAnswer>) {
    let status = |code: u16, message: String| CalloutAnswer::GrpcStatus { code: u32::from(code), message };
    let known = grpc::METHODS.iter().find(|(name, _)| *name == method);
    match known.map(|(_, reply)| *reply) {
        Some(grpc::Reply::Message(text, after)) => {
            let message = CalloutAnswer::Grpc { message: text.as_bytes().to_vec() };
            if !stream {
                return (after, vec![message]);
            }
            let initial = [
                (":status", "200"),
                ("content-type", "application/grpc"),
                ("x-envoy-upstream-service-time", "0"),
            ];
            let initial = initial.iter().map(|(name, value)| pair(name, value)).collect();
            let answers = vec![
                CalloutAnswer::GrpcInitialMetadata { metadata: initial },
                message,
                CalloutAnswer::GrpcTrailingMetadata { metadata: vec![pair("grpc-status", "0")] },
                status(0, "via_upstream".to_owned()),
            ];
            (after, answers)
        }
        Some(grpc::Reply::Status(code, text)) => (0, vec![status(code, format!("{text}{{via_upstream}}"))]),
        Some(grpc::Reply::Reset) => (0, vec![status(UNAVAILABLE, RESET.to_owned())]),
        Some(grpc::Reply::Never) | None => (0, Vec::new()),
    }
}

fn http_answer(path: &str) -> (u64, Option<CalloutAnswer>) {
    let answer = Answer::to(path);
    let given = match answer.kind {
        Kind::Http { status, headers, body, trailers } => {
            let parts = parts(status, &headers, body, pairs(&trailers));
            let trailers = (!parts.trailers.is_empty()).then_some(parts.trailers);
            Some(CalloutAnswer::Http { headers: parts.headers, body: parts.body, trailers })
        }
        Kind::Never => None,
        Kind::Reset => Some(unavailable(BROKEN)),
        Kind::Cut => Some(CalloutAnswer::Reset),
    };
    (answer.after_ms, given)
}

/// The router's own answer.
fn unavailable(words: &str) -> CalloutAnswer {
    let headers = vec![
        pair(":status", "503"),
        pair("content-length", &words.len().to_string()),
        pair("content-type", "text/plain"),
    ];
    CalloutAnswer::Http { headers, body: words.as_bytes().to_vec(), trailers: None }
}

fn pair(name: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
    (name.as_bytes().to_vec(), value.as_bytes().to_vec())
}

fn pairs(all: &[(String, String)]) -> Pairs {
    all.iter().map(|(name, value)| pair(name, value)).collect()
}

fn text(bytes: Option<&[u8]>) -> String {
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}
