//! Tokens that were verified before.

use std::sync::Arc;

use meshward_cases::mint::{Mint, Twist, jwks};
use meshward_model::{Question, Reason};
use serde_json::json;

use crate::bench::{AUDIENCE, Bench, NOW, found, good, inline, key};

#[test]
fn a_token_that_was_verified_is_the_same_token_again() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let text = good(&key).text();
    let (first, second) = (bench.token(&text), bench.token(&text));
    assert!(Arc::ptr_eq(&first, &second));
    let other = bench.token(&good(&key).claim("sub", "bob").text());
    assert_eq!(other.subject.as_deref(), Some("bob"));
}

#[test]
fn a_remembered_token_expires_like_any_other() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let text = good(&key).claim("exp", NOW + 10).text();
    assert_eq!(bench.verdict(&text), Reason::Authenticated);
    bench.later(9_999);
    assert_eq!(bench.verdict(&text), Reason::Authenticated);
    bench.later(1);
    assert_eq!(bench.verdict(&text), Reason::TokenExpired);
    assert_eq!(bench.verdict(&text), Reason::TokenExpired);
}

#[test]
fn a_clock_that_is_set_back_makes_a_remembered_token_too_early() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let text = good(&key).claim("nbf", NOW).text();
    assert_eq!(bench.verdict(&text), Reason::Authenticated);
    bench.now = meshward_model::UnixMillis(bench.now.0 - 1);
    assert_eq!(bench.verdict(&text), Reason::TokenNotYetValid);
    bench.later(1);
    assert_eq!(bench.verdict(&text), Reason::Authenticated);
}

#[test]
fn another_signature_under_a_remembered_message_is_another_token() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let mint = good(&key);
    assert_eq!(bench.verdict(&mint.text()), Reason::Authenticated);
    for twist in [Twist::AlteredSignature, Twist::WithoutSignature, Twist::Padded, Twist::Cut] {
        assert_ne!(bench.verdict(&mint.twisted(twist)), Reason::Authenticated, "{twist:?}");
    }
}

#[test]
fn a_refused_token_is_not_remembered() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let early = good(&key).claim("nbf", NOW + 10).text();
    assert_eq!(bench.verdict(&early), Reason::TokenNotYetValid);
    bench.later(10_000);
    assert_eq!(bench.verdict(&early), Reason::Authenticated);
}

#[test]
fn new_keys_of_one_issuer_leave_the_tokens_of_another() {
    let (own, fetched) = (key("ec-1"), key("ed-1"));
    let address = json!({"cluster": "id", "host": "id.example", "path": "/keys"});
    let other = "https://other.example";
    let remote = json!({"issuer": other, "audiences": [AUDIENCE], "algorithms": ["EdDSA"], "jwks": address});
    let mut bench = Bench::of_spec(&json!({"jwt": {"required": true, "issuers": [inline(&[&own]), remote]}}));
    let text = good(&own).text();
    let first = bench.token(&text);
    let questions = bench.tick();
    let fetch = questions.into_iter().find(|(_, question)| matches!(question, Question::Http { .. }));
    let (ticket, _) = fetch.expect("keys are fetched");
    bench.answer(ticket, found(jwks([&fetched])), &mut []);
    let of_other = Mint::new(&fetched, other, AUDIENCE, NOW).text();
    assert_eq!(bench.verdict(&of_other), Reason::Authenticated);
    assert!(Arc::ptr_eq(&first, &bench.token(&text)), "it was remembered all the time");
}
