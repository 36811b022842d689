//! Limits, from documents to verdicts and headers.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::toy::{NOW, Proxy, at, header, request};
use crate::{QuotaCompiler, counters};
use meshward_model::{Decision, Token, Written};
use serde_json::{Value, json};
use std::sync::Arc;

fn quota_of(limits: &Value) -> Quota {
    let document = json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "RateLimit",
        "metadata": {"name": "slow", "namespace": "shop"},
        "spec": {"limits": limits},
    });
    let mut compiler = QuotaCompiler::new(true);
    compiler.add("documents[0]", &document.to_string());
    match compiler.finish(Needs::default()) {
        Ok(quota) => quota,
        Err(refusal) => unreachable!("{refusal}"),
    }
}

fn limit(name: &str, requests: u64, seconds: u64, scope: &str) -> Value {
    json!({"name": name, "rate": {"requests": requests, "perSeconds": seconds}, "key": ["peer"], "scope": scope})
}

fn with(mut limit: Value, field: &str, value: Value) -> Value {
    limit[field] = value;
    limit
}

fn allowed(verdict: &Verdict) -> bool {
    matches!(verdict.decision, Decision::Allow(_))
}

/// Many workers of one proxy.
struct Workers {
    quota: Quota,
    states: Vec<QuotaState>,
    proxy: Proxy,
}

impl Workers {
    fn new(limits: &Value, count: u64) -> Self {
        let quota = quota_of(limits);
        let states = (0..count).map(|seed| quota.state(Seed(seed))).collect();
        Self { quota, states, proxy: Proxy::default() }
    }

    fn send(&mut self, worker: usize, caller: &str, now: UnixMillis) -> Verdict {
        let mut request = request(caller, "/orders/7");
        self.proxy.decide(&self.quota, &mut self.states[worker], &mut request, now)
    }

    fn admits(&mut self, worker: usize, caller: &str, now: UnixMillis) -> bool {
        allowed(&self.send(worker, caller, now))
    }
}

#[test]
fn a_caller_may_use_its_burst_and_is_then_told_when_to_come_again() {
    for scope in ["worker", "proxy"] {
        let mut workers = Workers::new(&json!([limit("per-caller", 2, 60, scope)]), 1);
        assert!(workers.admits(0, "shop/web", NOW) && workers.admits(0, "shop/web", NOW), "{scope}");
        let refused = workers.send(0, "shop/web", at(500));
        let denial = refused.denial().unwrap();
        assert_eq!(
            (denial.reason, denial.status, denial.grpc_status()),
            (Reason::LimitExceeded, 429, Some(8))
        );
        assert_eq!(denial.rule.as_ref().unwrap().to_string(), "ns[shop]-policy[slow]-rule[0]");
        assert_eq!(header(&refused, "ratelimit-policy").unwrap(), "\"per-caller\";q=2;w=60");
        assert_eq!(header(&refused, "ratelimit").unwrap(), "\"per-caller\";r=0;t=30");
        assert_eq!(header(&refused, "retry-after").unwrap(), "30");
        assert!(workers.admits(0, "shop/api", at(500)), "another caller has a bucket of its own");
        assert!(!workers.admits(0, "shop/web", at(29_999)));
        assert!(workers.admits(0, "shop/web", at(30_000)), "{scope}");
    }
}

#[test]
fn an_allowed_answer_says_what_is_left_when_it_is_sent() {
    for scope in ["worker", "proxy"] {
        let limits = json!([limit("per-minute", 4, 60, scope), limit("per-second", 3, 1, scope)]);
        let mut workers = Workers::new(&limits, 1);
        let mut request = request("shop/web", "/");
        let verdict = workers.proxy.decide(&workers.quota, &mut workers.states[0], &mut request, NOW);
        assert!(allowed(&verdict));
        let edits = workers.quota.respond(&mut workers.states[0], &request, at(5_000));
        let value = |name: &[u8]| {
            let (_, value) = edits.add.iter().find(|(known, _)| known.as_bytes() == name).unwrap();
            String::from_utf8(value.clone()).unwrap()
        };
        assert_eq!(value(POLICY), "\"per-minute\";q=4;w=60, \"per-second\";q=3;w=1");
        assert_eq!(value(LIMIT), "\"per-minute\";r=3;t=10, \"per-second\";r=2;t=0");
        assert!(edits.remove.is_empty());
    }
}

