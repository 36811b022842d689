//! The chains that see the secret: each plugin alone, the sentinel before others, all apart, and `guard`.

use super::tokens::{self, Tokens};
use super::{PATH, SECRET};
use crate::setup::{Scene, envelope};
use meshward_harness::certs::{Ca, Identity, Leaf};
use meshward_harness::config::{ClientCert, Cluster, DownstreamTls, Filter, Http, Listener};
use meshward_harness::ports::Reserved;
use meshward_harness::upstream::{HttpUpstream, Reply};
use meshward_pipeline::split;
use serde_json::{Value, json};

/// Who is never scored, so that what it does is decided by the other plugins.
pub(super) const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
/// The header that says what a request is for: `through` goes on to the limits.
pub(super) const WHERE: &str = "x-where";
/// The header by which the upstream is told its status.
pub(super) const STATUS: &str = "x-status";

/// A chain behind a port of its own.
pub(super) struct Chain {
    pub(super) name: &'static str,
    pub(super) port: Reserved,
    filters: Vec<Filter>,
}

fn document(kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": kind,
        "metadata": {"name": "orders", "namespace": "shop"}, "spec": spec,
    })
}

fn sink() -> Value {
    let collector = json!({"cluster": "collector", "batch": {"everyMillis": 100}});
    document("EventSink", &json!({"log": {}, "otlpHttp": collector}))
}

fn authentication(tokens: &Tokens) -> Value {
    let with = |name: &str, algorithms: Value, field: &str, value: Value| {
        let mut issuer = json!({"issuer": name, "audiences": ["shop"], "algorithms": algorithms});
        issuer.as_object_mut().expect("an issuer").insert(field.to_owned(), value);
        issuer
    };
    let remote =
        |path: &str| json!({"cluster": "id", "host": "id.example", "path": path, "minIntervalMillis": 1000});
    document(
        "Authentication",
        &json!({
            "mtls": {"required": true, "trustDomains": ["cluster.local"]},
            "jwt": {"required": true, "issuers": [
                with(tokens::ISSUER, json!(["ES256"]), "keys", tokens.keys()),
                with(tokens::BROKEN, json!(["ES256"]), "jwks", remote("/broken")),
                with(tokens::FETCHED, json!(["ES256", "RS256"]), "jwks", remote("/fetched")),
            ]},
        }),
    )
}

/// Refuses what is not for the limits; where claims may be looked at, by them, too.
fn access(mode: &str, claims: bool) -> Value {
    let mut through = json!({
        "to": [{"operation": {"paths": ["/{**}", PATH], "notHosts": ["none.shop"]}}],
        "when": [{"key": format!("request.headers[{WHERE}]"), "values": ["through"]}],
    });
    let claimed = json!({
        "to": [{"operation": {"hosts": ["orders.shop"]}}],
        "when": [{"claim": ["role"], "equals": "admin"}, {"claim": ["sub"], "prefix": "root"}],
    });
    let whose =
        if claims { json!({"requestPrincipals": ["*"]}) } else { json!({"trustDomains": ["cluster.local"]}) };
    if let Some(through) = through.as_object_mut() {
        through.insert("from".to_owned(), json!([{"source": whose}]));
    }
    let rules = if claims { json!([through, claimed]) } else { json!([through]) };
    document("AccessPolicy", &json!({"action": "ALLOW", "mode": mode, "rules": rules}))
}

fn detection(seconds: u64) -> Value {
    document(
        "Detection",
        &json!({
            "allow": [WEB, format!("spiffe://cluster.local/ns/{SECRET}/*")], "thresholds": {"note": 10, "throttle": 30, "quarantine": 60},
            "throttle": {"requests": 1, "perSeconds": 1}, "quarantine": {"seconds": seconds},
        }),
    )
}

/// One bucket of one for all that show no key, and one for each key.
fn limits(subject: bool) -> Value {
    let limit = |name: &str, key: Value| {
        json!({
            "name": name, "rate": {"requests": 1, "perSeconds": 86_400}, "scope": "proxy", "key": key,
            "match": {"paths": ["/{**}"]},
        })
    };
    let mut limits = vec![limit("by-header", json!([{"header": "x-key"}]))];
    if subject {
        limits.push(limit("by-subject", json!(["subject", "peer", {"pathTemplate": [PATH]}])));
    }
    document("RateLimit", &json!({"limits": limits}))
}

impl Chain {
    fn new(name: &'static str, filters: Vec<Filter>) -> Self {
        Self { name, port: Reserved::loopback().expect("a port"), filters }
    }

