//! Signatures that the proxy verifies, and when it does not.

use meshward_cases::mint::{Key, Twist, jwks};
use meshward_model::{Answer, Event, Question, Reason, Request, Step, Ticket};
use serde_json::json;

use crate::bench::{AUDIENCE, Bench, ISSUER, good, key, reason};

fn says(good: bool) -> Answer {
    let result = if good { b"\x08\x01".to_vec() } else { b"\x12\x05wrong".to_vec() };
    Answer::Called { result }
}

/// The known-answer test, answered by `answer`, which is told whether the signature is good.
fn test(bench: &mut Bench, answer: impl Fn(usize, bool) -> Answer) -> Vec<Event<'static>> {
    let questions = bench.tick();
    let mut events = Vec::new();
    for (at, (ticket, question)) in questions.into_iter().enumerate() {
        let Question::Call { function, .. } = question else { continue };
        assert_eq!(function, "verify_signature");
        events.extend(bench.answer(ticket, answer(at, at % 2 == 0), &mut []).events);
    }
    events
}

fn right(_: usize, good: bool) -> Answer {
    says(good)
}

/// A request whose signature the proxy is asked about.
fn asks(bench: &mut Bench, token: &str) -> Option<(Request, Ticket)> {
    let mut request = bench.bearer(token);
    match bench.decide(&mut request) {
        Step::Ask(Question::Call { function: "verify_signature", .. }, waiting) => {
            Some((request, waiting.ticket))
        }
        Step::Done(_) => None,
        step => panic!("{step:?}"),
    }
}

fn resumed(bench: &mut Bench, (mut request, ticket): (Request, Ticket), answer: Answer) -> (Reason, bool) {
    let effects = bench.answer(ticket, answer, &mut [&mut request]);
    assert_eq!(effects.resumed.len(), 1);
    (reason(&effects.resumed[0].step), request.token.is_some())
}

#[test]
fn before_the_test_the_module_verifies_itself() {
    let key = key("rsa-1");
    let mut bench = Bench::of_keys(&[&key]);
    assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated);
}

#[test]
fn after_the_test_the_proxy_is_asked_and_its_word_counts() {
    for name in ["rsa-1", "ec-1"] {
        let key = key(name);
        let mut bench = Bench::of_keys(&[&key]);
        assert_eq!(test(&mut bench, right), []);
        let asked = asks(&mut bench, &good(&key).text()).expect("the proxy is trusted");
        assert_eq!(resumed(&mut bench, asked, says(true)), (Reason::Authenticated, true), "{name}");
        let forged = asks(&mut bench, &good(&key).twisted(Twist::AlteredClaims)).expect("asked");
        assert_eq!(resumed(&mut bench, forged, says(false)), (Reason::TokenSignature, false), "{name}");
        // A token that was verified is not asked about again.
        assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated);
    }
}

#[test]
fn ed25519_never_goes_to_the_proxy() {
    let key = key("ed-1");
    let mut bench = Bench::of_keys(&[&key]);
    assert_eq!(bench.tick(), [], "there is nothing to test");
    assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated);
}

#[test]
fn a_proxy_that_is_not_right_both_times_is_never_asked() {
    type Wrong = fn(usize, bool) -> Answer;
    let wrongs: [(&str, Wrong); 8] = [
        ("always good", |_, _| says(true)),
        ("always bad", |_, _| says(false)),
        ("the other way round", |_, good| says(!good)),
        ("absent", |_, _| Answer::Failed),
        ("silent", |_, _| Answer::Called { result: b"\xff".to_vec() }),
        ("another answer", |_, _| Answer::Stored(true)),
        ("absent at the second", |at, good| if at % 2 == 1 { Answer::Failed } else { says(good) }),
        ("late", |_, _| Answer::TimedOut),
    ];
    for (what, answer) in wrongs {
        let key = key("ec-1");
        let mut bench = Bench::of_keys(&[&key]);
        let events = test(&mut bench, answer);
        assert_eq!(events.len(), 1, "{what}");
        assert!(
            matches!(&events[0], Event::Trouble(trouble) if trouble.what == "verify_signature_unusable"),
            "{what}"
        );
        assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated, "{what}");
        assert_eq!(
            bench.verdict(&good(&key).twisted(Twist::AlteredClaims)),
            Reason::TokenSignature,
            "{what}"
        );
    }
}

#[test]
fn each_algorithm_is_tested_for_itself() {
    let (rsa, ec) = (key("rsa-1"), key("ec-1"));
    let mut bench = Bench::of_keys(&[&rsa, &ec]);
    test(&mut bench, |at, good| if at < 2 { says(good) } else { Answer::Failed });
    assert!(asks(&mut bench, &good(&rsa).text()).is_some());
    assert_eq!(bench.verdict(&good(&ec).text()), Reason::Authenticated);
}