#[test]
fn the_strictest_of_several_limits_refuses_and_none_is_used_up() {
    for scope in ["worker", "proxy"] {
        let limits = json!([
            limit("loose", 5, 60, scope),
            limit("tight", 1, 10, scope),
            limit("tighter", 1, 40, scope)
        ]);
        let mut workers = Workers::new(&limits, 1);
        assert!(workers.admits(0, "shop/web", NOW));
        for _ in 0..50 {
            let refused = workers.send(0, "shop/web", at(1));
            assert!(!allowed(&refused));
            if scope == "worker" {
                // All limits are known: the one decides that lasts longest.
                assert_eq!(refused.rule().unwrap().name().index, 2);
                assert_eq!(header(&refused, "retry-after").unwrap(), "40");
                let all = "\"tight\";r=0;t=10, \"tighter\";r=0;t=40, \"loose\";r=4;t=12";
                assert_eq!(header(&refused, "ratelimit").unwrap(), all);
            }
        }
        assert!(!workers.admits(0, "shop/web", at(20_000)));
        for admitted in [at(40_000), at(80_000), at(120_000), at(160_000)] {
            assert!(workers.admits(0, "shop/web", admitted), "the loose limit was not used up by refusals");
        }
    }
}

#[test]
fn a_shadow_limit_refuses_nothing_and_says_what_it_would_have_refused() {
    let shadow = with(limit("shadow", 1, 60, "proxy"), "mode", json!("shadow"));
    let mut workers = Workers::new(&json!([shadow, limit("real", 3, 60, "worker")]), 1);
    let first = workers.send(0, "shop/web", NOW);
    assert_eq!((allowed(&first), first.shadow), (true, None));
    let mut request = request("shop/web", "/");
    let second = workers.proxy.decide(&workers.quota, &mut workers.states[0], &mut request, NOW);
    let would = second.shadow.clone().unwrap();
    assert_eq!(
        (allowed(&second), would.reason, would.rule.unwrap().name().index),
        (true, Reason::LimitExceeded, 0)
    );
    assert_eq!(request.allowances.len(), 1, "a shadow limit tells callers nothing");
    assert_eq!(&*request.allowances[0].policy, "real");
}

#[test]
fn who_lacks_what_the_key_asks_for_shares_one_bucket_with_all_that_lack_it() {
    for key in
        [json!(["subject"]), json!([{"header": "x-tenant"}]), json!([{"pathTemplate": ["/items/{*}"]}])]
    {
        for scope in ["worker", "proxy"] {
            let mut workers = Workers::new(&json!([with(limit("l", 2, 60, scope), "key", key.clone())]), 1);
            assert!(workers.admits(0, "shop/web", NOW) && workers.admits(0, "shop/api", NOW));
            assert!(!workers.admits(0, "else/where", NOW), "{key} {scope}");
        }
    }
}

#[test]
fn a_verified_subject_is_one_key_whoever_brings_it() {
    let limits = json!([with(limit("per-user", 1, 60, "proxy"), "key", json!(["subject"]))]);
    let mut workers = Workers::new(&limits, 1);
    let mut send = |subject: &str, caller: &str| {
        let mut request = request(caller, "/");
        let token = Token {
            issuer: "https://issuer".to_owned(),
            subject: Some(subject.to_owned()),
            claims: Vec::new(),
            written: Written::default(),
        };
        request.token = Some(Arc::new(token));
        allowed(&workers.proxy.decide(&workers.quota, &mut workers.states[0], &mut request, NOW))
    };
    assert!(send("alice", "shop/web") && send("bob", "shop/web"));
    assert!(!send("alice", "shop/api"));
}

