//! Keys that are fetched: who asks, who waits, how long keys are used, what is said.

use meshward_cases::mint::{Key, jwks};
use meshward_model::{Answer, Event, Question, Reason, Request, Step, Ticket, Trouble};
use serde_json::json;

use crate::bench::{AUDIENCE, Bench, ISSUER, found, good, key, reason, status};

fn bench() -> Bench {
    Bench::of_issuer(&json!({
        "issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": ["ES256", "EdDSA"],
        "jwks": {
            "cluster": "id", "host": "id.example", "path": "/keys", "timeoutMillis": 1000, "refreshMillis": 60000,
            "minIntervalMillis": 5000, "expireMillis": 300000,
        },
    }))
}

/// The fetch among a tick's questions, if there is one.
fn fetch(questions: Vec<(Ticket, Question)>) -> Option<Ticket> {
    let mut fetches = questions.into_iter().filter(|(_, question)| matches!(question, Question::Http { .. }));
    let first = fetches.next().map(|(ticket, _)| ticket);
    assert_eq!(fetches.next(), None, "one fetch at a time");
    first
}

fn tick(bench: &mut Bench) -> Option<Ticket> {
    let questions = bench.tick();
    fetch(questions)
}

/// Ticks and answers with these keys.
fn have(bench: &mut Bench, keys: &[&Key]) {
    let ticket = tick(bench).expect("a fetch is due");
    bench.answer(ticket, found(jwks(keys.iter().copied())), &mut []);
}

/// A request that waits, and for what.
fn waits(bench: &mut Bench, token: &str) -> (Request, Ticket, bool) {
    let mut request = bench.bearer(token);
    match bench.decide(&mut request) {
        Step::Ask(Question::Http { .. }, waiting) => (request, waiting.ticket, true),
        Step::Wait(waiting) => (request, waiting.ticket, false),
        step => panic!("{step:?}"),
    }
}

