//! The module's own calls: over HTTP/1.1, or unary gRPC over HTTP/2, to the places that `--cluster` names.

use std::collections::BTreeMap;
use std::rc::Rc;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, Response};
use hyper_util::rt::TokioIo;
use meshward_host::{Callout, CalloutAnswer, CalloutKind, Headers};

use super::driver::Driver;
use super::head;
use super::outgoing::{Content, Outgoing};
pub(super) use super::relay::Place;
use super::told::Told;
use crate::failure::Failure;

/// The most that is read of an answer.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// gRPC's codes, of what happens here: UNIMPLEMENTED, INTERNAL, UNAVAILABLE.
const UNIMPLEMENTED: u32 = 12;
const INTERNAL: u32 = 13;
const UNAVAILABLE: u32 = 14;
/// Before each message: one byte that says whether it is compressed, four for its length.
const FRAME_BYTES: usize = 5;

/// Clusters by name.
pub(super) struct Clusters {
    places: BTreeMap<String, Place>,
}

impl Clusters {
    /// Reads `NAME=URL` pairs.
    ///
    /// # Errors
    /// [`Failure::Usage`] for anything else, and for a name that comes twice.
    pub(super) fn parse(pairs: &[String]) -> Result<Self, Failure> {
        let mut places = BTreeMap::new();
        for pair in pairs {
            let wrong =
                |what: &str| Failure::usage(format!("`{pair}` {what}"), "write `jwks=http://127.0.0.1:9000`");
            let (name, url) = pair.split_once('=').ok_or_else(|| wrong("is no `NAME=URL`"))?;
            if places.insert(name.to_owned(), Place::parse(url)?).is_some() {
                return Err(wrong("names a cluster that is named already"));
            }
        }
        Ok(Self { places })
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// Where a cluster is.
    pub(super) fn place(&self, name: &str) -> Option<&Place> {
        self.places.get(name)
    }
}

/// Makes the call and hands the answer over. Its patience is the proxy's: an answer that comes too late finds nobody.
pub(super) async fn carry_out(driver: Rc<Driver>, callout: Callout) {
    let answer = match answer(&driver, callout.kind).await {
        Ok(answer) => answer,
        Err((why, answer)) => {
            driver.tell(Told::Trouble(format!("a call of the module failed: {why}")));
            answer
        }
    };
    driver.touch(|proxy| proxy.answer(callout.id, answer));
}

async fn answer(driver: &Driver, kind: CalloutKind) -> Result<CalloutAnswer, (String, CalloutAnswer)> {
    match kind {
        CalloutKind::Http { cluster, headers, body, .. } => {
            http(driver, &cluster, &headers, body).await.map_err(|why| (why, CalloutAnswer::Reset))
        }
        CalloutKind::Grpc { cluster, service, method, initial_metadata, message } => {
            let path = format!("/{service}/{method}");
            let called = grpc(driver, &cluster, path, initial_metadata, &message).await;
            called.map_err(|why| (why.clone(), CalloutAnswer::GrpcStatus { code: UNAVAILABLE, message: why }))
        }
        CalloutKind::GrpcStream { cluster, service, .. } => {
            let why =
                format!("`{service}` of `{cluster}` is a gRPC stream, and only unary calls are made here");
            Err((why.clone(), CalloutAnswer::GrpcStatus { code: UNIMPLEMENTED, message: why }))
        }
    }
}

fn place<'a>(driver: &'a Driver, cluster: &str) -> Result<&'a Place, String> {
    driver
        .cluster(cluster)
        .ok_or_else(|| format!("there is no cluster `{cluster}`: give `--cluster {cluster}=URL`"))
}

