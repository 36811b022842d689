//! Keys that are fetched: who asks, who waits, how long keys are used.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use meshward_cases::mint::{Key, jwks};
use meshward_model::{Question, Reason, Step};
use serde_json::json;

use crate::bench::{found, good, key, reason};
use crate::keys::{bench, have, tick, troubles, waits};

#[test]
fn the_first_tick_asks_for_the_keys_through_the_cluster() {
    let mut bench = bench();
    let (_, question) = bench.tick().pop().expect("the fetch comes last");
    let Question::Http { cluster, headers, body, timeout_millis, max_body_bytes } = question else {
        panic!("a fetch")
    };
    let header = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known == name.as_bytes())
            .map(|(_, value)| String::from_utf8_lossy(value))
    };
    assert_eq!((cluster.as_str(), body.len(), timeout_millis, max_body_bytes), ("id", 0, 1000, 256 * 1024));
    assert_eq!(header(":method").as_deref(), Some("GET"));
    assert_eq!(header(":path").as_deref(), Some("/keys"));
    assert_eq!(header(":authority").as_deref(), Some("id.example"));
    assert_eq!(tick(&mut bench), None, "it is under way");
}

#[test]
fn requests_that_come_before_the_keys_wait_and_go_on_together() {
    let (ec, ed) = (key("ec-1"), key("ed-1"));
    let mut bench = bench();
    let ticket = tick(&mut bench).expect("due");
    let (mut one, of_one, asks) = waits(&mut bench, &good(&ec).text());
    assert!(of_one == ticket && !asks);
    let (mut two, ..) = waits(&mut bench, &good(&ed).text());
    let (mut forged, ..) = waits(&mut bench, &good(&ed).twisted(meshward_cases::mint::Twist::AlteredClaims));
    let effects = bench.answer(ticket, found(jwks([&ec, &ed])), &mut [&mut one, &mut two, &mut forged]);
    let steps: Vec<_> =
        effects.resumed.iter().map(|resumed| (resumed.request, reason(&resumed.step))).collect();
    let wanted = [
        (one.id, Reason::Authenticated),
        (two.id, Reason::Authenticated),
        (forged.id, Reason::TokenSignature),
    ];
    assert_eq!(steps, wanted);
    assert!(one.token.is_some() && two.token.is_some() && forged.token.is_none());
}

#[test]
fn nobody_owns_a_fetch_whoever_asked_may_go() {
    let key = key("ec-1");
    let mut bench = bench();
    let (_, ticket, asks) = waits(&mut bench, &good(&key).text());
    assert!(asks, "the first request comes before the first tick");
    let (_, of_next, asks) = waits(&mut bench, &good(&key).text());
    assert!(of_next == ticket && !asks);
    // Both are gone when the answer comes.
    bench.answer(ticket, found(jwks([&key])), &mut []);
    assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated);
}

#[test]
fn a_token_that_is_refused_for_what_it_says_fetches_nothing() {
    let key = key("ec-1");
    let mut bench = bench();
    assert_eq!(bench.verdict(&good(&key).claim("iss", "https://evil.example").text()), Reason::TokenIssuer);
    assert_eq!(bench.verdict(&good(&key).claim("exp", 1).text()), Reason::TokenExpired);
    assert_eq!(bench.verdict(&good(&key).claim("aud", "other").text()), Reason::TokenAudience);
    let jku = good(&key).header("jku", "https://evil.example/keys").text();
    let (_, ticket, asks) = waits(&mut bench, &jku);
    assert!(asks);
    bench.answer(ticket, found(jwks([&key])), &mut []);
}

#[test]
fn an_unknown_key_is_looked_for_once_in_the_least_interval() {
    let (old, new) = (key("ec-1"), key("ec-2"));
    let mut bench = bench();
    have(&mut bench, &[&old]);
    assert_eq!(bench.verdict(&good(&new).text()), Reason::TokenKeyUnknown, "keys have just come");
    bench.later(4999);
    assert_eq!(bench.verdict(&good(&new).text()), Reason::TokenKeyUnknown);
    bench.later(1);
    let (mut request, ticket, asks) = waits(&mut bench, &good(&new).text());
    assert!(asks);
    assert_eq!(bench.verdict(&good(&old).text()), Reason::Authenticated, "known keys do not wait");
    let effects = bench.answer(ticket, found(jwks([&old, &new])), &mut [&mut request]);
    assert_eq!(
        effects.resumed.iter().map(|one| reason(&one.step)).collect::<Vec<_>>(),
        [Reason::Authenticated]
    );
}

