//! What a request makes the probe ask: `x-ask` (`http`, `grpc`, `share`: one HTTP question for all of a path), `x-ask-path` (what
//! is asked; for gRPC the method), `x-ask-cluster` (another cluster), `x-deadline` (another deadline, in milliseconds).

use meshward_model::{Question, Request, Ticket, UnixMillis, Waiting};

use crate::settings::Settings;

const SERVICE: &str = "probe.Answers";

/// The question of a request.
pub(crate) fn of(settings: &Settings, request: &Request) -> Question {
    if header(request, b"x-ask") == Some(b"grpc") {
        let method = String::from_utf8_lossy(path(request)).into_owned();
        return Question::Grpc {
            cluster: cluster(request).unwrap_or_else(|| settings.grpc_cluster.clone()),
            service: SERVICE.to_owned(),
            method,
            message: message(request).to_vec(),
            timeout_millis: settings.timeout_millis,
            max_message_bytes: settings.max_bytes,
        };
    }
    let mut question = http(settings, path(request));
    if let (Question::Http { cluster, .. }, Some(other)) = (&mut question, cluster(request)) {
        *cluster = other;
    }
    question
}

/// An HTTP question.
pub(crate) fn http(settings: &Settings, path: &[u8]) -> Question {
    let headers =
        [(b":method".as_slice(), b"GET".as_slice()), (b":path", path), (b":authority", b"answers.test")];
    Question::Http {
        cluster: settings.http_cluster.clone(),
        headers: headers.map(|(name, value)| (name.to_vec(), value.to_vec())).to_vec(),
        body: Vec::new(),
        timeout_millis: settings.timeout_millis,
        max_body_bytes: settings.max_bytes,
    }
}

/// What is sent, or written.
pub(crate) fn message(request: &Request) -> &[u8] {
    header(request, b"x-message").unwrap_or_default()
}

/// What is asked.
pub(crate) fn path(request: &Request) -> &[u8] {
    header(request, b"x-ask-path").unwrap_or(b"/ask")
}

/// How long the request waits for it.
pub(crate) fn waiting(settings: &Settings, ticket: Ticket, request: &Request, now: UnixMillis) -> Waiting {
    let own = header(request, b"x-deadline").and_then(|text| core::str::from_utf8(text).ok()?.parse().ok());
    Waiting::on(ticket, now, own.unwrap_or(settings.deadline_millis))
}

fn cluster(request: &Request) -> Option<String> {
    header(request, b"x-ask-cluster").map(|name| String::from_utf8_lossy(name).into_owned())
}

fn header<'a>(request: &'a Request, name: &'a [u8]) -> Option<&'a [u8]> {
    request.headers.single(name).ok()
}