#[test]
fn half_a_test_is_none() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    let (ticket, _) = bench.tick().swap_remove(0);
    bench.answer(ticket, says(true), &mut []);
    assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated);
}

#[test]
fn a_proxy_that_fails_later_is_not_asked_again_and_the_request_does_not_suffer() {
    let key = key("ec-1");
    for wrong in [Answer::Failed, Answer::TimedOut, Answer::Called { result: b"\x08".to_vec() }] {
        let mut bench = Bench::of_keys(&[&key]);
        test(&mut bench, right);
        let (mut request, ticket) = asks(&mut bench, &good(&key).text()).expect("asked");
        let effects = bench.answer(ticket, wrong.clone(), &mut [&mut request]);
        assert_eq!(reason(&effects.resumed[0].step), Reason::Authenticated, "{wrong:?}");
        assert_eq!(effects.events.len(), 1);
        assert_eq!(bench.verdict(&good(&key).twisted(Twist::AlteredClaims)), Reason::TokenSignature);
    }
}

#[test]
fn several_keys_are_tried_one_after_the_other() {
    let (one, two) = (key("ec-1"), key("ec-2"));
    let mut bench = Bench::of_keys(&[&one, &two]);
    test(&mut bench, right);
    let (mut request, ticket) = asks(&mut bench, &good(&two).without_header("kid").text()).expect("asked");
    let effects = bench.answer(ticket, says(false), &mut [&mut request]);
    let Step::Ask(Question::Call { .. }, waiting) = &effects.resumed[0].step else { panic!("the next key") };
    assert_ne!(waiting.ticket, ticket);
    assert_eq!(resumed(&mut bench, (request, waiting.ticket), says(true)), (Reason::Authenticated, true));
}

#[test]
fn a_proxy_that_never_answers_is_not_asked_without_end() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    test(&mut bench, right);
    for at in 0..64 {
        assert!(asks(&mut bench, &good(&key).claim("sub", format!("{at}")).text()).is_some(), "{at}");
    }
    assert_eq!(bench.verdict(&good(&key).text()), Reason::Authenticated, "the module verifies it itself");
}

#[test]
fn an_answer_that_nobody_waits_for_decides_nothing() {
    let key = key("ec-1");
    let mut bench = Bench::of_keys(&[&key]);
    test(&mut bench, right);
    let (mut request, ticket) = asks(&mut bench, &good(&key).text()).expect("asked");
    bench.answer(ticket, says(true), &mut []);
    let again = bench.answer(ticket, says(true), &mut [&mut request]);
    assert!(again.resumed.is_empty(), "the answer was taken already");
}

#[test]
fn requests_that_waited_for_keys_go_to_the_proxy_each_for_itself() {
    let (one, two) = (key("ec-1"), key("ec-2"));
    let jwks_at = json!({"cluster": "id", "host": "id.example", "path": "/keys"});
    let mut bench = Bench::of_issuer(
        &json!({"issuer": ISSUER, "audiences": [AUDIENCE], "algorithms": ["ES256"], "jwks": jwks_at}),
    );
    let questions = bench.tick();
    let mut fetch = None;
    for (at, (ticket, question)) in questions.into_iter().enumerate() {
        if matches!(question, Question::Call { .. }) {
            bench.answer(ticket, says(at % 2 == 0), &mut []);
        } else {
            fetch = Some(ticket);
        }
    }
    let mut waiting: Vec<Request> = [&one, &two]
        .iter()
        .map(|key| {
            let mut request = bench.bearer(&good(key).text());
            assert!(matches!(bench.decide(&mut request), Step::Wait(_)));
            request
        })
        .collect();
    let keys: Vec<&Key> = vec![&one, &two];
    let answer = crate::bench::found(jwks(keys));
    let effects = {
        let mut waiting: Vec<&mut Request> = waiting.iter_mut().collect();
        bench.answer(fetch.expect("keys are fetched"), answer, &mut waiting)
    };
    assert_eq!(effects.resumed.len(), 2);
    for (at, resumed) in effects.resumed.iter().enumerate().rev() {
        let Step::Ask(Question::Call { .. }, asked) = &resumed.step else { panic!("{resumed:?}") };
        let request = &mut waiting[at];
        assert_eq!(request.id, resumed.request);
        let effects = bench.answer(asked.ticket, says(at == 0), &mut [request]);
        let wanted = if at == 0 { Reason::Authenticated } else { Reason::TokenSignature };
        assert_eq!(reason(&effects.resumed[0].step), wanted);
    }
}
