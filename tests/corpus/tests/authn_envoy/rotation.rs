//! Keys that change while requests come.

use crate::setup::{KEYS, envoys, key, remote, set, start, token, with_token};
use meshward_harness::client::spread;

#[test]
fn a_rotation_under_load_refuses_nobody() {
    for (version, binary) in envoys() {
        let (old, new) = (key("rsa-1"), key("rsa-2"));
        let mut running = start(&binary, &remote(), set(&[&old]));
        let before = running.at_first();
        let (old_token, new_token) = (token(&old, "old"), token(&new, "new"));
        assert_eq!(running.send(&with_token("/", &old_token)).status, 200, "{version}");
        let mut clients: Vec<_> = (0..16).map(|_| running.client()).collect();
        let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
        let mut sent = 0;
        let mut load = |clients: &mut Vec<_>, count: usize, tokens: &[&str]| {
            let requests = (0..count)
                .map(|at| with_token("/", tokens.get(at % tokens.len()).copied().unwrap_or_default()));
            sent += spread(clients, requests, |answer| *statuses.entry(answer.status).or_default() += 1)
                .expect("answers");
        };
        // The load alone takes longer than the least interval; nothing here waits for a clock.
        let begun = std::time::Instant::now();
        while begun.elapsed().as_millis() < 1200 {
            load(&mut clients, 200, &[&old_token]);
        }
        // The issuer publishes its new key beside the old one, and signs with it at once.
        running.id.always(KEYS, set(&[&old, &new]));
        load(&mut clients, 2000, &[&old_token, &new_token]);
        let begun = std::time::Instant::now();
        while begun.elapsed().as_millis() < 1200 {
            load(&mut clients, 200, &[&new_token]);
        }
        println!(
            "{version}: {sent} requests in a rotation, {} fetches: {statuses:?}",
            running.id.count(KEYS)
        );
        assert_eq!(statuses.keys().collect::<Vec<_>>(), [&200], "{version}");
        assert_eq!(running.id.count(KEYS), before + 1, "{version}: one fetch for all who needed the new key");
        // The old key goes; an unknown one makes the worker look, and the old token is forgotten.
        running.id.always(KEYS, set(&[&new]));
        let unknown = token(&key("ec-1"), "unknown");
        assert_eq!(
            running.why("/unknown", &unknown),
            (401, "meshward_denied[authn.token_key_unknown]".to_owned())
        );
        assert_eq!(
            running.why("/gone", &old_token),
            (401, "meshward_denied[authn.token_key_unknown]".to_owned())
        );
        assert_eq!(running.send(&with_token("/", &new_token)).status, 200, "{version}");
        running.is_well();
    }
}

#[test]
fn the_client_whose_request_caused_the_fetch_may_go() {
    for (version, binary) in envoys() {
        let (old, new) = (key("ec-1"), key("ec-2"));
        let mut running = start(&binary, &remote(), set(&[&old]));
        let before = running.at_first();
        let old_token = token(&old, "old");
        let begun = std::time::Instant::now();
        let mut client = running.client();
        while begun.elapsed().as_millis() < 1200 {
            assert_eq!(
                client.send(&with_token("/", &old_token)).expect("an answer").status,
                200,
                "{version}"
            );
        }
        running.id.always(KEYS, set(&[&old, &new]).held());
        let waits = with_token("/waits", &token(&new, "first"));
        let first = running.client();
        std::thread::scope(|scope| {
            let gone =
                scope.spawn(move || first.patience(std::time::Duration::from_millis(700)).send(&waits));
            running.asked(before + 1);
            // Its client gives up while the keys are on their way.
            assert!(gone.join().expect("no panic").is_err(), "{version}: it was still waiting");
        });
        let next = token(&new, "next");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| running.send(&with_token("/", &next)).status);
            running.id.release();
            assert_eq!(waiting.join().expect("no panic"), 200, "{version}");
        });
        assert_eq!(running.id.count(KEYS), before + 1, "{version}: nobody had to ask again");
        running.is_well();
    }
}