#[test]
fn only_requests_that_match_are_counted() {
    let matches = json!({"methods": ["GET"], "paths": ["/orders/{*}", "/login"]});
    let mut workers = Workers::new(&json!([with(limit("l", 1, 60, "worker"), "match", matches)]), 1);
    let mut send = |path: &str| {
        let mut request = request("shop/web", path);
        allowed(&workers.proxy.decide(&workers.quota, &mut workers.states[0], &mut request, NOW))
    };
    assert!(send("/other") && send("/other") && send("/orders/1"));
    assert!(!send("/orders/2") && !send("/login?next=/"));
    assert!(!send("/%6cogin"), "a path that nobody can read in one way is counted");
    assert!(send("/other"));
}

#[test]
fn workers_of_one_proxy_share_a_bucket_and_rarely_ask_for_it() {
    for workers in [1_u64, 2, 4] {
        let shared = with(limit("shared", 1_000, 1, "proxy"), "burst", json!(100));
        let mut proxy = Workers::new(&json!([shared]), workers);
        let (mut admitted, mut sent) = (0_u64, 0_u64);
        // Five requests each millisecond, five seconds long.
        for millis in 0..5_000 {
            for _ in 0..5 {
                let worker = usize::try_from(sent % workers).unwrap();
                admitted += u64::from(proxy.admits(worker, "shop/web", at(millis)));
                sent += 1;
            }
        }
        let most = 1_000 * 5 + 100;
        assert!(admitted <= most && admitted * 100 >= most * 97, "{workers} workers: {admitted} of {most}");
        assert!(proxy.proxy.questions * 8 < sent, "{} questions for {sent} requests", proxy.proxy.questions);
    }
}

#[test]
fn a_caller_that_keeps_to_the_rate_is_never_refused() {
    let shared = with(limit("shared", 100, 1, "proxy"), "burst", json!(20));
    let mut proxy = Workers::new(&json!([shared]), 4);
    for request in 0..2_000_u64 {
        let worker = usize::try_from(request % 4).unwrap();
        assert!(proxy.admits(worker, "shop/web", at(request * 10)), "request {request}");
    }
}

#[test]
fn a_worker_whose_now_is_behind_anothers_refuses_and_does_not_ask_for_ever() {
    // An empty bucket of this limit is full again after a tenth of a millisecond.
    let shared = with(limit("shared", 1_000_000, 1, "proxy"), "burst", json!(100));
    let mut proxy = Workers::new(&json!([shared]), 2);
    while proxy.admits(1, "shop/web", at(20)) {}
    for behind in [0, 10, 19, 20] {
        let before = proxy.proxy.questions;
        assert!(!proxy.admits(0, "shop/web", at(behind)), "at {behind}");
        assert!(proxy.proxy.questions <= before + 2, "at {behind}");
    }
    assert!(proxy.admits(0, "shop/web", at(22)));
}

#[test]
fn a_new_worker_finds_the_buckets_as_they_were() {
    let mut proxy = Workers::new(&json!([limit("shared", 3, 60, "proxy")]), 2);
    for _ in 0..3 {
        assert!(proxy.admits(0, "shop/web", NOW));
    }
    proxy.states[0] = proxy.quota.state(Seed(99));
    assert!(!proxy.admits(0, "shop/web", at(1)) && !proxy.admits(1, "shop/web", at(1)));
    assert!(proxy.admits(0, "shop/web", at(20_000)));
}

#[test]
fn rubbish_in_shared_data_frees_nobody_that_a_worker_knows_and_bans_nobody() {
    for rubbish in [&b""[..], b"x", &[0xff; 64], &[0; 28]] {
        let mut proxy = Workers::new(&json!([limit("shared", 3, 60, "proxy")]), 1);
        for _ in 0..3 {
            assert!(proxy.admits(0, "shop/web", NOW));
        }
        proxy.proxy.spoil(rubbish);
        assert!(!proxy.admits(0, "shop/web", at(1)), "the worker knows better");
        assert!(proxy.admits(0, "shop/api", at(1)), "and nobody else pays for it");
        assert!(proxy.admits(0, "shop/web", at(20_000)) && !proxy.admits(0, "shop/web", at(20_000)));
        assert!(proxy.proxy.count(counters::RUBBISH) > 0);
    }
}

