//! A key server that is down, slow, or wrong: the reasons are right, nothing traps, and it recovers by itself.

use crate::setup::{KEYS, envoys, key, remote, set, start, token, with_token};
use meshward_harness::upstream::Reply;
use serde_json::json;
use std::time::Duration;

const UNAVAILABLE: &str = "meshward_denied[authn.jwks_unavailable]";

#[test]
fn without_keys_requests_are_refused_for_that_and_it_recovers_by_itself() {
    let good = key("rsa-1");
    let whole = meshward_cases::mint::jwks([&good]);
    let wrongs: [(&str, Reply); 9] = [
        ("down", Reply::reset()),
        ("closing", Reply::close()),
        ("failing", Reply::status(500).body(whole.clone())),
        ("moved", Reply::status(302).header("location", "http://127.0.0.1/keys").body(whole.clone())),
        ("a page", Reply::status(200).body("<html>sign in</html>")),
        ("half a set", Reply::status(200).body(whole.get(..whole.len() / 2).unwrap_or_default().to_owned())),
        ("cut off", Reply::status(200).body(whole.clone()).cut(40)),
        ("endless", Reply::status(200).body("x".repeat(4 * 1024 * 1024))),
        ("never answering", Reply::never()),
    ];
    for (version, binary) in envoys() {
        for (what, wrong) in &wrongs {
            let mut running = start(&binary, &remote(), wrong.clone());
            let token = token(&good, "alice");
            assert_eq!(running.why("/first", &token), (503, UNAVAILABLE.to_owned()), "{version}: {what}");
            assert_eq!(running.why("/again", &token), (503, UNAVAILABLE.to_owned()), "{version}: {what}");
            // A token that is wrong for another reason is refused for that.
            let expired = running.send(&with_token("/other", "a.b.c"));
            assert_eq!(expired.status, 401, "{version}: {what}");
            assert!(expired.header("www-authenticate").is_some(), "{version}: {what}");
            running
                .envoy
                .wait_log(|line| line.contains("jwks_fetch_failed"), Duration::from_secs(10))
                .expect("trouble is said");
            running.id.always(KEYS, set(&[&good]));
            let status = meshward_harness::poll::until("keys", Duration::from_secs(20), || {
                (running.send(&with_token("/", &token)).status == 200).then_some(())
            });
            assert!(status.is_ok(), "{version}: {what}: it recovers");
            running
                .envoy
                .wait_log(|line| line.contains("fetched again"), Duration::from_secs(10))
                .expect("it is said that it is over");
            running.is_well();
            println!("{version}: {what}: refused with 503, recovered, {} fetches", running.id.count(KEYS));
        }
    }
}

#[test]
fn keys_that_are_there_outlive_an_outage_until_they_expire() {
    for (version, binary) in envoys() {
        let good = key("ec-1");
        let mut jwks = remote();
        for (field, millis) in [
            ("refreshMillis", 1000),
            ("minIntervalMillis", 200),
            ("expireMillis", 4000),
            ("timeoutMillis", 500),
        ] {
            if let Some(jwks) = jwks.as_object_mut() {
                jwks.insert(field.to_owned(), json!(millis));
            }
        }
        let mut running = start(&binary, &jwks, set(&[&good]));
        running.asked(1);
        let token = token(&good, "alice");
        assert_eq!(running.send(&with_token("/", &token)).status, 200, "{version}");
        running.id.always(KEYS, Reply::status(500));
        let failed = running.id.count(KEYS) + 3;
        let mut client = running.client();
        let mut served = 0;
        while running.id.count(KEYS) < failed {
            assert_eq!(
                client.send(&with_token("/", &token)).expect("an answer").status,
                200,
                "{version}: old keys serve"
            );
            served += 1;
        }
        let refused = meshward_harness::poll::until("expiry", Duration::from_secs(20), || {
            (client.send(&with_token("/", &token)).ok()?.status == 503).then_some(())
        });
        assert!(refused.is_ok(), "{version}: they expire, verified before or not");
        assert_eq!(running.why("/expired", &token), (503, UNAVAILABLE.to_owned()), "{version}");
        running.id.always(KEYS, set(&[&good]));
        let back = meshward_harness::poll::until("keys", Duration::from_secs(20), || {
            (client.send(&with_token("/", &token)).ok()?.status == 200).then_some(())
        });
        assert!(back.is_ok(), "{version}: it recovers");
        running.is_well();
        println!(
            "{version}: {served} requests served by old keys through three failures, then 503, then 200"
        );
    }
}

#[test]
fn a_slow_key_server_lets_requests_wait_and_then_go_on() {
    for (version, binary) in envoys() {
        let good = key("ed-1");
        let mut running = start(&binary, &remote(), set(&[&good]).held());
        let token = token(&good, "alice");
        std::thread::scope(|scope| {
            let waiting: Vec<_> =
                (0..8).map(|_| scope.spawn(|| running.send(&with_token("/", &token)).status)).collect();
            running.asked(1);
            running.id.release();
            for request in waiting {
                assert_eq!(request.join().expect("no panic"), 200, "{version}");
            }
        });
        running.is_well();
    }
}
