//! The penalty box over several workers and VMs of one proxy.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::compile_detection;
use crate::counters::{PENALTY_CONTENTION, PENALTY_OVERFLOW, PENALTY_RUBBISH};
use crate::toy::{NOW, Proxy, at, header, request};
use meshward_model::{Change, Finding};
use serde_json::{Value, json};

fn penalty(spec: &Value) -> Penalty {
    let document = json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "Detection",
        "metadata": {"name": "detection", "namespace": "shop"},
        "spec": spec,
    });
    compile_detection("documents[0]", &document.to_string(), Needs::default()).unwrap()
}

/// Workers of one proxy, each with the same stage.
struct Workers {
    stage: Penalty,
    states: Vec<PenaltyState>,
    proxy: Proxy,
}

impl Workers {
    fn new(spec: &Value, count: u64) -> Self {
        let stage = penalty(spec);
        let states = (0..count).map(|seed| stage.state(Seed(seed))).collect();
        Self { stage, states, proxy: Proxy::default() }
    }

    fn decide(&mut self, worker: usize, caller: &str, now: UnixMillis) -> Verdict {
        let mut request = request(caller, "/orders");
        self.proxy.decide(&self.stage, &mut self.states[worker], &mut request, now)
    }

    /// A request ends with that status, and was refused for that reason.
    fn ends(
        &mut self,
        worker: usize,
        caller: &str,
        path: &str,
        (refused, status): (Option<Reason>, u16),
        now: UnixMillis,
    ) {
        let verdict =
            refused.map_or(Verdict::allow(Reason::Watched, None), |reason| Verdict::deny(reason, None));
        let outcome =
            Outcome { verdict: &verdict, status: Some(status), refused, noted: None, native_details: None };
        let request = request(caller, path);
        self.proxy.observe(&self.stage, &mut self.states[worker], &request, &outcome, now);
    }

    fn fails(&mut self, worker: usize, caller: &str, times: usize, now: UnixMillis) {
        for _ in 0..times {
            self.ends(worker, caller, "/orders", (Some(Reason::TokenSignature), 401), now);
        }
    }

    fn tick(&mut self, worker: usize, now: UnixMillis) {
        self.proxy.tick(&self.stage, &mut self.states[worker], now);
    }

    fn said(&mut self) -> Vec<(String, Change)> {
        core::mem::take(&mut self.proxy.findings)
            .into_iter()
            .map(|Finding { caller, change, .. }| {
                (caller.rsplit('/').next().unwrap_or_default().to_owned(), change)
            })
            .collect()
    }
}

fn reason(verdict: &Verdict) -> Reason {
    verdict.reason()
}

#[test]
fn what_one_worker_sees_another_one_enforces() {
    let mut workers = Workers::new(&json!({}), 4);
    assert_eq!(reason(&workers.decide(3, "shop/web", NOW)), Reason::PenaltyClear);
    for worker in 0..5 {
        workers.fails(worker % 3, "shop/web", 1, NOW);
    }
    let refused = workers.decide(3, "shop/web", at(10_500));
    assert_eq!((reason(&refused), refused.denial().unwrap().status), (Reason::PenaltyQuarantined, 429));
    assert_eq!(header(&refused, "retry-after").unwrap(), "50");
    assert_eq!(reason(&workers.decide(3, "shop/api", NOW)), Reason::PenaltyClear, "others go free");
    assert_eq!(reason(&workers.decide(3, "shop/web", at(60_000))), Reason::PenaltyClear);
}

#[test]
fn each_change_is_said_once_over_all_workers() {
    let mut workers = Workers::new(&json!({}), 4);
    for hit in 0..5 {
        workers.fails(hit % 4, "shop/web", 1, NOW);
    }
    let until = at(60_000);
    let mut said = workers.said();
    for second in 1..65 {
        for worker in 0..4 {
            workers.tick(worker, at(second * 1_000));
        }
    }
    said.extend(workers.said());
    let changes: Vec<Change> = said.into_iter().map(|(_, change)| change).collect();
    assert_eq!(changes, [Change::Noted, Change::Throttled, Change::Quarantined { until }, Change::Released]);
}

#[test]
fn a_finding_says_who_and_why_and_all_of_one_stay_have_one_id() {
    let mut workers = Workers::new(&json!({}), 1);
    workers.fails(0, "shop/web", 5, NOW);
    workers.tick(0, at(61_000));
    let findings = &workers.proxy.findings;
    assert_eq!(findings.len(), 4);
    assert!(findings.iter().all(|finding| finding.id == findings[0].id));
    assert!(findings.iter().all(|finding| finding.caller == "spiffe://mesh.example/ns/shop/sa/web"));
    let told: Vec<_> = findings
        .iter()
        .map(|finding| {
            (finding.detector, finding.score, finding.threshold, finding.strikes, finding.simulated)
        })
        .collect();
    let failed = Some("failed_authentication");
    assert_eq!(
        told[..3],
        [(failed, 54, 40, 0, false), (failed, 72, 60, 0, false), (failed, 90, 80, 1, false)]
    );
    assert_eq!((told[3].0, told[3].3), (None, 1));
}

