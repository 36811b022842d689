//! Where allowed requests go: an upstream over HTTP/1.1, or an echo that answers with what arrived.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use meshward_host::Headers;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::head;
use super::outgoing::{Content, Outgoing};
use crate::failure::Failure;

/// Who answers.
pub(super) enum Upstream {
    /// We do, with what arrived.
    Echo,
    /// Somebody else.
    Http(Place),
}

/// Where somebody listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// `host:port`
    pub(super) address: String,
}

impl Upstream {
    /// The echo where nothing is said.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what is no place.
    pub(super) fn parse(url: Option<&str>) -> Result<Self, Failure> {
        url.map_or(Ok(Self::Echo), |url| Place::parse(url).map(Self::Http))
    }

    /// Sends a request there. `Err`: nobody answers, in words.
    pub(super) async fn send(&self, headers: &Headers, body: Content) -> Result<(Headers, Content), String> {
        match self {
            Self::Echo => echo(headers, body).await,
            Self::Http(place) => {
                let held = matches!(body, Content::Whole(_));
                let request = head::to_request(headers, Outgoing::from(body));
                let mut request = request.ok_or("the module left no request that can be sent")?;
                // Of a body that was held, and may have been changed, hyper writes the length itself.
                if held {
                    request.headers_mut().remove(hyper::header::CONTENT_LENGTH);
                }
                let response = place.send(request).await?;
                let (parts, body) = response.into_parts();
                Ok((head::of_response(parts.status, &parts.headers), Content::Passing(body)))
            }
        }
    }
}

impl Place {
    /// `http://host:port`; nothing after it.
    ///
    /// # Errors
    /// [`Failure::Usage`] for anything else.
    pub(super) fn parse(url: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            Failure::usage(
                format!("`{url}` {what}"),
                "write `http://127.0.0.1:3000`: scheme, host and port, no path",
            )
        };
        let uri: Uri = url.parse().map_err(|_| wrong("is no URL"))?;
        let authority = uri.authority().ok_or_else(|| wrong("names no host"))?;
        if uri.scheme_str() != Some("http") {
            return Err(wrong("is no `http` URL"));
        }
        if uri.path_and_query().is_some_and(|path| path.as_str() != "/") {
            return Err(wrong("has a path, and requests keep their own"));
        }
        if authority.as_str().contains('@') {
            return Err(wrong("has a user, which nobody would look at"));
        }
        Ok(Self { address: format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(80)) })
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> Result<TcpStream, String> {
        let connected = TcpStream::connect(&self.address).await;
        let stream = connected.map_err(|error| format!("cannot connect to {}: {error}", self.address))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(stream)
    }

    /// Sends one request on a connection of its own.
    pub(super) async fn send(&self, request: Request<Outgoing>) -> Result<Response<Incoming>, String> {
        let io = TokioIo::new(self.connect().await?);
        let fail = |error: hyper::Error| format!("{}: {error}", self.address);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.map_err(fail)?;
        tokio::task::spawn_local(connection);
        sender.send_request(request).await.map_err(fail)
    }
}

/// Reads the body away, however long it is, and says what arrived.
async fn echo(headers: &Headers, body: Content) -> Result<(Headers, Content), String> {
    let mut body = Outgoing::from(body);
    let mut bytes = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the request's body broke off: {error}"))?;
        bytes = bytes.saturating_add(frame.data_ref().map_or(0, |data| data.len()));
    }
    let text = |name: &[u8]| latin1(head::pseudo(headers, name).unwrap_or_default());
    let listed: Vec<Value> = headers
        .iter()
        .filter(|(name, _)| !name.starts_with(b":"))
        .map(|(name, value)| json!([latin1(name), latin1(value)]))
        .collect();
    let seen = json!({
        "method": text(b":method"),
        "host": text(b":authority"),
        "path": text(b":path"),
        "headers": listed,
        "body_bytes": bytes,
    });
    let answer = vec![
        (b":status".to_vec(), b"200".to_vec()),
        (b"content-type".to_vec(), b"application/json".to_vec()),
    ];
    let is_head = head::pseudo(headers, b":method") == Some(b"HEAD");
    Ok((answer, Content::whole(if is_head { String::new() } else { format!("{seen:#}\n") })))
}

/// Bytes as the characters of the same number: nothing is lost.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn an_upstream_is_a_host_and_a_port() {
        let address = |url| Place::parse(url).ok().map(|place| place.address);
        assert_eq!(address("http://127.0.0.1:3000").as_deref(), Some("127.0.0.1:3000"));
        assert_eq!(address("http://localhost/").as_deref(), Some("localhost:80"));
        assert_eq!(address("http://[::1]:9").as_deref(), Some("[::1]:9"));
        for wrong in ["", "127.0.0.1:3000", "https://a", "http://a/b", "http://u@a", "http://a?x"] {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }
}