    /// Each plugin alone; its records are lines of Envoy's log.
    pub(super) fn alone(scene: &Scene, tokens: &Tokens) -> Vec<Self> {
        let one = |name, module: &str, fields: Value, document: Value| {
            Self::new(name, vec![scene.wasm_of(name, module, name, &envelope(&fields, &json!([document])))])
        };
        vec![
            one("authn", "authn", json!({}), authentication(tokens)),
            one("authz", "authz", json!({}), access("enforce", false)),
            one("penalty", "ratelimit", json!({"role": "penalty"}), detection(3_600)),
            one("quota", "ratelimit", json!({"role": "quota"}), limits(false)),
        ]
    }

    /// More than one: their records go to the collector as well.
    pub(super) fn together(scene: &Scene, tokens: &Tokens) -> Vec<Self> {
        let all =
            json!([sink(), detection(1), authentication(tokens), access("enforce", true), limits(true)]);
        let whole = envelope(&json!({}), &all);
        let parts = split::split(&whole.to_string()).expect("it can be split");
        let apart = parts.iter().map(|part| {
            let configuration = serde_json::from_str(&part.configuration).expect("JSON");
            scene.wasm_of(part.plugin.name(), part.plugin.module(), "apart", &configuration)
        });
        let shadow = envelope(&json!({"events": "handover"}), &json!([access("shadow", false)]));
        let named = json!({"named": [PATH, "orders.shop"]});
        let sentinel = envelope(&named, &json!([sink()]));
        let shadow = vec![
            scene.wasm_of("sentinel", "sentinel", "shadow", &sentinel),
            scene.wasm_of("authz", "authz", "shadow", &shadow),
        ];
        vec![
            Self::new("apart", apart.collect()),
            Self::new("guard", vec![scene.wasm_of("guard", "guard", "guard", &whole)]),
            Self::new("shadow", shadow),
        ]
    }
}

/// The authority, the server's certificate, and an upstream whose answers hold the secret.
pub(super) struct Around {
    pub(super) ca: Ca,
    server: Identity,
    pub(super) upstream: HttpUpstream,
    id: HttpUpstream,
}

impl Around {
    pub(super) fn new(secret: &'static str) -> Self {
        let ca = Ca::new("mesh").expect("an authority");
        let leaf = Leaf::uri("spiffe://cluster.local/ns/shop/sa/orders").and_dns("meshward.test");
        let server = ca.issue(&leaf).expect("a certificate");
        let upstream = HttpUpstream::answering("127.0.0.1:0", move |seen| {
            let status = seen.headers.iter().find(|(name, _)| name == STATUS);
            let status = status.and_then(|(_, status)| status.parse().ok()).unwrap_or(200);
            let names =
                ["x-secret", "set-cookie", "location", "www-authenticate", "grpc-message", "server", secret];
            let reply =
                Reply::status(status).body(secret).trailer(secret, secret).trailer("grpc-message", secret);
            names.into_iter().fold(reply, |reply, name| reply.header(name, secret))
        })
        .expect("an upstream");
        let id = HttpUpstream::start().expect("an upstream");
        id.always("/broken", Reply::status(200).body(format!("{{\"keys\": [\"{secret}\", {secret}")));
        id.always("/fetched", Reply::status(200).body(Tokens::fetched()));
        Self { ca, server, upstream, id }
    }

    /// The clusters that the chains name.
    pub(super) fn clusters(&self) -> [Cluster; 2] {
        let trailers = json!({"typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http_protocol_options": {"enable_trailers": true}},
            },
        }});
        [
            Cluster::plain("secretive", self.upstream.address()).patched(trailers),
            Cluster::plain("id", self.id.address()),
        ]
    }

    /// A chain's listener: TLS, any certificate of the authority's, any method, trailers.
    pub(super) fn listener(&self, scene: &Scene, chain: &Chain) -> Listener {
        let root_pem = self.ca.root_pem().to_owned();
        let tls = DownstreamTls::new(&self.server, ClientCert::Optional { root_pem });
        let mut listener = scene.listener(&chain.port, chain.filters.clone()).named(chain.name).tls(tls);
        let patch = json!({
            "generate_request_id": false, "preserve_external_request_id": true,
            "http_protocol_options": {"allow_custom_methods": true, "enable_trailers": true},
        });
        listener.routes.clear();
        listener.http(Http { patch, ..Http::default() }).route_to("/", "secretive")
    }
}