#[test]
fn a_new_vm_enforces_and_releases_what_the_old_one_found() {
    let mut workers = Workers::new(&json!({}), 1);
    workers.fails(0, "shop/web", 5, NOW);
    workers.said();
    workers.states[0] = workers.stage.state(Seed(9));
    assert_eq!(reason(&workers.decide(0, "shop/web", at(1))), Reason::PenaltyQuarantined);
    workers.states[0] = workers.stage.state(Seed(10));
    workers.tick(0, at(60_000));
    assert_eq!(workers.said(), [("web".to_owned(), Change::Released)]);
}

#[test]
fn a_throttled_caller_goes_as_fast_as_the_throttle_says() {
    let throttle = json!({"throttle": {"requests": 1, "perSeconds": 5}});
    let mut workers = Workers::new(&throttle, 1);
    workers.fails(0, "shop/web", 4, NOW);
    assert_eq!(reason(&workers.decide(0, "shop/web", NOW)), Reason::PenaltyClear);
    let refused = workers.decide(0, "shop/web", at(1));
    assert_eq!((reason(&refused), refused.denial().unwrap().status), (Reason::PenaltyThrottled, 429));
    assert_eq!(header(&refused, "retry-after").unwrap(), "5");
    assert_eq!(header(&refused, "ratelimit").unwrap(), "\"penalty\";r=0;t=5");
    assert_eq!(header(&refused, "ratelimit-policy").unwrap(), "\"penalty\";q=1;w=5");
    let mut request = request("shop/web", "/orders");
    let verdict = workers.proxy.decide(&workers.stage, &mut workers.states[0], &mut request, at(5_000));
    assert_eq!(reason(&verdict), Reason::PenaltyClear);
    let edits = workers.stage.respond(&mut workers.states[0], &request, at(6_000));
    assert_eq!(edits, Edits::NONE.with(POLICY, "\"penalty\";q=1;w=5").with(LIMIT, "\"penalty\";r=0;t=4"));
}

#[test]
fn rubbish_in_shared_data_frees_nobody_and_bans_nobody() {
    for rubbish in [&b""[..], b"x", &[0xff; 200], &[0; 12]] {
        let mut workers = Workers::new(&json!({}), 2);
        workers.fails(0, "shop/web", 5, NOW);
        assert_eq!(reason(&workers.decide(1, "shop/web", at(1))), Reason::PenaltyQuarantined);
        workers.proxy.spoil(rubbish);
        // Both workers knew it: the one that wrote it, and the one that read it.
        for worker in 0..2 {
            assert_eq!(reason(&workers.decide(worker, "shop/web", at(2))), Reason::PenaltyQuarantined);
            assert_eq!(reason(&workers.decide(worker, "shop/api", at(2))), Reason::PenaltyClear);
        }
        // And whoever detects puts it back, for those that come later.
        workers.tick(0, at(1_000));
        assert!(workers.proxy.count(PENALTY_RUBBISH) > 0);
        workers.states[1] = workers.stage.state(Seed(77));
        assert_eq!(reason(&workers.decide(1, "shop/web", at(1_001))), Reason::PenaltyQuarantined);
        workers.said();
        workers.tick(1, at(60_000));
        assert_eq!(workers.said(), [("web".to_owned(), Change::Released)]);
    }
}

#[test]
fn a_clock_that_is_set_back_frees_nobody_and_makes_no_stay_longer() {
    let hour = 3_600_000;
    let mut workers = Workers::new(&json!({}), 3);
    workers.fails(0, "shop/web", 5, at(hour));
    assert_eq!(reason(&workers.decide(1, "shop/web", at(hour + 1))), Reason::PenaltyQuarantined);
    // Now the clock is set back by an hour: those who saw it, and those who come later.
    for worker in 0..3 {
        assert_eq!(reason(&workers.decide(worker, "shop/web", NOW)), Reason::PenaltyQuarantined, "{worker}");
    }
    workers.said();
    for second in 1..60 {
        for worker in 0..3 {
            workers.tick(worker, at(second * 1_000));
            let verdict = workers.decide(worker, "shop/web", at(second * 1_000 + 1));
            assert_eq!(reason(&verdict), Reason::PenaltyQuarantined, "{worker} after {second} s");
        }
    }
    assert_eq!(workers.said(), [], "it is the same stay");
    for worker in 0..3 {
        workers.tick(worker, at(62_000));
        assert_eq!(reason(&workers.decide(worker, "shop/web", at(62_001))), Reason::PenaltyClear, "{worker}");
    }
    assert_eq!(workers.said(), [("web".to_owned(), Change::Released)], "once");
}