async fn http(
    driver: &Driver,
    cluster: &str,
    headers: &Headers,
    body: Vec<u8>,
) -> Result<CalloutAnswer, String> {
    let place = place(driver, cluster)?;
    let mut request = head::to_request(headers, Outgoing::from(Content::whole(body)))
        .ok_or("it is no request that can be sent")?;
    request.headers_mut().remove(hyper::header::CONTENT_LENGTH);
    let response = place.send(request).await?;
    let (status, map) = (response.status(), response.headers().clone());
    let (body, trailers) = collected(response).await?;
    let trailers = trailers.map(|trailers| listed(&trailers));
    Ok(CalloutAnswer::Http { headers: head::of_response(status, &map), body: body.to_vec(), trailers })
}

async fn grpc(
    driver: &Driver,
    cluster: &str,
    path: String,
    metadata: Headers,
    message: &[u8],
) -> Result<CalloutAnswer, String> {
    let place = place(driver, cluster)?;
    let length = u32::try_from(message.len()).map_err(|_| "its message is over 4 GiB")?;
    let mut framed = vec![0];
    framed.extend(length.to_be_bytes());
    framed.extend(message);
    let mut headers: Headers = vec![
        (b":method".to_vec(), Method::POST.as_str().as_bytes().to_vec()),
        (b":path".to_vec(), path.into_bytes()),
        (b":authority".to_vec(), cluster.as_bytes().to_vec()),
        (b"content-type".to_vec(), b"application/grpc".to_vec()),
        (b"te".to_vec(), b"trailers".to_vec()),
    ];
    headers.extend(metadata);
    let request = head::to_request(&headers, Outgoing::from(Content::whole(framed)));
    let response = send_http2(place, request.ok_or("it is no request that can be sent")?).await?;
    if !response.status().is_success() {
        return Err(format!("{} answered {}", place.address, response.status()));
    }
    let map = response.headers().clone();
    let (body, trailers) = collected(response).await?;
    let ends = trailers.as_ref().unwrap_or(&map);
    let text = |name: &str| ends.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let code = text("grpc-status").parse().unwrap_or(INTERNAL);
    Ok(match (code, unframed(&body)) {
        (0, Some(message)) => CalloutAnswer::Grpc { message },
        (0, None) => {
            let message = "an answer that is not one uncompressed message".to_owned();
            CalloutAnswer::GrpcStatus { code: INTERNAL, message }
        }
        (code, _) => CalloutAnswer::GrpcStatus { code, message: text("grpc-message").to_owned() },
    })
}

fn unframed(body: &[u8]) -> Option<Vec<u8>> {
    let (frame, message) = body.split_at_checked(FRAME_BYTES)?;
    let (flag, length) = frame.split_first()?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    (*flag == 0 && usize::try_from(length) == Ok(message.len())).then(|| message.to_vec())
}

/// Runs what hyper wants done beside, on our own thread.
#[derive(Clone)]
struct Beside;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Beside {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

async fn send_http2(place: &Place, mut request: Request<Outgoing>) -> Result<Response<Incoming>, String> {
    let fail = |error: hyper::Error| format!("{}: {error}", place.address);
    // HTTP/2 has the authority in its place, and no host header.
    let host = request.headers_mut().remove(hyper::header::HOST);
    let host = host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let uri = hyper::Uri::builder().scheme("http").authority(host).path_and_query(path).build();
    *request.uri_mut() = uri.map_err(|error| error.to_string())?;
    let io = TokioIo::new(place.connect().await?);
    let (mut sender, connection) = hyper::client::conn::http2::handshake(Beside, io).await.map_err(fail)?;
    tokio::task::spawn_local(connection);
    sender.send_request(request).await.map_err(fail)
}

async fn collected(response: Response<Incoming>) -> Result<(Bytes, Option<HeaderMap>), String> {
    let limited = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
    let collected = limited.collect().await.map_err(|error| format!("its answer broke off: {error}"))?;
    let trailers = collected.trailers().cloned();
    Ok((collected.to_bytes(), trailers))
}

fn listed(map: &HeaderMap) -> Headers {
    map.iter().map(|(name, value)| (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec())).collect()
}

#[cfg(test)]
#[path = "callout_tests.rs"]
mod tests;
