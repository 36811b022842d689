//! What a token says of itself: types, times, issuer, audience.

use meshward_cases::mint::{Mint, raw};
use meshward_model::{Claim, Reason};
use serde_json::{Value, json};

use crate::bench::{AUDIENCE, Bench, ISSUER, NOW, good, inline, key};

/// One claim changed, everything else good.
fn rows(name: &str, rows: impl IntoIterator<Item = (Value, Reason)>) {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    for (value, wanted) in rows {
        let token = good(&key).claim(name, value.clone()).text();
        assert_eq!(bench.verdict(&token), wanted, "{name}: {value:.60}");
    }
}

/// One claim missing.
fn without(name: &str) -> Reason {
    let key = key("ec-1");
    Bench::of_keys(&[&key]).verdict(&good(&key).without(name).text())
}

#[test]
fn a_token_expires_in_the_second_that_it_names() {
    rows(
        "exp",
        [
            (json!(NOW + 1), Reason::Authenticated),
            (json!(NOW), Reason::TokenExpired),
            (json!(NOW - 1), Reason::TokenExpired),
            (json!(0), Reason::TokenExpired),
            (json!(-1), Reason::TokenExpired),
            (json!(i64::MIN), Reason::TokenExpired),
            (json!(i64::MAX), Reason::Authenticated),
            (json!(9_007_199_254_740_993_i64), Reason::Authenticated),
            (json!(u64::MAX), Reason::TokenClaims),
            (json!(1.9e9), Reason::TokenClaims),
            (json!(NOW.to_string()), Reason::TokenClaims),
            (json!(null), Reason::TokenClaims),
            (json!(true), Reason::TokenClaims),
            (json!([NOW + 60]), Reason::TokenClaims),
            (json!({}), Reason::TokenClaims),
        ],
    );
    assert_eq!(without("exp"), Reason::TokenClaims);
}

#[test]
fn times_that_are_no_numbers_make_the_token_unreadable() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    for exp in ["1e400", "-", "0x1", "+1", "NaN", "01"] {
        let claims = format!(r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{exp}}}"#);
        assert_eq!(bench.verdict(&raw(r#"{"alg":"ES256"}"#, &claims, &key)), Reason::TokenMalformed, "{exp}");
    }
}

#[test]
fn a_token_is_not_valid_before_the_second_that_it_names() {
    rows(
        "nbf",
        [
            (json!(NOW), Reason::Authenticated),
            (json!(NOW - 1), Reason::Authenticated),
            (json!(0), Reason::Authenticated),
            (json!(NOW + 1), Reason::TokenNotYetValid),
            (json!(i64::MAX), Reason::TokenNotYetValid),
            (json!("0"), Reason::TokenClaims),
            (json!(0.5), Reason::TokenClaims),
            (json!(null), Reason::TokenClaims),
        ],
    );
    rows(
        "iat",
        [
            (json!(NOW + 100), Reason::Authenticated),
            (json!("0"), Reason::TokenClaims),
            (json!(0.5), Reason::TokenClaims),
        ],
    );
    assert_eq!(without("iat"), Reason::Authenticated);
}

#[test]
fn clocks_may_be_off_by_what_is_configured_and_no_more() {
    let key = key("ec-1");
    let jwt = json!({"required": true, "issuers": [inline(&[&key])], "clockSkewMillis": 1500});
    let mut bench = Bench::of_spec(&json!({ "jwt": jwt }));
    for (claim, seconds, wanted) in [
        ("exp", NOW - 1, Reason::Authenticated),
        ("exp", NOW - 2, Reason::TokenExpired),
        ("nbf", NOW + 1, Reason::Authenticated),
        ("nbf", NOW + 2, Reason::TokenNotYetValid),
    ] {
        assert_eq!(
            bench.verdict(&good(&key).claim(claim, seconds).text()),
            wanted,
            "{claim} {}",
            seconds - NOW
        );
    }
    let token = good(&key).claim("exp", NOW - 1).text();
    bench.later(499);
    assert_eq!(bench.verdict(&token), Reason::Authenticated);
    bench.later(1);
    assert_eq!(bench.verdict(&token), Reason::TokenExpired);
}

#[test]
fn the_issuer_is_one_string_exactly() {
    rows(
        "iss",
        [
            (json!(ISSUER), Reason::Authenticated),
            (json!("https://id.example/"), Reason::TokenIssuer),
            (json!("https://ID.example"), Reason::TokenIssuer),
            (json!("https://id.example\u{0}"), Reason::TokenIssuer),
            (json!("https://id\u{ff0e}example"), Reason::TokenIssuer),
            (json!(""), Reason::TokenIssuer),
            (json!("*"), Reason::TokenIssuer),
            (json!([ISSUER]), Reason::TokenClaims),
            (json!(7), Reason::TokenClaims),
            (json!(null), Reason::TokenClaims),
        ],
    );
    assert_eq!(without("iss"), Reason::TokenClaims);
}

#[test]
fn the_audience_is_one_of_ours_exactly() {
    let many: Vec<String> = (0..900).map(|at| at.to_string()).collect();
    rows(
        "aud",
        [
            (json!(AUDIENCE), Reason::Authenticated),
            (json!([AUDIENCE]), Reason::Authenticated),
            (json!(["other", AUDIENCE]), Reason::Authenticated),
            (json!("other"), Reason::TokenAudience),
            (json!("SHOP"), Reason::TokenAudience),
            (json!("shops"), Reason::TokenAudience),
            (json!("sho"), Reason::TokenAudience),
            (json!(""), Reason::TokenAudience),
            (json!([]), Reason::TokenAudience),
            (json!([""]), Reason::TokenAudience),
            (json!(many), Reason::TokenAudience),
            (json!(vec![0; 2000]), Reason::TokenMalformed),
            (json!([AUDIENCE, 7]), Reason::TokenClaims),
            (json!([[AUDIENCE]]), Reason::TokenClaims),
            (json!({"shop": true}), Reason::TokenClaims),
            (json!(7), Reason::TokenClaims),
            (json!(null), Reason::TokenClaims),
        ],
    );
    assert_eq!(without("aud"), Reason::TokenClaims);
}

#[test]
fn the_subject_is_a_string_where_there_is_one() {
    rows(
        "sub",
        [
            (json!("alice"), Reason::Authenticated),
            (json!(7), Reason::TokenClaims),
            (json!(null), Reason::TokenClaims),
            (json!(["alice"]), Reason::TokenClaims),
        ],
    );
    assert_eq!(without("sub"), Reason::Authenticated);
}

#[test]
fn a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    rows(
        "cnf",
        [
            (json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}), Reason::TokenBound),
            (json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}), Reason::TokenBound),
            (json!({}), Reason::TokenBound),
            (json!(null), Reason::TokenBound),
        ],
    );
}

