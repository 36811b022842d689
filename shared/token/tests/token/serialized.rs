//! Tokens that are not what a token looks like: form, header, algorithm, signature.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use meshward_cases::mint::{Twist, raw};
use meshward_model::{Reason, Stage};
use serde_json::json;

use crate::bench::{AUDIENCE, Bench, ISSUER, NOW, good, key, reason};

#[test]
fn a_good_token_of_each_algorithm_is_taken() {
    for name in ["rsa-1", "ec-1", "ed-1"] {
        let key = key(name);
        let mut bench = Bench::of_keys(&[&key]);
        let token = bench.token(&good(&key).claim("role", json!(["a", 1])).text());
        assert_eq!((token.issuer.as_str(), token.subject.as_deref()), (ISSUER, Some("alice")));
        assert!(token.claim("role").is_some() && token.claim("exp").is_some(), "{name}");
    }
}

#[test]
fn what_an_attacker_does_to_a_token_is_refused() {
    for name in ["rsa-1", "ec-1", "ed-1"] {
        let key = key(name);
        let mut bench = Bench::of_keys(&[&key]);
        for (twist, wanted) in [
            (Twist::AlgNone, Reason::TokenAlgorithm),
            (Twist::HmacWithPublicKey, Reason::TokenAlgorithm),
            (Twist::DoubledClaim, Reason::TokenMalformed),
            (Twist::AlteredClaims, Reason::TokenSignature),
            (Twist::AlteredSignature, Reason::TokenSignature),
            (Twist::WithoutSignature, Reason::TokenMalformed),
            (Twist::Padded, Reason::TokenMalformed),
        ] {
            assert_eq!(bench.verdict(&good(&key).twisted(twist)), wanted, "{name}: {twist:?}");
        }
        let cut = bench.verdict(&good(&key).twisted(Twist::Cut));
        assert!(matches!(cut, Reason::TokenMalformed | Reason::TokenSignature), "{name}: {cut}");
    }
}

#[test]
fn what_is_no_compact_form_is_malformed() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let token = good(&key).text();
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let standard = STANDARD.encode(URL_SAFE_NO_PAD.decode(signature).expect("base64url"));
    for wrong in [
        "x".to_owned(),
        "..".to_owned(),
        ".".to_owned(),
        format!("{header}.{claims}"),
        format!("{token}."),
        format!("{token}.{signature}"),
        format!("{token}.{signature}.{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}..{signature}"),
        format!("{header}.{claims}."),
        format!("{token} "),
        format!("{token}\t"),
        format!("{header}.{claims} .{signature}"),
        format!("{header}.\r\n{claims}.{signature}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}.{standard}"),
        format!("{header}?.{claims}.{signature}"),
        format!("{header}.{claims}#.{signature}"),
        format!("{{\"payload\":\"{claims}\"}}"),
        format!("\"{token}\""),
        ".".repeat(8000),
    ] {
        assert_eq!(bench.verdict(&wrong), Reason::TokenMalformed, "{wrong:.100}");
    }
    for bytes in [&b"Bearer a.\0.c"[..], b"Bearer \xff.\xff.\xff"] {
        let mut request = bench.request(&[bytes]);
        assert_eq!(reason(&bench.decide(&mut request)), Reason::TokenMalformed);
    }
}

#[test]
fn a_long_token_is_refused_before_it_is_looked_at() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let fill = |length: usize| good(&key).claim("fill", "x".repeat(length)).text();
    let spare = 8192 - fill(0).len();
    assert_eq!(bench.verdict(&fill(spare * 3 / 4 - 2)), Reason::Authenticated);
    assert_eq!(bench.verdict(&fill(spare)), Reason::TokenTooLarge);
    assert_eq!(bench.verdict(&".".repeat(1_000_000)), Reason::TokenTooLarge);
}

