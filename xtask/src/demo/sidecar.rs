//! One workload's Envoy: its listeners, filters, routes and logs.
//!
//! | listener | who comes | what it demands |
//! |---|---|---|
//! | `inbound` | other workloads (gateway: the world) | mTLS (gateway: TLS), then the module |
//! | `probe` | the kubelet, in plaintext | the same module with the same policy |
//! | `to <workload>` | the application beside it, on loopback | nothing: the hop after it is mTLS with this workload's certificate |

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};
use meshward_harness::config::{
    AccessLog, Bootstrap, ClientCert, Cluster, DIR, DownstreamTls, Filter, Http, Listener, LogFormat, Node,
    Wasm,
};
use meshward_harness::ports::Reserved;
use serde_json::{Map, Value, json};

use super::identities::Identities;
use super::workload::Workload;

/// The access log of requests: one JSON object a line.
pub(super) const ACCESS_LOG: &str = "access";
/// The log of connections that TLS refused.
pub(super) const CONNECTION_LOG: &str = "connections";
/// What carries a call's number through every hop and into every log.
pub(super) const CALL_ID: &str = "x-request-id";

/// The ports of one workload, held until the end.
pub(super) struct Ports {
    inbound: Reserved,
    probe: Reserved,
    outbound: BTreeMap<Workload, Reserved>,
}

impl Ports {
    pub(super) fn reserve(workload: Workload) -> Result<Self> {
        let port = || Reserved::loopback().context("no free port on 127.0.0.1");
        let outbound = workload.calls().iter().map(|to| Ok((*to, port()?))).collect::<Result<_>>()?;
        Ok(Self { inbound: port()?, probe: port()?, outbound })
    }

    pub(super) fn inbound(&self) -> SocketAddr {
        self.inbound.address()
    }

    pub(super) fn probe(&self) -> SocketAddr {
        self.probe.address()
    }

    /// Where the application beside this Envoy sends what is meant for `to`.
    pub(super) fn towards(&self, to: Workload) -> Option<SocketAddr> {
        self.outbound.get(&to).map(Reserved::address)
    }
}

/// What one workload's configuration is made of.
pub(super) struct Sidecar<'a> {
    pub(super) workload: Workload,
    pub(super) ports: &'a BTreeMap<Workload, Ports>,
    pub(super) identities: &'a Identities,
    pub(super) module: &'a Path,
    /// The plugin's configuration.
    pub(super) policy: &'a str,
    /// The application beside this Envoy; the gateway has none.
    pub(super) application: Option<SocketAddr>,
}

impl Sidecar<'_> {
    /// The whole configuration.
    pub(super) fn bootstrap(&self) -> Result<Bootstrap> {
        let own = self.own_ports()?;
        let mut listeners = vec![self.inbound(own)?];
        if self.application.is_some() {
            listeners.push(self.guarded(Listener::on(own.probe()).named("probe")));
        }
        let mut clusters: Vec<Cluster> =
            self.application.map(|address| Cluster::plain("application", address)).into_iter().collect();
        for to in self.workload.calls() {
            clusters.push(self.cluster(*to)?);
            if let Some(address) = own.towards(*to).filter(|_| self.application.is_some()) {
                let name = format!("to {}", to.name());
                listeners.push(Listener::on(address).named(&name).route_to("/", to.name()));
            }
        }
        let mut bootstrap =
            Bootstrap::new(listeners).node(Node::workload(self.workload.namespace(), self.workload.name()));
        bootstrap.clusters = clusters;
        Ok(bootstrap)
    }

    fn inbound(&self, own: &Ports) -> Result<Listener> {
        let identity = self.identities.of_workload(self.workload).context("a workload has no certificate")?;
        let root_pem = self.identities.root_pem();
        let listener = Listener::on(own.inbound());
        let mut listener = self.guarded(match self.workload {
            Workload::Gateway => {
                let client_cert = ClientCert::Optional { root_pem: root_pem.to_owned() };
                listener.tls(DownstreamTls::new(identity, client_cert)).http(Http::default().normalizing())
            }
            Workload::Web => {
                listener.tls(DownstreamTls::mutual(identity, root_pem)).http(Http::default().normalizing())
            }
            Workload::Orders | Workload::Payments => listener.tls(DownstreamTls::mutual(identity, root_pem)),
        });
        listener.patch = json!({"access_log": [connection_log()]});
        Ok(listener)
    }

    /// With the module in the way and the application (the gateway: web) behind it.
    fn guarded(&self, listener: Listener) -> Listener {
        let upstream = if self.application.is_some() { "application" } else { Workload::Web.name() };
        listener
            .filter(Filter::Wasm(Wasm::new(self.module, self.policy)))
            .route_to("/", upstream)
            .access_log(access_log())
    }

    fn cluster(&self, to: Workload) -> Result<Cluster> {
        let identity = self.identities.of_workload(self.workload).context("a workload has no certificate")?;
        let there = self.ports.get(&to).context("a workload has no ports")?;
        let root_pem = self.identities.root_pem();
        Ok(Cluster::mtls(to.name(), there.inbound(), identity, root_pem, &to.spiffe()))
    }

    fn own_ports(&self) -> Result<&Ports> {
        self.ports.get(&self.workload).context("a workload has no ports")
    }
}

fn access_log() -> AccessLog {
    let fields = [
        ("call", "%REQ(X-REQUEST-ID)%"),
        ("code", "%RESPONSE_CODE%"),
        ("details", "%RESPONSE_CODE_DETAILS%"),
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