fn troubles(events: Vec<Event<'static>>) -> Vec<Trouble> {
    let trouble = |event| match event {
        Event::Trouble(trouble) => trouble,
        other => panic!("{other:?}"),
    };
    events.into_iter().map(trouble).collect()
}

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
    let mut asked = 0;
    for at in 0..10_000 {
        let mut request = bench.bearer(&good(&key).header("kid", at).header("kid", format!("k{at}")).text());
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
fn whatever_is_no_jwks_leaves_the_old_keys() {
    let key = key("ec-1");
    let mut bench = bench();
    have(&mut bench, &[&key]);
    let good_set = jwks([&key]);
    let token = good(&key).claim("exp", i64::MAX).text();
    for answer in [
        Answer::Failed,
        Answer::TooLarge,
        status(500, good_set.clone()),
        status(503, ""),
        status(504, ""),
        status(204, ""),
        status(206, good_set.clone()),
        status(301, good_set.clone()),
        status(304, ""),
        found(""),
        found("<html>sign in</html>"),
        found("null"),
        found("[]"),
        found("{}"),
        found(r#"{"keys":{}}"#),
        found(r#"{"keys":null}"#),
        found(r#"{"keys":[],"keys":[]}"#),
        found(good_set.as_bytes()[..good_set.len() - 1].to_vec()),
        found(good_set.as_bytes()[..good_set.len() / 2].to_vec()),
        found(format!("{good_set}x")),
        found(format!(r#"{{"keys":[{}]}}"#, vec!["{}"; 65].join(","))),
        found(format!(r#"{{"keys":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000))),
        found(format!("{good_set}{}", " ".repeat(256 * 1024))),
    ] {
        bench.later(60_000);
        let ticket = tick(&mut bench).expect("due");
        bench.answer(ticket, answer.clone(), &mut []);
        assert_eq!(bench.verdict(&token), Reason::Authenticated, "{answer:.200?}");
        bench.later(5_000);
        let ticket = tick(&mut bench).unwrap_or_else(|| panic!("tried again after {answer:.200?}"));
        bench.answer(ticket, found(good_set.clone()), &mut []);
    }
}

#[test]
fn keys_that_cannot_be_refreshed_are_used_until_they_expire_and_no_longer() {
    let key = key("ec-1");
    let mut bench = bench();
    have(&mut bench, &[&key]);
    let token = good(&key).claim("exp", i64::MAX).text();
    assert_eq!(bench.verdict(&token), Reason::Authenticated);
    let mut used = 0;
    while used < 299_000 {
        bench.later(1_000);
        used += 1_000;
        if let Some(ticket) = tick(&mut bench) {
            bench.answer(ticket, Answer::Failed, &mut []);
        }
        assert_eq!(bench.verdict(&token), Reason::Authenticated, "after {used} ms");
    }
    bench.later(1_000);
    // Verified before or not, it waits for keys now, and there are none.
    let (mut request, ticket, _) = waits(&mut bench, &token);
    let effects = bench.answer(ticket, Answer::Failed, &mut [&mut request]);
    assert_eq!(reason(&effects.resumed[0].step), Reason::JwksUnavailable);
    assert_eq!(bench.verdict(&token), Reason::JwksUnavailable, "until the next attempt");
    bench.later(5_000);
    tick(&mut bench).expect("it is tried again");
    let (mut request, ticket, _) = waits(&mut bench, &token);
    let effects = bench.answer(ticket, found(jwks([&key])), &mut [&mut request]);
    assert_eq!(reason(&effects.resumed[0].step), Reason::Authenticated, "it recovers by itself");
}

#[test]
fn without_keys_requests_are_told_at_once_between_attempts_and_the_attempts_go_on() {
    let key = key("ec-1");
    let mut bench = bench();
    let ticket = tick(&mut bench).expect("due");
    let (mut request, ..) = waits(&mut bench, &good(&key).text());
    let effects = bench.answer(ticket, status(503, ""), &mut [&mut request]);
    assert_eq!(reason(&effects.resumed[0].step), Reason::JwksUnavailable);
    let Step::Done(verdict) = &effects.resumed[0].step else { panic!("decided") };
    assert_eq!(verdict.denial().map(|denial| (denial.status, denial.headers.len())), Some((503, 0)));
    assert_eq!(bench.verdict(&good(&key).text()), Reason::JwksUnavailable);
    let mut attempts = Vec::new();
    for millis in (0..30_000).step_by(500) {
        bench.later(500);
        if let Some(ticket) = tick(&mut bench) {
            attempts.push(millis + 500);
            bench.answer(ticket, Answer::Failed, &mut []);
        }
    }
    assert_eq!(attempts.get(..4), Some(&[500, 1500, 3000, 5000][..]), "{attempts:?}");
    assert!(attempts.windows(2).all(|pair| pair[1] - pair[0] <= 5000), "{attempts:?}");
}

#[test]
fn a_request_that_has_waited_too_long_is_refused_and_the_fetch_goes_on() {
    let (old, new) = (key("ec-1"), key("ec-2"));
    let mut bench = bench();
    let ticket = tick(&mut bench).expect("due");
    let (mut request, ..) = waits(&mut bench, &good(&old).text());
    bench.later(1_500);
    let effects = bench.answer(ticket, Answer::TimedOut, &mut [&mut request]);
    assert_eq!(reason(&effects.resumed[0].step), Reason::JwksUnavailable);
    bench.answer(ticket, found(jwks([&old])), &mut []);
    assert_eq!(bench.verdict(&good(&old).text()), Reason::Authenticated);
    bench.later(5_000);
    let (mut request, ticket, _) = waits(&mut bench, &good(&new).text());
    let effects = bench.answer(ticket, Answer::TimedOut, &mut [&mut request]);
    assert_eq!(
        reason(&effects.resumed[0].step),
        Reason::TokenKeyUnknown,
        "there are keys, and none of that name"
    );
}

#[test]
fn a_call_that_is_never_answered_does_not_stop_fetching() {
    let key = key("ec-1");
    let mut bench = bench();
    let lost = tick(&mut bench).expect("due");
    bench.later(5_999);
    assert_eq!(tick(&mut bench), None, "it may still come");
    bench.later(1);
    let _ = tick(&mut bench);
    bench.later(500);
    let ticket = tick(&mut bench).expect("it counts as lost");
    assert_ne!(ticket, lost);
    // The lost answer comes after all: nothing is taken of it, and nothing breaks.
    bench.answer(lost, found(jwks([&key])), &mut []);
    let (mut request, of, _) = waits(&mut bench, &good(&key).text());
    assert_eq!(of, ticket);
    let effects = bench.answer(ticket, found(jwks([&key])), &mut [&mut request]);
    assert_eq!(reason(&effects.resumed[0].step), Reason::Authenticated);
}

#[test]
fn a_clock_that_is_set_back_stops_nothing() {
    let key = key("ec-1");
    let mut bench = bench();
    bench.later(10_000_000_000);
    have(&mut bench, &[&key]);
    bench.later(60_000);
    let _under_way = tick(&mut bench).expect("due");
    bench.now = meshward_model::UnixMillis(bench.now.0 - 10_000_000_000);
    let _ = tick(&mut bench);
    assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated);
    bench.later(5_000);
    let ticket = tick(&mut bench).expect("fetching goes on");
    bench.answer(ticket, found(jwks([&key])), &mut []);
    bench.later(60_000);
    assert!(tick(&mut bench).is_some(), "as often as before");
}

#[test]
fn an_empty_set_is_a_set() {
    let key = key("ec-1");
    let mut bench = bench();
    have(&mut bench, &[&key]);
    bench.later(60_000);
    let ticket = tick(&mut bench).expect("due");
    bench.answer(ticket, found(r#"{"keys":[]}"#), &mut []);
    assert_eq!(
        bench.verdict(&good(&key).text()),
        Reason::TokenKeyUnknown,
        "the issuer has taken its keys back"
    );
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

#[test]
fn trouble_is_said_at_first_then_once_a_minute_and_when_it_is_over() {
    let key = key("ec-1");
    let mut bench = bench();
    let mut said = Vec::new();
    let mut failures = 0;
    for _ in 0..125 {
        if let Some(ticket) = tick(&mut bench) {
            failures += 1;
            said.extend(troubles(bench.answer(ticket, status(500, ""), &mut []).events));
        }
        bench.later(1_000);
    }
    let counts: u64 = said.iter().map(|trouble| trouble.count).sum();
    assert_eq!(said.len(), 3);
    assert!(said.iter().all(|trouble| trouble.what == "jwks_fetch_failed" && !trouble.over));
    assert!(
        said[0].message.contains("status 500") && said[0].message.contains("`id`"),
        "{}",
        said[0].message
    );
    assert!(counts <= failures && failures > 20, "{counts} of {failures}");
    bench.later(5_000);
    let ticket = tick(&mut bench).expect("due");
    let over = troubles(bench.answer(ticket, found(jwks([&key])), &mut []).events);
    assert_eq!(over.len(), 1);
    assert!(over[0].over && over[0].count == failures, "{over:?}");
}
