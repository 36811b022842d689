//! One request's way: caller, module, upstream, module, caller.

use std::rc::Rc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::CONTENT_LENGTH;
use hyper::{Method, Request, Response, StatusCode};
use meshward_host::{Attributes, Headers, LocalReply, Message, Progress, Proxy, Stream};

use super::driver::Driver;
use super::head::{self, Unfit};
use super::held::Held;
use super::module::Bodies;
use super::native::{Native, Why};
use super::outgoing::{Content, Outgoing};
use super::relay::Upstream;
use super::told::{Line, Told};

/// The most that is held of a body which the module looks at: Envoy's default for a connection's buffer.
const MAX_HELD_BODY_BYTES: usize = 1024 * 1024;
/// The longest that a module may hold a request or a response: Envoy's default for `stream_idle_timeout`.
const LONGEST_HOLD: Duration = Duration::from_secs(300);

/// What every connection needs.
pub(super) struct Service {
    pub(super) driver: Rc<Driver>,
    pub(super) native: Rc<Native>,
    pub(super) upstream: Upstream,
    pub(super) bodies: Bodies,
    /// The port that the policy is told.
    pub(super) port: u16,
}

/// Who calls, and over what.
pub(super) struct Caller {
    pub(super) attributes: Attributes,
    /// As the line of a request shows it.
    pub(super) name: String,
    pub(super) scheme: &'static str,
}

/// Where a held message came to.
enum Passed {
    On(Message),
    Answered(LocalReply),
    Gone,
}

impl Service {
    /// Answers one request.
    pub(super) async fn answer(&self, caller: &Caller, request: Request<Incoming>) -> Response<Outgoing> {
        let (parts, body) = request.into_parts();
        let mut line = Line {
            method: parts.method.to_string(),
            path: parts.uri.path_and_query().map_or_else(|| parts.uri.to_string(), ToString::to_string),
            caller: caller.name.clone(),
            allowed: false,
            status: 0,
            why: String::new(),
        };
        let is_head = parts.method == Method::HEAD;
        let mut response = match head::of_request(&parts, caller.scheme) {
            Ok(headers) => self.decided(caller, headers, body, &mut line).await,
            Err(Unfit { status, why }) => {
                line.why = format!("never asked: {why}");
                plain(status, why)
            }
        };
        // Of a body that is there, hyper writes the length itself.
        if !is_head {
            response.headers_mut().remove(CONTENT_LENGTH);
        }
        line.status = response.status().as_u16();
        self.driver.tell(Told::Request(line));
        response
    }

    async fn decided(
        &self,
        caller: &Caller,
        headers: Headers,
        body: Incoming,
        line: &mut Line,
    ) -> Response<Outgoing> {
        let why = self.native.why(&headers, &caller.attributes, self.port);
        let held = Held::open(&self.driver, caller.attributes.clone());
        let ends = body.is_end_stream();
        held.touch(|proxy, stream| proxy.request_headers(stream, headers, ends));
        let mut passing = Some(Content::Passing(body));
        if self.bodies.request && !ends {
            match collected(passing.take()).await {
                Ok(bytes) => held.touch(|proxy, stream| proxy.request_body(stream, &bytes, true)),
                Err(unread) => {
                    line.why = format!("never decided: {unread}");
                    return plain(StatusCode::PAYLOAD_TOO_LARGE, unread);
                }
            }
        }
        match passed(&held, Self::request_of).await {
            Passed::On(message) => {
                line.allowed = true;
                line.why = reason(why, true, "");
                let body = passing.unwrap_or_else(|| Content::whole(message.body));
                self.relayed(held, &message.headers, body, line).await
            }
            Passed::Answered(reply) => {
                line.why = reason(why, false, &reply.details);
                local(held, reply)
            }
            Passed::Gone => {
                line.why = "the stream was reset".to_owned();
                plain(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the module did not decide in time, or reset the stream",
                )
            }
        }
    }