#[test]
fn a_clock_that_is_set_back_late_in_a_stay_makes_it_hardly_longer() {
    for back in [30, 3_600] {
        let mut workers = Workers::new(&json!({}), 2);
        let second = |second: u64| at((4_000 + second) * 1_000);
        workers.fails(0, "shop/web", 5, second(0));
        for passed in 1..=50 {
            (0..2).for_each(|worker| workers.tick(worker, second(passed)));
        }
        // Ten seconds of the minute are left. The first worker was there; another one has just begun.
        workers.states[1] = workers.stage.state(Seed(9));
        let mut ended = Vec::new();
        for passed in 0..=21 {
            let now = UnixMillis(second(50 + passed).0 - back * 1_000);
            (0..2).for_each(|worker| workers.tick(worker, now));
            for worker in 0..2 {
                let reason = reason(&workers.decide(worker, "shop/web", now));
                assert!(reason == Reason::PenaltyQuarantined || passed >= 10, "{worker} after {passed} s");
                if reason == Reason::PenaltyClear {
                    ended.push((worker, passed));
                }
            }
        }
        assert!(ended.contains(&(0, 21)) && ended.contains(&(1, 21)), "{back}: {ended:?}");
    }
}

#[test]
fn a_clock_that_is_set_back_goes_on_for_who_only_enforces() {
    let mut workers = Workers::new(&json!({}), 1);
    workers.fails(0, "shop/web", 5, at(3_600_000));
    workers.stage = workers.stage.clone().only_enforcing();
    for second in 0..60 {
        // One that has just begun has seen nothing of it.
        workers.states[0] = workers.stage.state(Seed(second));
        let verdict = workers.decide(0, "shop/web", at(second * 1_000));
        assert_eq!(reason(&verdict), Reason::PenaltyQuarantined, "after {second} s");
    }
    assert_eq!(reason(&workers.decide(0, "shop/web", at(60_001))), Reason::PenaltyClear);
}

#[test]
fn what_was_counted_since_the_last_tick_is_given_when_the_configuration_ends() {
    let mut workers = Workers::new(&json!({}), 1);
    workers.states[0].counts.add(PENALTY_RUBBISH);
    assert_eq!(workers.stage.counts(&mut workers.states[0]), [(PENALTY_RUBBISH, 1)]);
}

#[test]
fn a_ban_longer_than_any_that_there_is_is_rubbish() {
    let mut workers = Workers::new(&json!({}), 1);
    workers.fails(0, "shop/web", 5, NOW);
    for (value, _) in workers.proxy.slots.values_mut() {
        let mut cell = Cell::read(value, NOW).unwrap();
        for standing in cell.iter_mut() {
            standing.until = u64::MAX;
        }
        *value = cell.write(NOW);
    }
    workers.states[0] = workers.stage.state(Seed(9));
    assert_eq!(reason(&workers.decide(0, "shop/web", at(1))), Reason::PenaltyClear);
}

#[test]
fn a_simulation_refuses_nobody_and_says_what_it_would_have_done() {
    let mut workers = Workers::new(&json!({"mode": "simulate"}), 1);
    workers.fails(0, "shop/web", 5, NOW);
    let verdict = workers.decide(0, "shop/web", at(1));
    assert_eq!(reason(&verdict), Reason::PenaltyClear);
    assert_eq!(verdict.shadow.unwrap().reason, Reason::PenaltyQuarantined);
    assert!(workers.proxy.findings.iter().all(|finding| finding.simulated));
    assert_eq!(workers.said().len(), 3);
    // Who was only simulated is not refused when the mode is changed.
    workers.stage = penalty(&json!({}));
    workers.states[0] = workers.stage.state(Seed(3));
    assert_eq!(reason(&workers.decide(0, "shop/web", at(2))), Reason::PenaltyClear);
}

#[test]
fn an_allowed_caller_is_neither_scored_nor_refused() {
    let mut workers = Workers::new(&json!({"allow": ["spiffe://mesh.example/ns/mon/*"]}), 1);
    workers.fails(0, "mon/prober", 50, NOW);
    assert_eq!((workers.said(), workers.proxy.questions), (Vec::new(), 0));
    assert_eq!(reason(&workers.decide(0, "mon/prober", NOW)), Reason::PenaltyClear);
}

