//! The penalty box: in, out, and what survives.

use crate::setup::{Running, WITHIN, Wanted, configuration, module, text};
use crate::trapping;
use meshward_harness::poll;
use serde_json::{Value, json};

fn detection(seconds: u64) -> Value {
    configuration("penalty", "Detection", &json!({"quarantine": {"seconds": seconds}}))
}

/// Fails to authenticate, as the upstream says, until nothing is let through any more.
fn quarantine(running: &Running, address: &str) {
    for _ in 0..4 {
        assert!(matches!(running.from(address, 401, "login").status, 401 | 429));
    }
    poll::until("the quarantine", WITHIN, || {
        let answer = running.from(address, 401, "login");
        (answer.status == 429 && seconds(&answer) > 1).then_some(())
    })
    .expect("a quarantine");
}

fn seconds(answer: &meshward_harness::client::Response) -> u64 {
    text(answer, "retry-after").parse().expect("a number")
}

#[test]
fn who_fails_to_authenticate_is_quarantined_and_released_and_each_change_is_said_once() {
    let running = Wanted::new(2, detection(3)).start();
    quarantine(&running, "10.0.0.1");
    assert_eq!(running.from("10.0.0.1", 200, "orders").status, 429, "whatever it asks for");
    assert_eq!(running.from("10.0.0.2", 200, "orders").status, 200, "and nobody else");
    poll::until("the release", WITHIN, || {
        (running.from("10.0.0.1", 200, "orders").status == 200).then_some(())
    })
    .expect("a release");
    let findings = poll::until("four findings", WITHIN, || {
        let findings = running.findings();
        (findings.len() >= 4).then_some(findings)
    })
    .expect("findings");
    assert_eq!(findings.len(), 4, "{findings:#?}");
    assert!(findings.iter().all(|(id, _)| *id == findings[0].0), "one stay, one id");
}

#[test]
fn ten_missing_paths_are_a_quarantine_and_one_path_ten_times_is_not() {
    let running = Wanted::new(1, detection(60)).start();
    for _ in 0..30 {
        assert_eq!(running.from("10.0.0.1", 404, "same").status, 404);
    }
    let mut statuses = Vec::new();
    for path in 0..30 {
        statuses.push(running.from("10.0.0.2", 404, &format!("scan/{path}")).status);
    }
    assert_eq!(statuses[..6], [404; 6]);
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(running.from("10.0.0.1", 200, "orders").status, 200);
}

#[test]
fn a_ban_survives_new_vms() {
    let mut running = Wanted::new(2, detection(300)).start();
    quarantine(&running, "10.0.0.1");
    running.replace_vms();
    poll::until("the new listener", WITHIN, || {
        (running.from("10.0.0.2", 200, "").status == 200).then_some(())
    })
    .expect("a new listener");
    for _ in 0..4 {
        assert_eq!(running.from("10.0.0.1", 200, "orders").status, 429);
    }
}

#[test]
fn a_ban_survives_a_trap() {
    let folder = tempfile::tempdir().expect("a folder");
    let trapping = trapping::twin(&module("ratelimit"), folder.path());
    let running = Wanted { module: trapping, ..Wanted::new(1, detection(300)) }.start();
    quarantine(&running, "10.0.0.1");
    trapping::trap(&running);
    poll::until("the VM comes back", WITHIN, || {
        (running.from("10.0.0.2", 200, "").status == 200).then_some(())
    })
    .expect("a new VM");
    assert_eq!(running.from("10.0.0.1", 200, "orders").status, 429);
}

#[test]
fn rubbish_in_shared_data_frees_nobody_and_bans_nobody() {
    let mut running = Wanted::new(1, detection(300)).start();
    quarantine(&running, "10.0.0.1");
    let mut writer = running.writer();
    for slot in 0..255 {
        running.overwrite(&mut writer, &format!("meshward.penalty.{slot}"), "rubbish of another plugin");
    }
    assert_eq!(running.from("10.0.0.1", 200, "orders").status, 429, "the worker knows better");
    for caller in 2..40 {
        assert_eq!(running.from(&format!("10.0.0.{caller}"), 200, "orders").status, 200);
    }
    // The next look at the slots puts the ban back, so that even a new VM knows of it.
    poll::until("the ban is put back", WITHIN, || {
        (running.counter("meshward_penalty_rubbish_total") >= 255).then_some(())
    })
    .expect("a look at the slots");
    running.replace_vms();
    poll::until("the new listener", WITHIN, || {
        (running.from("10.0.0.2", 200, "").status == 200).then_some(())
    })
    .expect("a new listener");
    assert_eq!(running.from("10.0.0.1", 200, "orders").status, 429);
}
