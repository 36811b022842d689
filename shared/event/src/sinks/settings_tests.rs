//! What an `EventSink` may say, and what is refused.

use meshward_model::Counter;

use super::*;

const COUNTER: Counter = Counter { slot: 0, name: "c" };
const COUNTERS: Counters = Counters { recorded: COUNTER, sent: COUNTER, dropped: COUNTER, failed: COUNTER };

fn document(spec: &str) -> String {
    format!(
        r#"{{"apiVersion": "meshward.io/v1alpha1", "kind": "EventSink", "metadata": {{"name": "events"}}, "spec": {spec}}}"#
    )
}

fn sinks(spec: &str) -> Result<Sinks, Refusal> {
    compile(&[("documents[0]", &document(spec))], Shown::default(), COUNTERS)
}

fn problems(spec: &str) -> Vec<(Code, String)> {
    let refusal = sinks(spec).err().map(|refusal| refusal.problems).unwrap_or_default();
    refusal.into_iter().map(|problem| (problem.code, problem.path)).collect()
}

#[test]
fn without_a_sink_and_with_an_empty_one_events_go_to_the_log() {
    for sinks in [compile(&[], Shown::default(), COUNTERS), sinks("{}"), sinks(r#"{"log": {}}"#)] {
        assert_eq!(sinks.map(|sinks| (sinks.log, sinks.otlp.is_none())), Ok((true, true)));
    }
}

#[test]
fn a_collector_has_defaults_that_fit_it() {
    let cluster = "outbound|4318||otel-collector.observability.svc.cluster.local";
    let sinks = sinks(&format!(r#"{{"otlpHttp": {{"cluster": "{cluster}"}}}}"#));
    let otlp = sinks.ok().filter(|sinks| !sinks.log).and_then(|sinks| sinks.otlp);
    let bounds = Bounds { batch_events: 512, batch_bytes: 512 << 10, queue_bytes: 4 << 20 };
    let expected = Otlp {
        cluster: cluster.to_owned(),
        path: "/v1/logs".to_owned(),
        host: "otel-collector.observability.svc.cluster.local".to_owned(),
        timeout_millis: 5_000,
        every_millis: 1_000,
        bounds,
    };
    assert_eq!(otlp, Some(expected));
}

#[test]
fn what_no_collector_can_be_reached_by_is_refused_where_it_stands() {
    for (otlp, code, path) in [
        (r#"{"cluster": ""}"#, Code::BadCluster, "cluster"),
        (r#"{"cluster": "a b", "host": "h"}"#, Code::BadCluster, "cluster"),
        (r#"{"cluster": "c", "path": "v1/logs"}"#, Code::BadCollectorAddress, "path"),
        (r#"{"cluster": "c", "path": "/v1/logs?x"}"#, Code::BadCollectorAddress, "path"),
        (r#"{"cluster": "c", "host": "https://h"}"#, Code::BadCollectorAddress, "host"),
        (r#"{"cluster": "c", "timeoutMillis": 99}"#, Code::SinkBound, "timeoutMillis"),
        (r#"{"cluster": "c", "batch": {"everyMillis": 60001}}"#, Code::SinkBound, "batch.everyMillis"),
        (r#"{"cluster": "c", "batch": {"maxEvents": 0}}"#, Code::SinkBound, "batch.maxEvents"),
        (r#"{"cluster": "c", "batch": {"maxBytes": 1}}"#, Code::SinkBound, "batch.maxBytes"),
        (r#"{"cluster": "c", "maxQueueBytes": 1048575}"#, Code::SinkBound, "maxQueueBytes"),
        (r#"{"cluster": "c", "headers": {}}"#, Code::UnknownField, "headers"),
        (r#"{"path": "/v1/logs"}"#, Code::MissingField, ""),
    ] {
        let found = problems(&format!(r#"{{"otlpHttp": {otlp}}}"#));
        let first = found.first().cloned();
        let at = format!("documents[0].spec.otlpHttp.{path}");
        assert_eq!(first, Some((code, at.trim_end_matches('.').to_owned())), "{otlp}: {found:?}");
    }
}

#[test]
fn what_is_to_be_shown_must_be_something() {
    assert_eq!(
        problems(r#"{"show": {"paths": ["orders"]}}"#),
        [(Code::BadShown, "documents[0].spec.show.paths[0]".to_owned())]
    );
    assert_eq!(
        problems(r#"{"show": {"paths": ["/orders", "/{*}", "/"]}}"#),
        [1, 2].map(|at| (Code::BadShown, format!("documents[0].spec.show.paths[{at}]")))
    );
    assert_eq!(
        problems(r#"{"show": {"hosts": ["a", "*.b"]}}"#),
        [(Code::BadShown, "documents[0].spec.show.hosts[1]".to_owned())]
    );
    assert_eq!(problems(r#"{"show": {"path": "all"}}"#).len(), 1);
    let mut shown = Shown::default().with_whole_paths(true);
    shown.add_path("/v1/{*}");
    shown.add_host("a.b");
    let sinks = sinks(r#"{"show": {"path": "whole", "paths": ["/v1/{*}"], "hosts": ["a.b"]}}"#);
    assert_eq!(sinks.map(|sinks| sinks.shown), Ok(shown));
}

#[test]
fn a_second_sink_another_version_and_a_missing_spec_are_refused() {
    let one = document("{}");
    let two = compile(&[("documents[0]", &one), ("documents[1]", &one)], Shown::default(), COUNTERS);
    let code = |sinks: Result<Sinks, Refusal>| {
        sinks.err().and_then(|refusal| refusal.problems.first().map(|one| one.code))
    };
    assert_eq!(code(two), Some(Code::SinkDoubled));
    let other = one.replace("v1alpha1", "v1");
    assert_eq!(code(compile(&[("d", &other)], Shown::default(), COUNTERS)), Some(Code::WrongVersion));
    let none = one.replace(r#", "spec": {}"#, "");
    assert_eq!(code(compile(&[("d", &none)], Shown::default(), COUNTERS)), Some(Code::NoSpec));
    let dry = one.replace(r#""events""#, r#""events", "annotations": {"istio.io/dry-run": "true"}"#);
    assert_eq!(code(compile(&[("d", &dry)], Shown::default(), COUNTERS)), Some(Code::DryRunOnAccessPolicy));
}