#[test]
fn different_paths_score_and_the_same_path_does_not() {
    let mut workers = Workers::new(&json!({}), 1);
    for _ in 0..50 {
        workers.ends(0, "shop/web", "/missing?q=1", (None, 404), NOW);
    }
    assert_eq!(workers.said(), []);
    for path in 0..40 {
        workers.ends(0, "shop/web", &format!("/scan/{path}"), (None, 404), NOW);
    }
    let changes: Vec<Change> = workers.said().into_iter().map(|(_, change)| change).collect();
    assert_eq!(changes, [Change::Noted, Change::Throttled, Change::Quarantined { until: at(60_000) }]);
}

#[test]
fn our_own_refusals_for_speed_never_feed_a_score() {
    let mut workers = Workers::new(&json!({}), 1);
    for refused in [Reason::PenaltyThrottled, Reason::PenaltyQuarantined, Reason::LimitExceeded] {
        for _ in 0..50 {
            workers.ends(0, "shop/web", "/orders", (Some(refused), 429), NOW);
        }
    }
    assert!(workers.proxy.slots.is_empty() && workers.proxy.questions == 0);
}

#[test]
fn who_only_enforces_scores_nobody_and_who_only_detects_refuses_nobody() {
    let mut workers = Workers::new(&json!({}), 2);
    let both = workers.stage.clone();
    workers.stage = both.clone().only_enforcing();
    workers.fails(0, "shop/web", 5, NOW);
    workers.tick(0, NOW);
    assert_eq!(workers.proxy.questions, 0);
    workers.stage = both.clone().only_detecting();
    workers.fails(0, "shop/web", 5, NOW);
    assert_eq!(reason(&workers.decide(0, "shop/web", at(1))), Reason::PenaltyClear);
    workers.stage = both.only_enforcing();
    assert_eq!(reason(&workers.decide(1, "shop/web", at(1))), Reason::PenaltyQuarantined);
}

#[test]
fn a_lost_race_is_run_again_and_a_hit_that_loses_all_is_counted() {
    let mut workers = Workers::new(&json!({}), 1);
    workers.proxy.contended = 3;
    workers.fails(0, "shop/web", 5, NOW);
    assert_eq!(workers.said().len(), 3);
    workers.proxy.contended = u32::MAX;
    workers.fails(0, "shop/api", 1, NOW);
    assert_eq!(workers.proxy.count(PENALTY_CONTENTION), 1);
}

#[test]
fn a_full_slot_keeps_whoever_is_in_the_box() {
    let mut workers = Workers::new(&json!({}), 1);
    // Many callers, five failures each, until some slot has no place left.
    let mut sent = 0;
    while workers.proxy.count(PENALTY_OVERFLOW) == 0 {
        assert!(sent < 20_000);
        workers.fails(0, &format!("shop/c{sent}"), 5, NOW);
        sent += 1;
    }
    workers.states[0] = workers.stage.state(Seed(5));
    let refused = (0..sent - 1)
        .filter(|caller| {
            reason(&workers.decide(0, &format!("shop/c{caller}"), at(1))) == Reason::PenaltyQuarantined
        })
        .count();
    assert_eq!(refused, sent - 1, "every caller that got in stays in");
}

#[test]
fn without_shared_data_nobody_is_let_through_unseen() {
    let mut workers = Workers::new(&json!({}), 1);
    workers.proxy.broken = true;
    assert_eq!(reason(&workers.decide(0, "shop/web", NOW)), Reason::Internal);
    workers.fails(0, "shop/web", 1, NOW);
    workers.tick(0, NOW);
}

#[test]
fn a_caller_without_name_and_address_is_not_held_to_account_for_others() {
    let stage = penalty(&json!({}));
    let mut state = stage.state(Seed(1));
    let nobody = meshward_model::Peer::Anonymous(meshward_model::Anonymous::NoIdentity);
    let mut request = Request::new(meshward_model::RequestId(1), meshward_model::Headers::default(), nobody);
    let step = stage.decide(&mut state, &mut request, NOW);
    assert_eq!(step, Step::Done(Verdict::allow(Reason::PenaltyClear, None)));
}

#[test]
fn a_tick_that_comes_for_another_stage_does_not_sweep_again() {
    let mut workers = Workers::new(&json!({}), 1);
    workers.tick(0, NOW);
    let once = workers.proxy.questions;
    assert_eq!(once, 255);
    workers.tick(0, at(500));
    assert_eq!(workers.proxy.questions, once);
    workers.tick(0, at(1_000));
    assert_eq!(workers.proxy.questions, 2 * once);
}