#[test]
fn an_absurd_time_in_a_slot_bans_nobody() {
    let mut proxy = Workers::new(&json!([limit("shared", 3, 60, "proxy")]), 1);
    assert!(proxy.admits(0, "shop/web", NOW));
    for (value, _) in proxy.proxy.slots.values_mut() {
        let mut slot = Slot::read(value).unwrap();
        let key = slot.first().unwrap();
        slot = Slot::default();
        assert!(slot.put(key, crate::gcra::Tat::from_bits(u64::MAX), NOW));
        *value = slot.write();
    }
    assert!(proxy.admits(0, "shop/web", at(1)));
}

#[test]
fn when_others_keep_writing_the_value_read_last_decides_and_the_debt_is_paid_later() {
    let mut proxy = Workers::new(&json!([limit("shared", 3, 60, "proxy")]), 1);
    proxy.proxy.contended = 5;
    assert!(proxy.admits(0, "shop/web", NOW));
    assert_eq!((proxy.proxy.count(counters::CONTENTION), proxy.proxy.contended), (1, 0));
    assert!(proxy.admits(0, "shop/web", NOW) && proxy.admits(0, "shop/web", NOW));
    assert!(!proxy.admits(0, "shop/web", NOW), "the borrowed request counts");
}

#[test]
fn without_shared_data_each_worker_limits_by_itself() {
    let mut proxy = Workers::new(&json!([limit("shared", 2, 60, "proxy")]), 2);
    proxy.proxy.broken = true;
    for worker in 0..2 {
        assert!(proxy.admits(worker, "shop/web", NOW) && proxy.admits(worker, "shop/web", NOW));
        assert!(!proxy.admits(worker, "shop/web", NOW));
    }
    assert!(proxy.proxy.count(counters::OVERFLOW) > 0);
}

#[test]
fn a_flood_of_keys_leaves_shared_data_bounded_and_the_offender_limited() {
    let limits = json!([with(limit("shared", 2, 3_600, "proxy"), "key", json!([{"header": "x-key"}]))]);
    let mut workers = Workers::new(&limits, 1);
    let mut send = |key: &str, now: UnixMillis| {
        let mut request = request("shop/web", "/");
        let mut headers = meshward_model::Headers::builder();
        headers.push(b":path", b"/").push(b"x-key", key.as_bytes());
        request.headers = headers.build();
        let verdict = workers.proxy.decide(&workers.quota, &mut workers.states[0], &mut request, now);
        (
            allowed(&verdict),
            workers.proxy.slots.len(),
            workers.proxy.slots.values().map(|(value, _)| value.len()).max(),
        )
    };
    assert!(send("offender", NOW).0 && send("offender", NOW).0);
    let mut largest = 0;
    for key in 0..40_000_u32 {
        let (_, slots, bytes) = send(&key.to_string(), NOW);
        largest = largest.max(bytes.unwrap());
        assert!(slots <= 4_096);
        if key % 2_000 == 0 {
            assert!(!send("offender", NOW).0, "free after {key} keys");
        }
    }
    assert_eq!(largest, 4 + 16 * 16 + 8);
}

#[test]
fn what_no_limit_matches_is_allowed_and_without_headers() {
    let mut workers =
        Workers::new(&json!([with(limit("l", 1, 60, "worker"), "match", json!({"paths": ["/x"]}))]), 1);
    let mut request = request("shop/web", "/y");
    let verdict = workers.proxy.decide(&workers.quota, &mut workers.states[0], &mut request, NOW);
    assert_eq!(verdict, Verdict::allow(Reason::LimitKept, None));
    assert_eq!(workers.quota.respond(&mut workers.states[0], &request, NOW), Edits::NONE);
}

#[test]
fn an_answer_that_was_not_asked_for_admits_nobody() {
    let quota = quota_of(&json!([limit("shared", 2, 60, "proxy")]));
    let mut state = quota.state(Seed(1));
    let mut request = request("shop/web", "/");
    let ticket = Ticket::new(StageId::Ratelimit, 77);
    let effects = quota.answer(&mut state, ticket, Answer::Stored(true), &mut [&mut request], NOW);
    let step = effects.resumed.into_iter().next().unwrap().step;
    assert_eq!(step, Step::Done(Verdict::deny(Reason::Internal, None)));
}
