//! One workload's Envoy: its listeners, filters, routes and logs.
//!
//! | listener | who comes | what it demands |
//! |---|---|---|
//! | `inbound` | other workloads (gateway: the world) | mTLS (gateway: TLS), then the modules |
//! | `probe` | the kubelet, in plaintext | the same modules with the same policy |
//! | `to <workload>` | the application beside it, on loopback | nothing: the hop after it is mTLS with this workload's certificate |
//! | `stats` | whoever watches, in a container | nothing but the counters: the admin interface itself stays on loopback |

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use meshward_harness::config::{
    AccessLog, Bootstrap, ClientCert, Cluster, DIR, DownstreamTls, Filter, Http, Listener, LogFormat, Node,
    Wasm,
};
use serde_json::{Map, Value, json};

use super::form::Part;
use super::identities::Identities;
use super::places::Places;
use super::services::{Addresses, COLLECTOR, ISSUER};
use super::workload::Workload;

/// The access log of requests: one JSON object a line.
pub(super) const ACCESS_LOG: &str = "access";
/// The field of the access log that holds what meshward has noted of a request.
pub(super) const NOTE: &str = "note";
/// The log of connections that TLS refused.
pub(super) const CONNECTION_LOG: &str = "connections";
/// What carries a call's number through every hop and into every log.
pub(super) const CALL_ID: &str = "x-request-id";

/// What one workload's configuration is made of.
pub(super) struct Sidecar<'a> {
    pub(super) workload: Workload,
    pub(super) places: &'a BTreeMap<Workload, Places>,
    pub(super) identities: &'a Identities,
    pub(super) services: &'a Addresses,
    /// The folder of the modules, as this Envoy sees it.
    pub(super) modules: &'a Path,
    /// What is in the way of a request.
    pub(super) filters: &'a [Part],
}

impl Sidecar<'_> {
    /// The whole configuration.
    pub(super) fn bootstrap(&self) -> Result<Bootstrap> {
        let own = self.own()?;
        let mut listeners = vec![self.inbound(own)?];
        if self.workload.is_probed() {
            listeners.push(self.guarded(own, Listener::on(own.probe).named("probe")));
        }
        let application = own.application.map(|address| Cluster::plain("application", address));
        let mut clusters: Vec<Cluster> = application.into_iter().collect();
        clusters.push(Cluster::plain(ISSUER, &self.services.issuer));
        clusters.push(Cluster::plain(COLLECTOR, &self.services.collector));
        for to in self.workload.calls() {
            clusters.push(self.cluster(*to)?);
            if let Some(address) = own.towards(*to).filter(|_| own.application.is_some()) {
                let name = format!("to {}", to.name());
                listeners.push(Listener::on(address).named(&name).route_to("/", to.name()));
            }
        }
        let mut patch = Value::Null;
        if let Some(stats) = &own.stats {
            let listener = Listener::on(stats.listen).named("stats");
            listeners.push(listener.route_to("/stats", "admin").route_to("/ready", "admin"));
            clusters.push(Cluster::plain("admin", stats.admin));
            let address = json!({"address": stats.admin.ip(), "port_value": stats.admin.port()});
            patch = json!({"admin": {"address": {"socket_address": address}}});
        }
        let mut bootstrap =
            Bootstrap::new(listeners).node(Node::workload(self.workload.namespace(), self.workload.name()));
        bootstrap.clusters = clusters;
        bootstrap.patch = patch;
        Ok(bootstrap)
    }

    fn inbound(&self, own: &Places) -> Result<Listener> {
        let identity = self.identities.of_workload(self.workload).context("a workload has no certificate")?;
        let root_pem = self.identities.root_pem();
        let listener = Listener::on(own.inbound);
        let listener = match self.workload {
            Workload::Gateway => {
                let client_cert = ClientCert::Optional { root_pem: root_pem.to_owned() };
                listener.tls(DownstreamTls::new(identity, client_cert)).http(Http::default().normalizing())
            }
            Workload::Web => {
                listener.tls(DownstreamTls::mutual(identity, root_pem)).http(Http::default().normalizing())
            }
            Workload::Orders | Workload::Accounts | Workload::Payments => {
                listener.tls(DownstreamTls::mutual(identity, root_pem))
            }
        };
        let mut listener = self.guarded(own, listener);
        listener.patch = json!({"access_log": [connection_log()]});
        Ok(listener)
    }

    /// With the modules in the way and the application (the gateway: web) behind it.
    fn guarded(&self, own: &Places, listener: Listener) -> Listener {
        let upstream = if own.application.is_some() { "application" } else { Workload::Web.name() };
        let filters = self.filters.iter().map(|part| {
            let module = self.modules.join(part.module).with_extension("wasm");
            let wasm = Wasm::new(&module, &part.configuration);
            Filter::Wasm(Wasm { name: part.name.to_owned(), root_id: part.name.to_owned(), ..wasm })
        });
        filters.fold(listener, Listener::filter).route_to("/", upstream).access_log(access_log())
    }

    fn cluster(&self, to: Workload) -> Result<Cluster> {
        let identity = self.identities.of_workload(self.workload).context("a workload has no certificate")?;
        let there = self.places.get(&to).context("a workload has no place")?;
        let root_pem = self.identities.root_pem();
        Ok(Cluster::mtls(to.name(), &there.known_as, identity, root_pem, &to.spiffe()))
    }

    fn own(&self) -> Result<&Places> {
        self.places.get(&self.workload).context("a workload has no place")
    }
}

fn access_log() -> AccessLog {
    let fields = [
        ("call", "%REQ(X-REQUEST-ID)%"),
        ("code", "%RESPONSE_CODE%"),
        ("details", "%RESPONSE_CODE_DETAILS%"),
        (NOTE, "%FILTER_STATE(wasm.meshward:PLAIN)%"),
        ("peer", "%DOWNSTREAM_PEER_URI_SAN%"),
        ("method", "%REQ(:METHOD)%"),
        ("authority", "%REQ(:AUTHORITY)%"),
        ("path", "%REQ(:PATH)%"),
    ];
    let fields: Map<String, Value> =
        fields.into_iter().map(|(name, format)| (name.to_owned(), json!(format))).collect();
    AccessLog { name: ACCESS_LOG.to_owned(), format: LogFormat::Json(fields) }
}

/// The listener's own access log, written when a connection ends; only those that failed in TLS say why.
fn connection_log() -> Value {
    json!({"name": "envoy.access_loggers.file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": format!("{DIR}/{CONNECTION_LOG}.log"),
        "log_format": {"text_format_source": {"inline_string": "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%\n"}},
    }})
}
