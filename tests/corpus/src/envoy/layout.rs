//! Which listener serves which case.
//!
//! A policy may speak of ports, and a fixed port may be taken on the machine that runs the tests. So each port of the corpus
//! stands for a reserved one, and the policy that Envoy gets names that one instead: in `ports`, `notPorts` and the values of
//! `destination.port`, nowhere else. All listeners of one port have loopback addresses of their own.

use super::failed;
use crate::CorpusError;
use crate::case::{Caller, Case, Policy, Transport};
use meshward_harness::certs::{Ca, Identity, Leaf};
use meshward_harness::client::{Client, TlsOptions};
use meshward_harness::config::{
    AccessLog, Bootstrap, ClientCert, Cluster, DownstreamTls, Filter, Http, Listener, LogFormat, Node, Wasm,
};
use meshward_harness::echo::Echo;
use meshward_harness::ports::Reserved;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The header in which a waypoint's caller comes; it is taken off before the module sees the request.
const PEER_HEADER: &str = "x-corpus-peer";
/// The access log's name.
pub(super) const ACCESS_LOG: &str = "access";
const UPSTREAM: &str = "echo";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    policy: Arc<Policy>,
    transport: Transport,
    port: u16,
}

impl Key {
    fn of(case: &Case) -> Self {
        Self { policy: Arc::clone(&case.policy), transport: case.transport, port: case.port }
    }
}

/// Listeners, certificates and the upstream.
pub(super) struct Layout {
    module: PathBuf,
    addresses: BTreeMap<Key, SocketAddr>,
    ports: BTreeMap<u16, Reserved>,
    mesh: Ca,
    foreign: Ca,
    server: Identity,
    issued: RefCell<BTreeMap<(Caller, bool), Identity>>,
    echo: Echo,
}

impl Layout {
    pub(super) fn new(module: &Path, cases: &[Case]) -> Result<Self, CorpusError> {
        let mut keys: BTreeMap<u16, Vec<Key>> = BTreeMap::new();
        for case in cases {
            let of_port = keys.entry(case.port).or_default();
            let key = Key::of(case);
            if !of_port.contains(&key) {
                of_port.push(key);
            }
        }
        let mut addresses = BTreeMap::new();
        let mut ports = BTreeMap::new();
        for (port, keys) in keys {
            let count = u8::try_from(keys.len()).map_err(|error| failed(&error))?;
            let reserved = Reserved::loopbacks(count).map_err(|error| failed(&error))?;
            addresses.extend(keys.into_iter().zip(reserved.addresses()));
            ports.insert(port, reserved);
        }
        let mesh = Ca::new("mesh").map_err(|error| failed(&error))?;
        let leaf = Leaf::uri("spiffe://cluster.local/ns/shop/sa/orders").and_dns("meshward.test");
        Ok(Self {
            module: module.to_owned(),
            addresses,
            ports,
            server: mesh.issue(&leaf).map_err(|error| failed(&error))?,
            mesh,
            foreign: Ca::new("foreign").map_err(|error| failed(&error))?,
            issued: RefCell::default(),
            echo: Echo::start().map_err(|error| failed(&error))?,
        })
    }

    pub(super) fn bootstrap(&self) -> Result<Bootstrap, CorpusError> {
        let listeners = self.addresses.iter().enumerate();
        let listeners = listeners.map(|(number, (key, address))| self.listener(number, key, *address));
        let bootstrap = Bootstrap::new(listeners.collect::<Result<Vec<_>, _>>()?);
        let upstream = Cluster::plain(UPSTREAM, self.echo.address());
        Ok(bootstrap.node(Node::workload("shop", "orders")).cluster(upstream))
    }

    /// A new connection for a case; it is made with the first request.
    pub(super) fn client(&self, case: &Case) -> Result<Client, CorpusError> {
        let address = self.addresses.get(&Key::of(case)).copied();
        let address =
            address.ok_or_else(|| CorpusError::new(&case.name, "no listener; a fault of the runner"))?;
        let foreign = match case.transport {
            Transport::Plaintext | Transport::Waypoint => return Ok(Client::plain(address)),
            Transport::Tls => false,
            Transport::TlsUntrusted => true,
        };
        let options = match &case.peer {
            Caller::Nameless => TlsOptions::anonymous(),
            Caller::Named(name) => TlsOptions::presenting(&self.identity(&case.peer, name, foreign)?),
        };
        let options = options.trusting(self.mesh.root_pem()).resumption(false);
        Client::tls(address, &options).map_err(|error| failed(&error))
    }

