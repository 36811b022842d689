//! Making one call and looking at what became of it: the answer, and whether it arrived at an application.

use anyhow::{Result, bail};
use meshward_harness::client::{ClientError, RawRequest, Response};
use serde_json::Value;

use super::issuer::Bearer;
use super::mesh::Mesh;
use super::script::{Call, Outcome};
use super::sidecar::CALL_ID;

/// A token is good for this long; the demo takes less.
const TOKEN_SECONDS: i64 = 600;

/// What became of a call, as its caller and the applications saw it.
#[derive(Clone, Debug)]
pub(super) struct Made {
    /// The outcome; none: an answer that nobody expects here, in words.
    pub(super) got: Result<Outcome, String>,
    /// How many requests arrived at applications.
    pub(super) arrived: u64,
    /// What the application behind the called workload saw last.
    pub(super) seen: Option<Value>,
    /// The headers of the answer that the script shows.
    pub(super) shown: Vec<(&'static str, String)>,
}

/// What carries the number of a call, and of its repetition, into the logs: a UUID, since events show no other request IDs.
pub(super) fn id(number: usize, repetition: usize) -> String {
    format!("{number:08}-0000-4000-8000-{repetition:012}")
}

/// Makes the call.
pub(super) fn make(mesh: &Mesh, call: &Call, id: &str) -> Result<Made> {
    let mut request = RawRequest::new(call.method, call.path).host(call.host);
    for (name, value) in &call.headers {
        request = request.header(*name, *value);
    }
    if let Some(bearer) = &call.bearer {
        request = request.header("authorization", authorization(mesh, bearer));
    }
    if call.method == "POST" {
        request = request.body("{}");
    }
    let before = mesh.arrived();
    let answer = mesh.client(call)?.send(&request.header(CALL_ID, id));
    let shown = answer.as_ref().map(|answer| shown(call, answer)).unwrap_or_default();
    let got = match answer {
        Ok(answer) => outcome(&answer),
        Err(error) if error.refused_below_http() => Ok(Outcome::NoTls),
        Err(error @ ClientError::Connect { .. }) => bail!("the mesh is not there any more: {error}"),
        Err(error) => Err(error.to_string()),
    };
    let arrived = mesh.arrived().saturating_sub(before);
    let seen = if arrived > 0 { last_seen(mesh, call)? } else { None };
    Ok(Made { got, arrived, seen, shown })
}

/// The header that presents a token.
fn authorization(mesh: &Mesh, bearer: &Bearer) -> String {
    format!("Bearer {}", mesh.services.issuer.mint(bearer, TOKEN_SECONDS))
}

fn shown(call: &Call, answer: &Response) -> Vec<(&'static str, String)> {
    let value = |name: &str| answer.header(name).map(|value| String::from_utf8_lossy(value).into_owned());
    call.shows.iter().filter_map(|name| Some((*name, value(name)?))).collect()
}

/// Behind the gateway it is web that sees a request.
fn last_seen(mesh: &Mesh, call: &Call) -> Result<Option<Value>> {
    let own = &mesh.member(call.to)?.application;
    let application = match own {
        Some(application) => Some(application),
        None => mesh.member(super::workload::Workload::Web)?.application.as_ref(),
    };
    Ok(application.and_then(super::application::Application::last))
}

fn outcome(answer: &Response) -> Result<Outcome, String> {
    let grpc = answer.header("grpc-status").and_then(|value| std::str::from_utf8(value).ok());
    match (answer.status, grpc) {
        (200, Some(status)) => {
            status.parse().map(Outcome::DeniedGrpc).map_err(|_| format!("grpc-status {status}"))
        }
        (200, None) => Ok(Outcome::Reached),
        (status, _) => Ok(Outcome::Denied(status)),
    }
}
