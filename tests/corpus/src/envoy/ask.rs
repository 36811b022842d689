//! Asks: one connection for a case, one request for a step.

use super::layout::Layout;
use crate::CorpusError;
use crate::case::{Case, Step};
use meshward_harness::client::{RawRequest, Response};

/// What was asked, and what came back.
pub(super) struct Asked<'c> {
    pub(super) case: &'c Case,
    pub(super) step: &'c Step,
    /// Which step, from 0.
    pub(super) number: usize,
    /// The request's `x-request-id`.
    pub(super) id: String,
    /// The answer, or why there is none.
    pub(super) answer: Result<Response, String>,
    /// Whether the upstream saw the request.
    pub(super) arrived: bool,
}

/// Runs all steps of a case.
pub(super) fn case<'c>(
    layout: &Layout,
    number: usize,
    case: &'c Case,
) -> Result<Vec<Asked<'c>>, CorpusError> {
    let mut client = layout.client(case)?;
    let steps = case.steps.iter().enumerate();
    let asked = steps.map(|(at, step)| {
        let id = format!("corpus-{number}-{at}");
        let before = layout.upstream_count();
        let answer = client.send(&request(case, step, &id)).map_err(|error| error.to_string());
        let arrived = layout.upstream_count() > before;
        Asked { case, step, number: at, id, answer, arrived }
    });
    Ok(asked.collect())
}

fn request(case: &Case, step: &Step, id: &str) -> RawRequest {
    let asked = &step.request;
    let mut request = RawRequest::new(asked.method.clone(), asked.path.clone()).host(asked.host.clone());
    request = request.header("x-request-id", id).body(asked.body.clone());
    if step.upstream != 200 {
        request = request.header("x-echo-status", step.upstream.to_string());
    }
    if let Some((name, value)) = Layout::peer_header(case) {
        request = request.header(name, value);
    }
    asked.headers.iter().fold(request, |request, (name, value)| request.header(name.clone(), value.clone()))
}
