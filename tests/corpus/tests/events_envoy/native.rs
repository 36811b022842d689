//! Refusals of Envoy's own filters, before and behind the sentinel.

use super::setup::{Scene, WITHIN, counted};
use meshward_corpus::engines;
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::Filter;
use meshward_harness::poll;
use meshward_harness::ports::Reserved;
use serde_json::{Value, json};

/// (name, filter, how its details begin).
fn filters() -> Vec<(&'static str, Filter, &'static str)> {
    let filter = |name: &str, kind: &str, mut config: Value| {
        if let Some(config) = config.as_object_mut() {
            config.insert(
                "@type".to_owned(),
                json!(format!("type.googleapis.com/envoy.extensions.filters.http.{kind}")),
            );
        }
        Filter::Raw(json!({"name": name, "typed_config": config}))
    };
    // The public key of RFC 7517, appendix A.1.
    let keys = json!({"keys": [{
        "kty": "EC", "crv": "P-256", "kid": "1",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }]});
    let jwt = json!({
        "providers": {"p": {"issuer": "i", "local_jwks": {"inline_string": keys.to_string()}}},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "p"}}],
    });
    let check = json!({
        "http_service": {"server_uri": {"uri": "http://nobody", "cluster": "nobody", "timeout": "0.2s"}},
        "status_on_error": {"code": "Forbidden"},
    });
    // The collector answers what it does not know with 404.
    let denies = json!({
        "http_service": {"server_uri": {"uri": "http://collector", "cluster": "collector", "timeout": "5s"}},
    });
    let bucket = json!({
        "stat_prefix": "limit",
        "token_bucket": {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"},
        "filter_enabled": {"default_value": {"numerator": 100}},
        "filter_enforced": {"default_value": {"numerator": 100}},
    });
    vec![
        ("rbac", filter("rbac", "rbac.v3.RBAC", json!({"rules": {}})), "rbac_access_denied"),
        ("jwt", filter("jwt", "jwt_authn.v3.JwtAuthentication", jwt), "jwt_authn_access_denied"),
        ("denied", filter("denied", "ext_authz.v3.ExtAuthz", denies), "ext_authz_denied"),
        ("ext_authz", filter("ext_authz", "ext_authz.v3.ExtAuthz", check), "ext_authz_error"),
        ("limit", filter("limit", "local_ratelimit.v3.LocalRateLimit", bucket), "local_rate_limited"),
    ]
}

#[test]
fn a_refusal_of_a_native_filter_is_one_record_wherever_the_sentinel_stands() {
    for binary in [engines::main(), engines::second()] {
        let binary = binary.unwrap_or_else(|remedy| panic!("{remedy}"));
        let scene = Scene::new();
        let sink = json!({"otlpHttp": {"cluster": "collector", "batch": {"everyMillis": 100}}});
        let mut ports = Vec::new();
        let mut listeners = Vec::new();
        for first in [true, false] {
            for (name, filter, _) in filters() {
                let port = Reserved::loopback().expect("a port");
                let mut chain = vec![filter];
                chain.insert(usize::from(!first), scene.sentinel(&sink));
                listeners.push(scene.listener(&port, chain).named(&format!("{name}-{first}")));
                ports.push(port);
            }
        }
        let envoy = scene.envoy(&binary, listeners, 1).start().expect("Envoy starts");
        let mut refused = 0;
        for port in &ports {
            // Of the limit, the first goes through.
            for _ in 0..2 {
                let request =
                    RawRequest::get("/secret-path").host("orders.shop").header("x-request-id", "ab12");
                let answer = Client::plain(port.address()).send(&request).expect("an answer");
                refused += u64::from(answer.status >= 400);
            }
        }
        assert_eq!(refused, 18);
        let done = poll::until("every record sent", WITHIN, || {
            (counted(&envoy, "events_sent") == refused).then_some(())
        });
        let received = scene.received();
        done.unwrap_or_else(|error| panic!("{error}: {received:?}"));
        for (name, _, details) in filters() {
            let of_it = received.iter().filter(|one| {
                let said = one.body.pointer("/unmapped/response_code_details").and_then(Value::as_str);
                said.is_some_and(|said| said.starts_with(details))
            });
            let of_it: Vec<_> = of_it.collect();
            assert_eq!(of_it.len(), if name == "limit" { 2 } else { 4 }, "{name}");
            for one in of_it {
                assert_eq!(one.body.pointer("/class_uid"), Some(&json!(4002)));
                assert_eq!(one.body.pointer("/metadata/event_code"), Some(&json!("sentinel.native_denied")));
                assert_eq!(one.body.pointer("/metadata/correlation_uid"), Some(&json!("ab12")));
                assert_eq!(one.body.pointer("/http_request/url/path"), Some(&json!("/{*}")));
            }
        }
    }
}