#[test]
fn claims_keep_the_types_that_the_issuer_gave_them() {
    let key = key("ec-1");
    let token = Bench::of_keys(&[&key]).token(&good(&key).claim("admin", "true").claim("level", 3).text());
    assert_eq!(token.claim("admin"), Some(&Claim::Text("true".to_owned())));
    assert_eq!(token.claim("level"), Some(&Claim::Integer(3)));
}

#[test]
fn each_issuer_has_its_own_keys_audiences_and_algorithms() {
    let (one, two) = (key("ec-1").called("same"), key("ed-1").called("same"));
    let mut other = inline(&[&two]);
    other["issuer"] = json!("https://other.example");
    other["audiences"] = json!(["ledger", "books"]);
    let mut bench = Bench::of_spec(&json!({"jwt": {"required": true, "issuers": [inline(&[&one]), other]}}));
    let of_other = |audience| Mint::new(&two, "https://other.example", audience, NOW);
    assert_eq!(bench.verdict(&good(&one).text()), Reason::Authenticated);
    assert_eq!(bench.verdict(&of_other("books").text()), Reason::Authenticated);
    assert_eq!(bench.verdict(&of_other(AUDIENCE).text()), Reason::TokenAudience);
    // The one issuer's key under the other's name.
    assert_eq!(bench.verdict(&good(&two).text()), Reason::TokenAlgorithm);
    let crossed = Mint::new(&one, "https://other.example", "books", NOW).text();
    assert_eq!(bench.verdict(&crossed), Reason::TokenAlgorithm);
}

#[test]
fn claims_that_are_not_strict_are_refused() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let good = format!(r#""iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{}"#, NOW + 60);
    for (claims, wanted) in [
        (format!("{{{good}}}"), Reason::Authenticated),
        (format!("{{{good},\"sub\":\"a\",\"sub\":\"b\"}}"), Reason::TokenMalformed),
        (format!("{{{good},\"sub\":\"a\",\"s\\u0075b\":\"b\"}}"), Reason::TokenMalformed),
        (format!("{{{good},\"x\":{{\"a\":1,\"a\":1}}}}"), Reason::TokenMalformed),
        (format!("[{{{good}}}]"), Reason::TokenMalformed),
        (format!("{{{good}}} "), Reason::Authenticated),
        (format!("{{{good}}}{{}}"), Reason::TokenMalformed),
        (format!("{{{good},\"x\":{}1{}}}", "[".repeat(15), "]".repeat(15)), Reason::Authenticated),
        (format!("{{{good},\"x\":{}1{}}}", "[".repeat(16), "]".repeat(16)), Reason::TokenMalformed),
        ("foo".to_owned(), Reason::TokenMalformed),
    ] {
        assert_eq!(bench.verdict(&raw(r#"{"alg":"ES256"}"#, &claims, &key)), wanted, "{claims:.200}");
    }
}
