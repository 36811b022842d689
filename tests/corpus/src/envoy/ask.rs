//! Asks: one connection for a case, one request for a step.

use super::layout::Layout;
use crate::CorpusError;
use crate::case::{Case, Step};
use meshward_harness::client::{RawRequest, Response};
use meshward_model::UnixMillis;
use std::time::{SystemTime, UNIX_EPOCH};

/// What was asked, and what came back.
pub(super) struct Asked<'c> {
    pub(super) case: &'c Case,
    pub(super) step: &'c Step,
    /// Which step, from 0.
    pub(super) number: usize,
    /// The request's `x-request-id`.
    pub(super) id: String,
    /// The root ID of the plugins that were asked.
    pub(super) root: String,
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
        let id = format!("c0-{number}-{at}");
        let before = layout.upstream_count();
        let request = request(case, step, &id);
        let answer = client.send(&request).map_err(|error| error.to_string());
        let arrived = layout.upstream_count() > before;
        let root = layout.root(case);
        Asked { case, step, number: at, id, root, answer, arrived }
    });
    Ok(asked.collect())
}

fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn request(case: &Case, step: &Step, id: &str) -> RawRequest {
    let asked = step.asked_at(now());
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