#[test]
fn ten_thousand_unknown_keys_ask_once() {
    let key = key("ec-1");
    let mut bench = bench();
    have(&mut bench, &[&key]);
    bench.later(5000);
    // Signatures are not looked at without a key; one will do for all.
    let token = good(&key).text();
    let (_, rest) = token.split_once('.').expect("three parts");
    let mut asked = 0;
    for at in 0..10_000 {
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"ES256","kid":"k{at}"}}"#));
        let mut request = bench.bearer(&format!("{header}.{rest}"));
        match bench.decide(&mut request) {
            Step::Ask(..) => asked += 1,
            Step::Wait(_) => {}
            Step::Done(verdict) => panic!("{verdict:?}"),
        }
    }
    assert_eq!(asked, 1);
}

#[test]
fn keys_are_fetched_anew_from_time_to_time_and_a_removed_key_stops_working() {
    let (old, new) = (key("ec-1"), key("ec-2"));
    let mut bench = bench();
    have(&mut bench, &[&old]);
    let token = good(&old).text();
    assert_eq!(bench.verdict(&token), Reason::Authenticated);
    bench.later(50_000);
    assert_eq!(tick(&mut bench), None);
    bench.later(10_000);
    let ticket = tick(&mut bench).expect("due");
    assert_eq!(bench.verdict(&token), Reason::Authenticated, "the old keys are used meanwhile");
    bench.answer(ticket, found(jwks([&new])), &mut []);
    assert_eq!(bench.verdict(&token), Reason::TokenKeyUnknown, "its verified token is forgotten");
    assert_eq!(bench.verdict(&good(&new).text()), Reason::Authenticated);
}

#[test]
fn a_set_without_a_usable_key_takes_none_back_until_those_that_are_there_expire() {
    let key = key("ec-1");
    for (set, told) in [
        (r#"{"keys":[]}"#, "a JWKS without keys"),
        (r#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#, "no key of the answer can be used (keys[0]: "),
    ] {
        let mut bench = bench();
        have(&mut bench, &[&key]);
        let token = good(&key).claim("exp", i64::MAX).text();
        bench.later(60_000);
        let ticket = tick(&mut bench).expect("due");
        let said = troubles(bench.answer(ticket, found(set), &mut []).events);
        assert!(said.len() == 1 && said[0].what == "jwks_fetch_failed", "{said:?}");
        assert!(said[0].message.contains(told), "{}", said[0].message);
        assert_eq!(bench.verdict(&token), Reason::Authenticated);
        for _ in 0..48 {
            bench.later(5_000);
            if let Some(ticket) = tick(&mut bench) {
                bench.answer(ticket, found(set), &mut []);
            }
        }
        assert_eq!(bench.verdict(&token), Reason::JwksUnavailable, "it does not hold for ever");
    }
}

#[test]
fn keys_that_cannot_be_used_are_left_out_and_the_others_used() {
    let key = key("ec-1");
    let weak = Key::named("rsa-weak").expect("a key").jwk();
    let mut private = crate::bench::key("ec-2").jwk();
    private["d"] = json!("c2VjcmV0");
    let mut encrypts = crate::bench::key("ec-2").jwk();
    encrypts["use"] = json!("enc");
    let unknown = json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"});
    let secret = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "ec-2"});
    let set =
        json!({"keys": [weak, private, encrypts, unknown, secret, 7, key.jwk()], "next": 1}).to_string();
    let mut bench = bench();
    let ticket = tick(&mut bench).expect("due");
    let effects = bench.answer(ticket, found(set.clone()), &mut []);
    let said = troubles(effects.events);
    assert_eq!(said.len(), 1);
    assert_eq!((said[0].what, said[0].count, said[0].over), ("jwks_key_unusable", 4, false));
    assert!(said[0].message.contains("keys[0]") && said[0].message.contains("2048"), "{}", said[0].message);
    assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated);
    assert_eq!(bench.verdict(&good(&crate::bench::key("ec-2")).text()), Reason::TokenKeyUnknown);
    bench.later(60_000);
    let ticket = tick(&mut bench).expect("due");
    assert_eq!(bench.answer(ticket, found(set), &mut []).events, [], "it is said once");
}
