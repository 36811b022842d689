//! Every place where a caller may put something, with the secret in it.

use super::tokens::{self, Tokens};
use super::{PATH, SECRET};
use meshward_harness::client::RawRequest;

/// A request with the secret in one place (and, where a token is demanded, in a good token's claims).
pub(super) struct Place {
    pub(super) name: String,
    pub(super) request: RawRequest,
}

/// A request for what the configurations name.
pub(super) fn plain() -> RawRequest {
    RawRequest::get(PATH).host("orders.shop")
}

/// All of them.
pub(super) fn all(tokens: &Tokens) -> Vec<Place> {
    let good = tokens.good();
    let carrying = |Place { name, request }| Place { name, request: tokens::carrying(request, &good) };
    let mut places: Vec<Place> = bare().map(carrying).collect();
    places.extend(of_authorization(tokens));
    places
}

/// Those that are not in the token, before there is one: the secret is in nothing else of them.
pub(super) fn bare() -> impl Iterator<Item = Place> {
    let all = of_requests().into_iter().chain(of_headers());
    all.map(|(name, request)| Place { name: name.to_owned(), request })
}

fn of_requests() -> Vec<(&'static str, RawRequest)> {
    let at = |path: String| RawRequest::get(path).host("orders.shop");
    let host = |host: String| RawRequest::get(PATH).host(host);
    let post = || RawRequest::new("POST", PATH).host("orders.shop");
    let chunked = format!("3\r\nabc\r\n0\r\nx-{SECRET}: {SECRET}\r\n\r\n");
    vec![
        ("segment", at(format!("/v1/{SECRET}/orders"))),
        ("parameter", at(format!("{PATH};{SECRET}"))),
        ("query", at(format!("{PATH}?token={SECRET}&{SECRET}"))),
        ("escaped", at(format!("/v1/%2F{SECRET}%00"))),
        ("absolute form", at(format!("http://{SECRET}/v1/orders"))),
        ("host", host(SECRET.to_owned())),
        ("port", host(format!("orders.shop:{SECRET}"))),
        ("user in the host", host(format!("{SECRET}@orders.shop"))),
        ("method", RawRequest::new(SECRET, PATH).host("orders.shop")),
        ("body", post().body(SECRET)),
        ("trailer", post().header("transfer-encoding", "chunked").body(chunked)),
        (
            "gRPC",
            RawRequest::new("POST", format!("/{SECRET}.Service/{SECRET}"))
                .host("orders.shop")
                .header("content-type", format!("application/grpc+{SECRET}"))
                .header("te", "trailers")
                .header("grpc-timeout", SECRET)
                .header(format!("{SECRET}-bin"), SECRET)
                .body(format!("\0\0\0\0\x0d{SECRET}")),
        ),
    ]
}

fn of_headers() -> Vec<(&'static str, RawRequest)> {
    let of = |name: &str, value: String| plain().header(name, value);
    let mut places = vec![
        ("header value", of("x-api-key", SECRET.to_owned())),
        ("header name", of(SECRET, "x".to_owned())),
        ("a limit's key", of("x-key", SECRET.to_owned())),
        ("proxy authorization", of("proxy-authorization", format!("Basic {SECRET}"))),
        ("cookie", of("cookie", format!("session={SECRET}; {SECRET}=1"))),
        ("request id", of("x-request-id", SECRET.to_owned())),
        ("forwarded for", of("x-forwarded-for", SECRET.to_owned())),
        ("client certificate", of("x-forwarded-client-cert", format!("URI=spiffe://a/{SECRET};By={SECRET}"))),
        ("trace", of("traceparent", format!("00-{SECRET}-1-01"))),
        ("content type", of("content-type", format!("text/{SECRET}"))),
        ("handover", of("wasm.meshward_authn", SECRET.to_owned())),
    ];
    let names = [
        "user-agent",
        "referer",
        "origin",
        "via",
        "forwarded",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-envoy-original-path",
        "x-original-url",
        "baggage",
        "tracestate",
        "if-match",
    ];
    places.extend(names.map(|name| (name, of(name, SECRET.to_owned()))));
    places
}

/// Those that are where a token belongs.
pub(super) fn of_authorization(tokens: &Tokens) -> Vec<Place> {
    let place = |name: &str, value: String| Place {
        name: format!("token: {name}"),
        request: plain().header("authorization", value),
    };
    let mut places = vec![
        place("other scheme", format!("Basic {SECRET}")),
        place("scheme", format!("{SECRET} {SECRET}")),
        place("opaque", format!("Bearer {SECRET}")),
        place("too long", format!("Bearer {}", SECRET.repeat(2_000))),
    ];
    let twice = place("twice", format!("Bearer {}", tokens.good()));
    places.push(Place { request: tokens::carrying(twice.request, SECRET), name: twice.name });
    places.push(Place { name: "token: missing".to_owned(), request: plain().header("x-api-key", SECRET) });
    places.extend(tokens.all().into_iter().map(|(name, token)| place(name, format!("Bearer {token}"))));
    places
}