#[test]
fn a_header_that_is_not_strict_is_refused() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 60}).to_string();
    let deep = format!("{{\"alg\":\"ES256\",\"x\":{}{}}}", "[".repeat(2000), "]".repeat(2000));
    for (header, wanted) in [
        (r#"{"alg":"ES256"}"#, Reason::Authenticated),
        (
            r#" {"alg" : "ES256", "jku":"https://evil.example", "jwk":{"kty":"oct","k":""}, "x5c":["a"]} "#,
            Reason::Authenticated,
        ),
        ("", Reason::TokenMalformed),
        ("null", Reason::TokenMalformed),
        ("[]", Reason::TokenMalformed),
        ("7", Reason::TokenMalformed),
        (r#"{"typ":"JWT"}"#, Reason::TokenMalformed),
        (r#"{"alg":"ES256","alg":"ES256"}"#, Reason::TokenMalformed),
        (r#"{"alg":"none","alg":"ES256"}"#, Reason::TokenMalformed),
        (r#"{"alg":"ES256","\u0061lg":"ES256"}"#, Reason::TokenMalformed),
        (r#"{"alg":null}"#, Reason::TokenMalformed),
        (r#"{"alg":["ES256"]}"#, Reason::TokenMalformed),
        (r#"{"alg":256}"#, Reason::TokenMalformed),
        (r#"{"alg":"ES256","kid":7}"#, Reason::TokenMalformed),
        (r#"{"alg":"ES256","typ":null}"#, Reason::TokenMalformed),
        (&deep, Reason::TokenMalformed),
        (r#"{"alg":"es256"}"#, Reason::TokenAlgorithm),
        (r#"{"alg":"none"}"#, Reason::TokenAlgorithm),
        (r#"{"alg":"nOnE"}"#, Reason::TokenAlgorithm),
        (r#"{"alg":"HS256"}"#, Reason::TokenAlgorithm),
        (r#"{"alg":"ES384"}"#, Reason::TokenAlgorithm),
        (r#"{"alg":"ES256K"}"#, Reason::TokenAlgorithm),
        (r#"{"alg":"RS256"}"#, Reason::TokenAlgorithm),
        (r#"{"alg":"PS256"}"#, Reason::TokenAlgorithm),
        (r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#, Reason::TokenCritical),
        (r#"{"alg":"ES256","crit":["exp"]}"#, Reason::TokenCritical),
        (r#"{"alg":"ES256","crit":[]}"#, Reason::TokenCritical),
        (r#"{"alg":"ES256","crit":null}"#, Reason::TokenCritical),
        (r#"{"alg":"ES256","crit":["b64"],"b64":false}"#, Reason::TokenCritical),
        (r#"{"alg":"ES256","b64":true}"#, Reason::TokenCritical),
        (r#"{"alg":"ES256","zip":"DEF"}"#, Reason::TokenCritical),
    ] {
        assert_eq!(bench.verdict(&raw(header, &claims, &key)), wanted, "{header:.100}");
    }
}

#[test]
fn the_type_tells_tokens_of_another_kind() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    for taken in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/JWT", "JOSE"] {
        assert_eq!(bench.verdict(&good(&key).header("typ", taken).text()), Reason::Authenticated, "{taken}");
    }
    assert_eq!(bench.verdict(&good(&key).without_header("typ").text()), Reason::Authenticated);
    for refused in
        ["", "secevent+jwt", "logout+jwt", "wit+jwt", "dpop+jwt", "application/jose+json", "text/jwt", "JWT "]
    {
        assert_eq!(bench.verdict(&good(&key).header("typ", refused).text()), Reason::TokenType, "{refused}");
    }
    assert_eq!(bench.verdict(&good(&key).header("cty", "JWT").text()), Reason::TokenType);
    assert_eq!(bench.verdict(&good(&key).header("cty", "json").text()), Reason::Authenticated);
}

#[test]
fn a_key_is_chosen_by_its_name_and_never_by_what_the_token_brings() {
    let (one, two) = (key("ec-1"), key("ec-2"));
    let mut bench = Bench::of_keys(&[&one]);
    assert_eq!(bench.verdict(&good(&two).text()), Reason::TokenKeyUnknown);
    assert_eq!(bench.verdict(&good(&two).header("jwk", two.jwk()).text()), Reason::TokenKeyUnknown);
    assert_eq!(
        bench.verdict(&good(&two).header("kid", "ec-1").header("jwk", two.jwk()).text()),
        Reason::TokenSignature
    );
    let long = "x".repeat(4000);
    for name in
        ["", "EC-1", "ec-1 ", "../../dev/null", "x' UNION SELECT '1';--", "|sleep 10", "\0", long.as_str()]
    {
        assert_eq!(
            bench.verdict(&good(&one).header("kid", name).text()),
            Reason::TokenKeyUnknown,
            "{name:.30}"
        );
    }
    // Without a name every key that fits is tried.
    assert_eq!(bench.verdict(&good(&one).without_header("kid").text()), Reason::Authenticated);
    assert_eq!(bench.verdict(&good(&two).without_header("kid").text()), Reason::TokenSignature);
    let mut both = Bench::of_keys(&[&one, &two]);
    assert_eq!(both.verdict(&good(&two).without_header("kid").text()), Reason::Authenticated);
    assert_eq!(both.verdict(&good(&one).header("kid", "ec-2").text()), Reason::TokenSignature);
}

#[test]
fn two_keys_of_one_name_are_both_tried() {
    let (one, two) = (key("ec-1").called("same"), key("ec-2").called("same"));
    let mut bench = Bench::of_keys(&[&one, &two]);
    assert_eq!(bench.verdict(&good(&one).text()), Reason::Authenticated);
    assert_eq!(bench.verdict(&good(&two).text()), Reason::Authenticated);
}

#[test]
fn four_keys_are_tried_for_a_token_and_no_fifth() {
    let other = key("ec-2");
    let others = ["a", "b", "c", "d"].map(|name| other.clone().called(name));
    let [a, b, c, d] = &others;
    let right = key("ec-1");
    let token = good(&right).without_header("kid").text();
    assert_eq!(Bench::of_keys(&[a, b, c, &right]).verdict(&token), Reason::Authenticated);
    assert_eq!(Bench::of_keys(&[a, b, c, d, &right]).verdict(&token), Reason::TokenSignature);
}

#[test]
fn a_key_without_a_name_fits_a_token_that_names_one() {
    let key = key("rsa-1");
    let mut jwk = key.jwk();
    jwk.as_object_mut().expect("an object").remove("kid");
    let issuer =
        json!({"issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": ["RS256"], "keys": {"keys": [jwk]}});
    assert_eq!(Bench::of_issuer(&issuer).verdict(&good(&key).text()), Reason::Authenticated);
}

#[test]
fn a_key_is_used_with_its_own_algorithm_only() {
    let (rsa, ec) = (key("rsa-1"), key("ec-1"));
    let mut bench = Bench::of_keys(&[&rsa, &ec]);
    for (signer, algorithm) in [(&rsa, "ES256"), (&ec, "RS256")] {
        // Signed with the one, said to be of the other.
        let token = good(signer).header("alg", algorithm).text();
        assert_eq!(bench.verdict(&token), Reason::TokenKeyUnknown);
    }
    let claims = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 60}).to_string();
    assert_eq!(bench.verdict(&raw(r#"{"alg":"EdDSA"}"#, &claims, &rsa)), Reason::TokenAlgorithm);
}

#[test]
fn signatures_that_are_no_numbers_of_the_right_size_are_refused() {
    for name in ["rsa-1", "ec-1", "ed-1"] {
        let key = key(name);
        let mut bench = Bench::of_keys(&[&key]);
        let token = good(&key).text();
        let (message, signature) = token.rsplit_once('.').expect("three parts");
        let right = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let mut wrong = vec![vec![0], vec![0; right.len()], vec![0xff; right.len()], vec![1; 4096]];
        wrong.push(right[1..].to_vec());
        wrong.push(right[..right.len() - 1].to_vec());
        wrong.push([&right[..], &[0]].concat());
        wrong.push([&[0], &right[..]].concat());
        for signature in wrong {
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&signature));
            let wanted = if token.len() > 8192 { Reason::TokenTooLarge } else { Reason::TokenSignature };
            assert_eq!(bench.verdict(&token), wanted, "{name}: {} bytes", signature.len());
        }
    }
}

#[test]
fn ecdsa_signatures_at_the_edges_of_the_group_are_refused() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let token = good(&key).text();
    let (message, _) = token.rsplit_once('.').expect("three parts");
    let order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let order: Vec<u8> =
        (0..64).step_by(2).map(|at| u8::from_str_radix(&order[at..at + 2], 16).expect("hex")).collect();
    let mut less = order.clone();
    less[31] -= 1;
    let mut one = vec![0; 32];
    one[31] = 1;
    let edges = [vec![0; 32], one, less, order];
    for r in &edges {
        for s in &edges {
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode([&r[..], &s[..]].concat()));
            assert_eq!(bench.verdict(&token), Reason::TokenSignature, "{r:?} {s:?}");
        }
    }
}

#[test]
fn there_must_be_one_token_in_one_header() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let token = good(&key).text();
    let bearer = format!("Bearer {token}");
    let joined = format!("{bearer}, {bearer}");
    let rows: [(&[&str], Reason); 9] = [
        (&[], Reason::TokenMissing),
        (&[&bearer], Reason::Authenticated),
        (&[&bearer, &bearer], Reason::TokenRepeated),
        (&[&bearer, "Bearer x"], Reason::TokenRepeated),
        (&["Basic YTpi", &bearer], Reason::TokenRepeated),
        (&[&joined], Reason::TokenRepeated),
        (&["Basic YTpi"], Reason::TokenMissing),
        (&["DPoP a.b.c"], Reason::TokenMissing),
        (&["Bearer"], Reason::TokenMalformed),
    ];
    for (values, wanted) in rows {
        let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        let mut request = bench.request(&values);
        assert_eq!(reason(&bench.decide(&mut request)), wanted, "{values:?}");
        assert_eq!(request.token.is_some(), wanted == Reason::Authenticated);
    }
}

#[test]
fn where_no_token_is_required_one_that_is_there_must_be_good_all_the_same() {
    let key = key("ec-1");
    let issuer = crate::bench::inline(&[&key]);
    let mut bench = Bench::of_spec(&json!({"jwt": {"required": false, "issuers": [issuer]}}));
    let mut nobody = bench.request(&[]);
    assert_eq!(reason(&bench.decide(&mut nobody)), Reason::Authenticated);
    assert_eq!(nobody.token, None);
    assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated);
    assert_eq!(bench.verdict("x"), Reason::TokenMalformed);
    assert_eq!(bench.verdict(&good(&key).claim("iss", "https://other.example").text()), Reason::TokenIssuer);
    assert_eq!(bench.verdict(&good(&key).claim("exp", NOW).text()), Reason::TokenExpired);
}

#[test]
fn a_refusal_says_what_it_would_take() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let mut challenge = |values: &[&[u8]]| {
        let mut request = bench.request(values);
        let step = bench.stage.decide(&mut bench.state, &mut request, bench.now);
        let meshward_model::Step::Done(verdict) = step else { panic!("decided at once") };
        let denial = verdict.denial().expect("a refusal");
        assert_eq!((denial.status, denial.headers.len()), (401, 1));
        let (name, value) = &denial.headers[0];
        assert_eq!(name, b"www-authenticate");
        String::from_utf8_lossy(value).into_owned()
    };
    assert_eq!(challenge(&[]), r#"Bearer realm="callers""#);
    let expired = format!("Bearer {}", good(&key).claim("exp", NOW - 1).text());
    assert_eq!(
        challenge(&[expired.as_bytes()]),
        r#"Bearer realm="callers", error="invalid_token", error_description="the token has expired""#
    );
}

#[test]
fn only_what_is_decided_by_is_read() {
    let key = key("ec-1");
    let needs = Bench::of_keys(&[&key]).stage.needs();
    assert_eq!((needs.headers, needs.uri_san), (true, false));
    let needs = Bench::of_spec(&json!({"mtls": {"required": true}})).stage.needs();
    assert_eq!((needs.headers, needs.uri_san), (false, true));
}
