//! Heads of messages, between hyper and the proxy: what belongs to one hop only is taken away, nothing else is touched.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::request;
use hyper::{Method, Request, Response, StatusCode, Uri, Version};
use meshward_host::Headers;

/// RFC 9110, 7.6.1, and what older programs put there.
const OF_ONE_HOP: [&str; 7] =
    ["connection", "expect", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];

/// A request that no policy is asked about, as Envoy answers it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit {
    pub(super) status: StatusCode,
    pub(super) why: &'static str,
}

/// A request's head as a proxy's filters see it.
///
/// # Errors
/// Envoy answers these by itself (seen with 1.36.4 and 1.40.0): HTTP/1.0 with 426, no host with 400. Two hosts it joins with a comma,
/// and so does this. CONNECT is not served here.
pub(super) fn of_request(parts: &request::Parts, scheme: &str) -> Result<Headers, Unfit> {
    let unfit = |status, why| Err(Unfit { status, why });
    if parts.version < Version::HTTP_11 {
        return unfit(StatusCode::UPGRADE_REQUIRED, "HTTP/1.0 is not served");
    }
    if parts.method == Method::CONNECT {
        return unfit(StatusCode::NOT_IMPLEMENTED, "CONNECT is not served");
    }
    let hosts: Vec<&[u8]> = parts.headers.get_all("host").iter().map(HeaderValue::as_bytes).collect();
    let authority = match parts.uri.authority() {
        // RFC 9112, 3.2.2: with a whole URL the host header does not count.
        Some(authority) => authority.as_str().as_bytes().to_vec(),
        None if hosts.is_empty() => return unfit(StatusCode::BAD_REQUEST, "there is no host"),
        None => hosts.join(&b','),
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers: Headers = vec![
        (b":authority".to_vec(), authority),
        (b":path".to_vec(), path.as_bytes().to_vec()),
        (b":method".to_vec(), parts.method.as_str().as_bytes().to_vec()),
        (b":scheme".to_vec(), scheme.as_bytes().to_vec()),
    ];
    headers.extend(lasting(&parts.headers).filter(|(name, _)| name != b"host"));
    add_if_absent(&mut headers, "x-forwarded-proto", || scheme.to_owned());
    add_if_absent(&mut headers, "x-request-id", request_id);
    Ok(headers)
}

/// A response's head as a proxy's filters see it.
pub(super) fn of_response(status: StatusCode, map: &HeaderMap) -> Headers {
    let mut headers: Headers = vec![(b":status".to_vec(), status.as_str().as_bytes().to_vec())];
    headers.extend(lasting(map));
    headers
}

/// A request to an upstream; `None`: a plugin left nothing that can be sent.
pub(super) fn to_request<B>(headers: &Headers, body: B) -> Option<Request<B>> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(pseudo(headers, b":method")?).ok()?;
    *request.uri_mut() = Uri::try_from(pseudo(headers, b":path")?).ok()?;
    let host = HeaderValue::from_bytes(pseudo(headers, b":authority")?).ok()?;
    request.headers_mut().insert(hyper::header::HOST, host);
    put(headers, request.headers_mut())?;
    Some(request)
}

/// A response to a caller; `None`: a plugin left nothing that can be sent.
pub(super) fn to_response<B>(headers: &Headers, body: B) -> Option<Response<B>> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_bytes(pseudo(headers, b":status")?).ok()?;
    put(headers, response.headers_mut())?;
    Some(response)
}

fn put(headers: &Headers, map: &mut HeaderMap) -> Option<()> {
    for (name, value) in headers.iter().filter(|(name, _)| !name.starts_with(b":")) {
        map.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
    }
    Some(())
}

/// The value of a pseudo header, or of any other that may stand only once.
pub(super) fn pseudo<'a>(headers: &'a Headers, name: &[u8]) -> Option<&'a [u8]> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
}

