//! Documents that say which callers misbehave.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use meshward_model::{SpiffeId, Verdict};
use serde_json::{Value, json};

pub(crate) fn detection(spec: &Value) -> Detection {
    compile(spec).unwrap().detection
}

fn compile(spec: &Value) -> Result<Penalty, Refusal> {
    let document = json!({
        "apiVersion": "meshward.io/v1alpha1",
        "kind": "Detection",
        "metadata": {"name": "detection", "namespace": "shop"},
        "spec": spec,
    });
    compile_detection("documents[0]", &document.to_string(), Needs::default())
}

fn refused(spec: &Value) -> Vec<(Code, String)> {
    let refusal = compile(spec).err().map(|refusal| refusal.problems).unwrap_or_default();
    refusal
        .into_iter()
        .map(|problem| {
            assert!(!problem.help.is_empty() || problem.code < Code::UnknownKind, "{problem}");
            (problem.code, problem.path.trim_start_matches("documents[0].spec.").to_owned())
        })
        .collect()
}

#[test]
fn an_empty_spec_has_the_documented_defaults() {
    let detection = detection(&json!({}));
    let rate = detection.throttle_rate;
    assert_eq!((detection.failed_authentication, detection.denied_paths), (Some(18), Some(9)));
    assert_eq!((detection.note, detection.throttle, detection.quarantine), (40, 60, 80));
    assert_eq!((detection.half_life_millis, detection.simulates), (60_000, false));
    assert_eq!((detection.first_stay_millis, detection.longest_stay_millis), (60_000, 3_600_000));
    assert_eq!((rate.requests(), rate.period_millis(), rate.burst()), (1, 1_000, 1));
}

#[test]
fn what_is_out_of_bounds_or_unknown_is_refused_with_its_place() {
    for (spec, code, path) in [
        (json!({"halfLifeSeconds": 0}), Code::OutOfBounds, "halfLifeSeconds"),
        (json!({"halfLifeSeconds": 86_401}), Code::OutOfBounds, "halfLifeSeconds"),
        (json!({"halfLifeSeconds": -1}), Code::WrongType, "halfLifeSeconds"),
        (json!({"detectors": {}}), Code::NoDetector, "detectors"),
        (
            json!({"detectors": {"failedAuthentication": {"weight": 0}}}),
            Code::OutOfBounds,
            "detectors.failedAuthentication.weight",
        ),
        (
            json!({"detectors": {"deniedPaths": {"weight": 1_001}}}),
            Code::OutOfBounds,
            "detectors.deniedPaths.weight",
        ),
        (json!({"detectors": {"userAgents": {}}}), Code::UnknownField, "detectors.userAgents"),
        (json!({"thresholds": {"note": 60}}), Code::BadThresholds, "thresholds"),
        (json!({"thresholds": {"quarantine": 60}}), Code::BadThresholds, "thresholds"),
        (json!({"thresholds": {"quarantine": 1_001}}), Code::OutOfBounds, "thresholds.quarantine"),
        (json!({"throttle": {"requests": 0, "perSeconds": 1}}), Code::OutOfBounds, "throttle.requests"),
        (json!({"throttle": {"requests": 1}}), Code::MissingField, "throttle"),
        (json!({"quarantine": {"seconds": 86_401}}), Code::OutOfBounds, "quarantine.seconds"),
        (
            json!({"quarantine": {"seconds": 60, "maxSeconds": 30}}),
            Code::OutOfBounds,
            "quarantine.maxSeconds",
        ),
        (json!({"quarantine": {"maxSeconds": 604_801}}), Code::OutOfBounds, "quarantine.maxSeconds"),
        (json!({"allow": ["cluster.local/ns/a/sa/b"]}), Code::BadAllow, "allow[0]"),
        (json!({"allow": ["spiffe://cluster.local"]}), Code::BadAllow, "allow[0]"),
        (json!({"allow": ["spiffe://cluster.local/ns/mon*"]}), Code::BadAllow, "allow[0]"),
        (json!({"allow": ["*"]}), Code::BadAllow, "allow[0]"),
        (json!({"allow": [""]}), Code::BadAllow, "allow[0]"),
        (json!({"mode": "shadow"}), Code::UnknownValue, "mode"),
        (json!({"allow": null}), Code::WrongType, "allow"),
    ] {
        let problems = refused(&spec);
        assert!(problems.iter().any(|(is, at)| *is == code && at.starts_with(path)), "{spec}: {problems:?}");
    }
}

#[test]
fn a_first_quarantine_longer_than_the_default_longest_is_the_longest() {
    let detection = detection(&json!({"quarantine": {"seconds": 86_400}}));
    assert_eq!(detection.longest_stay_millis, 86_400_000);
    assert_eq!(detection.stay_millis(1), detection.stay_millis(9));
    assert_eq!(detection.stay_millis(u16::MAX), 86_400_000);
}

#[test]
fn an_allowed_beginning_ends_at_a_segment() {
    let detection =
        detection(&json!({"allow": ["spiffe://a/ns/mon/*", "spiffe://a/ns/shop/sa/web", "spiffe://b/*"]}));
    for (id, allowed) in [
        ("spiffe://a/ns/mon/sa/x", true),
        ("spiffe://a/ns/monitoring/sa/x", false),
        ("spiffe://a/ns/shop/sa/web", true),
        ("spiffe://a/ns/shop/sa/web2", false),
        ("spiffe://b/anything", true),
        ("spiffe://bb/anything", false),
    ] {
        assert_eq!(detection.allows(&SpiffeId::parse(id.as_bytes()).unwrap()), allowed, "{id}");
    }
}

#[test]
fn a_detector_sees_what_is_the_callers_fault_and_nothing_else() {
    let verdict = Verdict::allow(Reason::Watched, None);
    let seen = |refused: Option<Reason>, status: u16| {
        let status = Some(status);
        Detector::of(&Outcome { verdict: &verdict, status, refused, noted: None, native_details: None })
    };
    let failed = Some(Detector::FailedAuthentication);
    let denied = Some(Detector::DeniedPaths);
    for (reason, status, expected) in [
        (None, 200, None),
        (None, 401, failed),
        (None, 403, denied),
        (None, 404, denied),
        (None, 400, None),
        (None, 429, None),
        (None, 503, None),
        (Some(Reason::TokenExpired), 401, failed),
        (Some(Reason::MtlsRequired), 403, failed),
        (Some(Reason::NoAllowMatch), 403, denied),
        (Some(Reason::PathRefused), 400, denied),
        (Some(Reason::NativeDenied), 401, failed),
        (Some(Reason::NativeDenied), 403, denied),
        (Some(Reason::NativeDenied), 429, None),
        // Ours, or the configuration's.
        (Some(Reason::JwksUnavailable), 503, None),
        (Some(Reason::HandoverTaken), 403, None),
        (Some(Reason::HandoverMissing), 403, None),
        (Some(Reason::HandoverUnreadable), 403, None),
        (Some(Reason::PenaltyThrottled), 429, None),
        (Some(Reason::PenaltyQuarantined), 429, None),
        (Some(Reason::LimitExceeded), 429, None),
        (Some(Reason::NotConfigured), 503, None),
        (Some(Reason::Internal), 503, None),
    ] {
        assert_eq!(seen(reason, status), expected, "{reason:?} {status}");
    }
}