    /// What a request carries so that the waypoint's caller is known.
    pub(super) fn peer_header(case: &Case) -> Option<(&'static str, &[u8])> {
        match (&case.peer, case.transport) {
            (Caller::Named(name), Transport::Waypoint) => Some((PEER_HEADER, name)),
            (Caller::Named(_) | Caller::Nameless, _) => None,
        }
    }

    /// How many requests the upstream has seen.
    pub(super) fn upstream_count(&self) -> u64 {
        self.echo.count()
    }

    fn identity(&self, peer: &Caller, name: &[u8], foreign: bool) -> Result<Identity, CorpusError> {
        let key = (peer.clone(), foreign);
        if let Some(identity) = self.issued.borrow().get(&key) {
            return Ok(identity.clone());
        }
        let ca = if foreign { &self.foreign } else { &self.mesh };
        let identity = ca.issue(&Leaf::uri(name)).map_err(|error| failed(&error))?;
        self.issued.borrow_mut().insert(key, identity.clone());
        Ok(identity)
    }

    fn listener(&self, number: usize, key: &Key, address: SocketAddr) -> Result<Listener, CorpusError> {
        let root_pem = self.mesh.root_pem().to_owned();
        let tls = |rule| DownstreamTls::new(&self.server, rule).without_resumption();
        let listener =
            Listener::on(address).named(&format!("listener-{number}")).http(http()).access_log(access_log());
        let listener = match key.transport {
            Transport::Tls => listener.tls(tls(ClientCert::Optional { root_pem })),
            Transport::TlsUntrusted => {
                listener.tls(tls(ClientCert::AcceptUntrusted { root_pem, required: false }))
            }
            Transport::Plaintext => listener,
            Transport::Waypoint => listener.filter(Filter::peer_principal_from_header(PEER_HEADER)),
        };
        let configuration = self.with_reserved_ports(&key.policy)?;
        let wasm = Filter::Wasm(Wasm::new(&self.module, &configuration));
        Ok(listener.filter(wasm).route_to("/", UPSTREAM))
    }

    fn with_reserved_ports(&self, policy: &Policy) -> Result<String, CorpusError> {
        let mut value: Value =
            serde_json::from_str(&policy.json).map_err(|error| CorpusError::new(&policy.name, error))?;
        self.replace_ports(&mut value);
        Ok(value.to_string())
    }

    fn replace_ports(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let of_port = fields.get("key").and_then(Value::as_str) == Some("destination.port");
                for (name, value) in fields {
                    let ports = matches!(name.as_str(), "ports" | "notPorts")
                        || of_port && matches!(name.as_str(), "values" | "notValues");
                    match value.as_array_mut().filter(|_| ports) {
                        Some(values) => values.iter_mut().for_each(|value| self.replace_port(value)),
                        None => self.replace_ports(value),
                    }
                }
            }
            Value::Array(values) => values.iter_mut().for_each(|value| self.replace_ports(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn replace_port(&self, value: &mut Value) {
        let port = value.as_str().and_then(|text| text.parse::<u16>().ok());
        if let Some(reserved) = port.and_then(|port| self.ports.get(&port)) {
            *value = json!(reserved.port().to_string());
        }
    }
}

/// Our request IDs are kept, any method comes through, and no path is rewritten: the module meets what was sent.
fn http() -> Http {
    let patch = json!({
        "generate_request_id": false,
        "preserve_external_request_id": true,
        "http_protocol_options": {"allow_custom_methods": true},
    });
    Http { patch, ..Http::default() }
}

fn access_log() -> AccessLog {
    let fields =
        [("id", "%REQ(X-REQUEST-ID)%"), ("code", "%RESPONSE_CODE%"), ("details", "%RESPONSE_CODE_DETAILS%")];
    let fields: Map<String, Value> =
        fields.into_iter().map(|(name, format)| (name.to_owned(), json!(format))).collect();
    AccessLog { name: ACCESS_LOG.to_owned(), format: LogFormat::Json(fields) }
}