/// Without what belongs to this hop: the usual names, and those that `connection` names.
fn lasting(map: &HeaderMap) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    let named: Vec<String> = map
        .get_all("connection")
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|token| String::from_utf8_lossy(token.trim_ascii()).to_ascii_lowercase())
        .collect();
    let lasts = move |name: &str, value: &[u8]| {
        let trailers = name == "te" && value.eq_ignore_ascii_case(b"trailers");
        trailers || !(OF_ONE_HOP.contains(&name) || named.iter().any(|one| one == name))
    };
    map.iter()
        .filter(move |(name, value)| lasts(name.as_str(), value.as_bytes()))
        .map(|(name, value)| (name.as_str().as_bytes().to_vec(), value.as_bytes().to_vec()))
}

fn add_if_absent(headers: &mut Headers, name: &str, value: impl FnOnce() -> String) {
    if pseudo(headers, name.as_bytes()).is_none() {
        headers.push((name.as_bytes().to_vec(), value().into_bytes()));
    }
}

/// An id in the form that Envoy gives, told apart by chance and by counting.
fn request_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let state = RandomState::new();
    let half = |which: u8| format!("{:016x}", state.hash_one((which, count)));
    let digits = format!("{}{}", half(0), half(1));
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(build: impl FnOnce(request::Builder) -> request::Builder) -> Option<request::Parts> {
        build(Request::builder()).body(()).ok().map(|request| request.into_parts().0)
    }

    fn names(headers: &Headers) -> Vec<String> {
        headers.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect()
    }

    #[test]
    fn what_belongs_to_one_hop_is_taken_away_and_the_rest_stays_as_it_came() {
        let parts = parts(|request| {
            request
                .uri("//admin/../x?q=%2e")
                .header("host", "orders.shop")
                .header("connection", "close, X-Own")
                .header("x-own", "1")
                .header("te", "trailers")
                .header("x-twice", "a")
                .header("x-twice", &b"b\xff"[..])
        });
        let headers = parts.and_then(|parts| of_request(&parts, "http").ok()).unwrap_or_default();
        assert_eq!(pseudo(&headers, b":path"), Some(&b"//admin/../x?q=%2e"[..]));
        assert_eq!(pseudo(&headers, b":authority"), Some(&b"orders.shop"[..]));
        let twice: Vec<_> =
            headers.iter().filter(|(name, _)| name == b"x-twice").map(|(_, value)| value).collect();
        assert_eq!(twice, [&b"a".to_vec(), &b"b\xff".to_vec()]);
        let names = names(&headers);
        assert!(names.contains(&"te".to_owned()) && names.contains(&"x-request-id".to_owned()), "{names:?}");
        assert!(
            !names.iter().any(|name| ["connection", "x-own", "host"].contains(&name.as_str())),
            "{names:?}"
        );
    }

    #[test]
    fn what_envoy_answers_by_itself_never_reaches_the_module() {
        let status = |parts: Option<request::Parts>| {
            parts.and_then(|parts| of_request(&parts, "http").err()).map(|unfit| unfit.status.as_u16())
        };
        assert_eq!(status(parts(|request| request)), Some(400));
        assert_eq!(status(parts(|request| request.version(Version::HTTP_10).header("host", "a"))), Some(426));
        assert_eq!(status(parts(|request| request.method("CONNECT").uri("a:1"))), Some(501));
    }

    #[test]
    fn the_authority_is_the_urls_or_all_hosts_as_envoy_has_it() {
        let authority = |parts: Option<request::Parts>| {
            let headers = parts.and_then(|parts| of_request(&parts, "http").ok())?;
            pseudo(&headers, b":authority").map(<[u8]>::to_vec)
        };
        let two = parts(|request| request.header("host", "a").header("host", "b"));
        assert_eq!(authority(two), Some(b"a,b".to_vec()));
        let url = parts(|request| request.uri("http://u/a").header("host", "a").header("host", "b"));
        assert_eq!(authority(url), Some(b"u".to_vec()));
        assert_eq!(authority(parts(|request| request.header("host", ""))), Some(Vec::new()));
    }

    #[test]
    fn request_ids_differ_and_look_like_envoys() {
        let (one, other) = (request_id(), request_id());
        assert_ne!(one, other);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
}