    /// An allowed request, to the upstream and back through the module.
    async fn relayed(
        &self,
        held: Held,
        headers: &Headers,
        body: Content,
        line: &mut Line,
    ) -> Response<Outgoing> {
        let (headers, body) = match self.upstream.send(headers, body).await {
            Ok(answer) => answer,
            Err(why) => {
                line.why.push_str(&format!("; {why}"));
                let answer = vec![
                    (b":status".to_vec(), b"503".to_vec()),
                    (b"content-type".to_vec(), b"text/plain".to_vec()),
                ];
                (answer, Content::whole(why))
            }
        };
        let ends = body.is_empty();
        let mut passing = Some(body);
        held.touch(|proxy, stream| proxy.response_headers(stream, headers, ends));
        if self.bodies.response && !ends {
            match collected(passing.take()).await {
                Ok(bytes) => held.touch(|proxy, stream| proxy.response_body(stream, &bytes, true)),
                Err(unread) => return plain(StatusCode::INTERNAL_SERVER_ERROR, unread),
            }
        }
        match passed(&held, Self::response_of).await {
            Passed::On(message) => {
                let body = passing.unwrap_or_else(|| Content::whole(message.body));
                head::to_response(&message.headers, ()).map_or_else(unsendable, |response| {
                    let (parts, ()) = response.into_parts();
                    Response::from_parts(parts, Outgoing::ending(body, held))
                })
            }
            Passed::Answered(reply) => local(held, reply),
            Passed::Gone => plain(StatusCode::SERVICE_UNAVAILABLE, "the module reset the stream"),
        }
    }

    fn request_of(proxy: &Proxy, stream: Stream) -> Option<Passed> {
        match proxy.progress(stream) {
            Progress::Paused => None,
            Progress::Forwarded(message) | Progress::Responded(message) => Some(Passed::On(message)),
            Progress::Replied(reply) => Some(Passed::Answered(reply)),
            Progress::Gone => Some(Passed::Gone),
        }
    }

    fn response_of(proxy: &Proxy, stream: Stream) -> Option<Passed> {
        match proxy.progress(stream) {
            Progress::Paused | Progress::Forwarded(_) => None,
            Progress::Responded(message) => Some(Passed::On(message)),
            Progress::Replied(reply) => Some(Passed::Answered(reply)),
            Progress::Gone => Some(Passed::Gone),
        }
    }
}

/// Waits for the module, but not for ever.
async fn passed(held: &Held, look: fn(&Proxy, Stream) -> Option<Passed>) -> Passed {
    tokio::time::timeout(LONGEST_HOLD, held.wait(look)).await.unwrap_or(Passed::Gone)
}

/// All of a body.
async fn collected(body: Option<Content>) -> Result<Bytes, &'static str> {
    let Some(body) = body else { return Ok(Bytes::new()) };
    let limited = Limited::new(Outgoing::from(body), MAX_HELD_BODY_BYTES);
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(_) => Err("a body that the module looks at is over 1 MiB, or broke off"),
    }
}

/// The rule or the reason. The module has decided; where the native core would have decided otherwise, both are told.
fn reason(why: Option<Why>, allowed: bool, details: &str) -> String {
    match why {
        Some(why) if why.allowed == allowed => {
            let shadow =
                why.shadow.map_or_else(String::new, |by| format!("; a shadow document would deny it: {by}"));
            format!("{}{shadow}", why.by)
        }
        Some(why) => format!("{details} (the native core would say {}: please report it)", why.by),
        None => details.to_owned(),
    }
}

fn local(held: Held, reply: LocalReply) -> Response<Outgoing> {
    let LocalReply { headers, body, .. } = reply;
    head::to_response(&headers, ()).map_or_else(unsendable, |response| {
        let (parts, ()) = response.into_parts();
        Response::from_parts(parts, Outgoing::ending(Content::whole(body), held))
    })
}

fn unsendable() -> Response<Outgoing> {
    plain(StatusCode::INTERNAL_SERVER_ERROR, "the module left no response that can be sent")
}

fn plain(status: StatusCode, text: &'static str) -> Response<Outgoing> {
    let mut response = Response::new(Outgoing::from(Content::whole(text)));
    *response.status_mut() = status;
    response
}
