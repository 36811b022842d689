//! Whom a bucket is for.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::toy::request;
use meshward_model::{Anonymous, Headers, Peer, Token, Written};
use proptest::prelude::*;
use std::sync::Arc;

fn key_of(parts: &[KeyPart], request: &Request, path: Option<&str>) -> Key {
    let mut key = Key::default();
    // What lay there before is no part of it.
    key.set(&[KeyPart::Peer, KeyPart::Peer], request, None);
    key.set(parts, request, path);
    key
}

fn header(name: &str) -> Vec<KeyPart> {
    vec![KeyPart::Header(name.as_bytes().into())]
}

fn with_headers(pairs: &[(&str, &str)]) -> Request {
    let mut request = request("shop/web", "/");
    let mut headers = Headers::builder();
    for (name, value) in pairs {
        headers.push(name.as_bytes(), value.as_bytes());
    }
    request.headers = headers.build();
    request
}

fn with_token(subject: Option<&str>, issuer: &str) -> Request {
    let mut request = request("shop/web", "/");
    let subject = subject.map(str::to_owned);
    request.token = Some(Arc::new(Token {
        issuer: issuer.to_owned(),
        subject,
        claims: Vec::new(),
        written: Written::default(),
    }));
    request
}

fn anonymous() -> Request {
    let mut request = request("shop/web", "/");
    request.peer = Peer::Anonymous(Anonymous::Unverified);
    request
}

#[test]
fn a_namespace_is_one_key_within_its_trust_domain() {
    let of = |request: &Request| key_of(&[KeyPart::Namespace], request, None);
    assert_eq!(of(&request("shop/web", "/")), of(&request("shop/api", "/")));
    assert_ne!(of(&request("shop/web", "/")), of(&request("other/web", "/")));
    let mut foreign = request("shop/web", "/");
    foreign.peer =
        Peer::Spiffe(meshward_model::SpiffeId::parse(b"spiffe://else.example/ns/shop/sa/web").unwrap());
    assert_ne!(of(&request("shop/web", "/")), of(&foreign));
}

#[test]
fn a_subject_is_one_of_its_issuer() {
    let of = |request: &Request| key_of(&[KeyPart::Subject], request, None);
    assert_eq!(of(&with_token(Some("alice"), "a")), of(&with_token(Some("alice"), "a")));
    assert_ne!(of(&with_token(Some("alice"), "a")), of(&with_token(Some("alice"), "b")));
    assert_ne!(of(&with_token(Some("a"), "bc")), of(&with_token(Some("ab"), "c")));
    assert_eq!(
        of(&with_token(None, "a")),
        of(&request("shop/web", "/")),
        "a token without a subject is nobody's"
    );
}

#[test]
fn a_repeated_header_is_what_a_proxy_would_join_it_to() {
    let of = |pairs: &[(&str, &str)]| key_of(&header("x-tenant"), &with_headers(pairs), None);
    assert_eq!(of(&[("x-tenant", "a"), ("X-Tenant", "b")]), of(&[("x-tenant", "a,b")]));
    assert_ne!(of(&[("x-tenant", "a"), ("x-tenant", "b")]), of(&[("x-tenant", "a")]));
    assert_ne!(of(&[("x-tenant", "")]), of(&[]), "empty is not absent");
}

#[test]
fn paths_of_one_template_are_one_key() {
    let templates = ["/orders/{*}", "/orders/{**}"].map(|text| Template::new(text, true).unwrap());
    let parts = [KeyPart::PathTemplate(templates.to_vec())];
    let of = |path| key_of(&parts, &request("shop/web", "/"), path);
    assert_eq!(of(Some("/orders/1")), of(Some("/orders/2")));
    assert_ne!(of(Some("/orders/1")), of(Some("/orders/1/items")));
    assert_eq!(of(Some("/other")), of(None));
    assert_ne!(of(Some("/orders/1")), of(None));
}

#[test]
fn who_lacks_a_part_is_like_all_that_lack_it_and_like_nobody_else() {
    let parts = [KeyPart::Peer, KeyPart::Subject];
    let of = |request: &Request| key_of(&parts, request, None);
    assert_eq!(of(&anonymous()), of(&anonymous()));
    assert_ne!(of(&anonymous()), of(&request("shop/web", "/")));
    let all: std::collections::BTreeSet<Vec<u8>> =
        [of(&anonymous()), of(&request("shop/web", "/")), of(&with_token(Some("alice"), "a"))]
            .iter()
            .map(|key| key.bytes().to_vec())
            .collect();
    assert_eq!(all.len(), 3);
}

proptest! {
    #[test]
    fn two_headers_make_the_same_key_only_when_they_are_alike(a in "[a-c,]{0,4}", b in "[a-c,]{0,4}", c in "[a-c,]{0,4}", d in "[a-c,]{0,4}") {
        let parts = [KeyPart::Header(b"x-a"[..].into()), KeyPart::Header(b"x-b"[..].into())];
        let one = key_of(&parts, &with_headers(&[("x-a", &a), ("x-b", &b)]), None);
        let other = key_of(&parts, &with_headers(&[("x-a", &c), ("x-b", &d)]), None);
        prop_assert_eq!(one == other, a == c && b == d);
        prop_assert_eq!(one.fingerprint(b"limit") == other.fingerprint(b"limit"), a == c && b == d);
        prop_assert_ne!(one.fingerprint(b"limit"), one.fingerprint(b"another"));
    }
}
