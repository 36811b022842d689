//! What crosses from one plugin to the next: `authn` hands over, `authz` reads it, and nobody else may write there.

use crate::setup::{refused, send, shipped};
use meshward_host::{FaultKind, Faults, LogLevel, Plugin, Proxy, Status, Stream, VmState};
use serde_json::{Value, json};

fn plugin(name: &str, fields: &Value, document: &Value) -> Plugin {
    let mut configuration = json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport",
        "documents": [document],
    });
    if let (Some(all), Some(more)) = (configuration.as_object_mut(), fields.as_object()) {
        all.extend(more.clone());
    }
    Plugin::new(shipped(name), name).configured(configuration.to_string())
}

/// A key that somebody's tokens are signed with; nobody sends one here.
const KEYS: &str = include_str!("../../../bench/jwks.json");

fn authn() -> Plugin {
    let issuer = json!({
        "issuer": "https://id.example", "audiences": ["shop"], "algorithms": ["ES256"], "keys": KEYS,
    });
    let spec = json!({"jwt": {"required": false, "issuers": [issuer]}});
    let document = json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": "Authentication", "metadata": {"name": "callers"}, "spec": spec,
    });
    plugin("authn", &json!({}), &document)
}

fn authz() -> Plugin {
    let spec = json!({"action": "ALLOW", "rules": [{}]});
    let document = json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": "AccessPolicy",
        "metadata": {"name": "all", "namespace": "shop"}, "spec": spec,
    });
    // The proxy here does not say whose it is.
    plugin("authz", &json!({"claims": {"from": "handover"}, "workload": {"namespace": "shop"}}), &document)
}

fn run(plugins: &[Plugin], faults: Faults) -> (Proxy, Stream) {
    let builder = plugins.iter().cloned().fold(Proxy::builder(), meshward_host::Builder::plugin);
    let mut proxy = builder.log_level(LogLevel::Info).start().expect("it starts");
    proxy.set_faults(faults);
    let stream = send(&mut proxy, "nothing", "/", &[]);
    (proxy, stream)
}

fn why(plugins: &[Plugin], faults: Faults) -> String {
    let (proxy, stream) = run(plugins, faults);
    assert_eq!(proxy.vm_state(0, 0), VmState::Running);
    match proxy.forwarded(stream) {
        Some(_) => "went on".to_owned(),
        None => refused(&proxy, stream).1,
    }
}

#[test]
fn what_is_handed_over_is_there_for_the_next_plugin() {
    assert_eq!(why(&[authn(), authz()], Faults::none()), "went on");
    assert_eq!(why(&[authz()], Faults::none()), "meshward_denied[authz.handover_missing]");
    assert_eq!(why(&[authz(), authn()], Faults::none()), "meshward_denied[authz.handover_missing]");
}

#[test]
fn a_handover_that_lies_there_already_is_nobodys() {
    assert_eq!(why(&[authn(), authn(), authz()], Faults::none()), "meshward_denied[authn.handover_taken]");
}

#[test]
fn a_handover_that_cannot_be_left_ends_the_request_whatever_the_host_says() {
    for status in [Status::BadArgument, Status::InternalFailure, Status::NotFound, Status::Unimplemented] {
        let faults = Faults::nth_of("proxy_set_property", 1, FaultKind::Status(status));
        assert_eq!(why(&[authn(), authz()], faults), "meshward_denied[authn.handover_taken]", "{status:?}");
    }
}

#[test]
fn every_host_call_that_fails_refuses_or_leaves_the_verdict_as_it_is() {
    let plugins = [authn(), authz()];
    let (whole, _) = run(&plugins, Faults::none());
    let count = whole.total_calls();
    for nth in 1..=count {
        for kind in [FaultKind::Status(Status::InternalFailure), FaultKind::Cut(0), FaultKind::Cut(5)] {
            let (proxy, stream) = run(&plugins, Faults::nth(nth, kind));
            let what = format!("{:?} as {kind:?}", proxy.faults_happened());
            assert_eq!(
                (proxy.vm_state(0, 0), proxy.vm_state(0, 1)),
                (VmState::Running, VmState::Running),
                "{what}"
            );
            let handed_over = proxy.filter_state(stream, "meshward_authn").is_some();
            assert!(proxy.forwarded(stream).is_none() || handed_over, "{what}");
        }
    }
}
