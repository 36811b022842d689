//! Keys that cannot be fetched: what is still used, what is refused, what is said.

use meshward_cases::mint::jwks;
use meshward_model::{Answer, Reason, Step};

use crate::bench::{found, good, key, reason, status};
use crate::keys::{bench, have, tick, troubles, waits};

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
        Reason::JwksUnavailable,
        "whether the issuer has a key of that name is what nobody said"
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
    bench.later(11_000);
    assert_eq!(tick(&mut bench), None, "nobody has answered");
    bench.later(5_000);
    let ticket = tick(&mut bench).expect("fetching goes on");
    bench.answer(ticket, found(jwks([&key])), &mut []);
    bench.later(60_000);
    assert!(tick(&mut bench).is_some(), "as often as before");
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

#[test]
fn a_clock_that_is_set_back_lets_an_unknown_key_be_looked_for_and_keys_be_refreshed() {
    let (old, new) = (key("ec-1"), key("ec-2"));
    for asks in [true, false] {
        let mut bench = bench();
        bench.later(10_000_000_000);
        have(&mut bench, &[&old]);
        bench.now = meshward_model::UnixMillis(bench.now.0 - 10_000_000_000);
        if asks {
            let (_, _, asked) = waits(&mut bench, &good(&new).text());
            assert!(asked, "the last fetch lies in the future");
        } else {
            assert_eq!(tick(&mut bench), None);
            bench.later(60_000);
            assert!(tick(&mut bench).is_some(), "as often as before");
        }
    }
}

#[test]
fn a_clock_that_is_set_back_late_in_the_life_of_keys_leaves_them_what_was_left() {
    let key = key("ec-1");
    let mut bench = bench();
    have(&mut bench, &[&key]);
    let token = good(&key).claim("exp", i64::MAX).text();
    for second in 0..300 {
        assert_eq!(bench.verdict(&token), Reason::Authenticated, "after {second} s");
        if let Some(ticket) = tick(&mut bench) {
            bench.answer(ticket, Answer::Failed, &mut []);
        }
        if second == 240 {
            bench.now = meshward_model::UnixMillis(bench.now.0 - 200_000);
        }
        bench.later(1_000);
    }
    // Between two ticks the clock goes unseen.
    bench.later(1_000);
    let _ = tick(&mut bench);
    let (mut request, ticket, _) = waits(&mut bench, &token);
    let effects = bench.answer(ticket, Answer::Failed, &mut [&mut request]);
    assert_eq!(reason(&effects.resumed[0].step), Reason::JwksUnavailable);
}

#[test]
fn a_clock_that_is_set_back_keeps_no_keys_for_longer() {
    let key = key("ec-1");
    let mut bench = bench();
    bench.later(10_000_000_000);
    have(&mut bench, &[&key]);
    bench.now = meshward_model::UnixMillis(bench.now.0 - 10_000_000_000);
    let token = good(&key).claim("exp", i64::MAX).text();
    for _ in 0..300 {
        assert_eq!(bench.verdict(&token), Reason::Authenticated);
        if let Some(ticket) = tick(&mut bench) {
            bench.answer(ticket, Answer::Failed, &mut []);
        }
        bench.later(1_000);
    }
    let (mut request, ticket, _) = waits(&mut bench, &token);
    let effects = bench.answer(ticket, Answer::Failed, &mut [&mut request]);
    assert_eq!(reason(&effects.resumed[0].step), Reason::JwksUnavailable);
}
