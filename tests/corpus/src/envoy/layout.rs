//! Which listener serves which case.
//!
//! All listeners of one port have loopback addresses of their own. Those of a case that remembers are its own.

use super::failed;
use super::names::Names;
use crate::CorpusError;
use crate::case::{Caller, Case, Named, Normalization, Planted, Policy, Reply, Transport};
use crate::engines::Modules;
use crate::planter;
use crate::played::{Form, Link, Which};
use meshward_harness::certs::{Ca, Identity, Leaf};
use meshward_harness::client::{Client, TlsOptions};
use meshward_harness::config::{
    AccessLog, Bootstrap, ClientCert, Cluster, DownstreamTls, Filter, Http, Listener, LogFormat, Node, Wasm,
};
use meshward_harness::echo::Echo;
use meshward_harness::ports::Reserved;
use meshward_harness::upstream::{HttpUpstream, Reply as Scripted};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// The header in which a waypoint's caller comes; it is taken off before the module sees the request.
const PEER_HEADER: &str = "x-corpus-peer";
/// The access log's name.
pub(super) const ACCESS_LOG: &str = "access";
const UPSTREAM: &str = "echo";

/// How many listeners share a port; each has a loopback address of its own.
const LISTENERS_A_PORT: usize = 200;
/// The root ID, and the VM, of plugins that remember nothing, and so are many cases' at once.
const COMMON: &str = "meshward";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    policy: Arc<Policy>,
    transport: Transport,
    normalization: Normalization,
    port: u16,
    /// The case that has the listener for itself.
    own: Option<String>,
}

impl Key {
    fn of(case: &Case) -> Self {
        let own = case.remembers() || case.is_about_a_chain();
        Self {
            policy: Arc::clone(&case.policy),
            transport: case.transport,
            normalization: case.normalization,
            port: case.port,
            own: own.then(|| case.name.clone()),
        }
    }
}

/// What is known of a listener.
struct Place {
    address: SocketAddr,
    /// Which of the ports it is that stand for the case's.
    group: usize,
    root: String,
    vm: String,
    /// What the clusters that the policy names are called here.
    clusters: BTreeMap<String, String>,
    links: Vec<Link>,
    /// What another plugin writes where the handover belongs.
    planted: Option<Planted>,
}

/// Which certificate: its URI name, its other names, and whether the foreign authority issued it.
type Certificate = (Caller, Option<Named>, bool);

/// Listeners, certificates and the upstreams.
pub(super) struct Layout {
    modules: Modules,
    places: BTreeMap<Key, Place>,
    ports: BTreeMap<(u16, usize), Reserved>,
    /// By the clusters' names.
    servers: Vec<(String, HttpUpstream)>,
    mesh: Ca,
    foreign: Ca,
    server: Identity,
    issued: RefCell<BTreeMap<Certificate, Identity>>,
    echo: Echo,
}

impl Layout {
    pub(super) fn new(modules: &Modules, form: Form, cases: &[&Case]) -> Result<Self, CorpusError> {
        let mut keys: BTreeMap<u16, Vec<(Key, &Case)>> = BTreeMap::new();
        for case in cases {
            let of_port = keys.entry(case.port).or_default();
            let key = Key::of(case);
            if !of_port.iter().any(|(known, _)| *known == key) {
                of_port.push((key, case));
            }
        }
        let mut vms = Vms::default();
        let (mut places, mut ports, mut servers) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (port, keys) in keys {
            for (group, keys) in keys.chunks(LISTENERS_A_PORT).enumerate() {
                let count = u8::try_from(keys.len()).map_err(|error| failed(&error))?;
                let reserved = Reserved::loopbacks(count).map_err(|error| failed(&error))?;
                for ((key, case), address) in keys.iter().zip(reserved.addresses()) {
                    let links = case.chain(form).map_err(|refusal| failed(&refusal))?;
                    let own = key.own.as_ref().map(|_| places.len());
                    let root = own.map_or_else(|| COMMON.to_owned(), |number| format!("case-{number}"));
                    let clusters = serve(case, &root, &mut servers)?;
                    let (vm, planted) = (vms.of(case), case.planted.clone());
                    let place = Place { address, group, root, vm, clusters, links, planted };
                    places.insert(key.clone(), place);
                }
                ports.insert((port, group), reserved);
            }
        }
        let mesh = Ca::new("mesh").map_err(|error| failed(&error))?;
        let leaf = Leaf::uri("spiffe://cluster.local/ns/shop/sa/orders").and_dns("meshward.test");
        Ok(Self {
            modules: modules.clone(),
            places,
            ports,
            servers,
            server: mesh.issue(&leaf).map_err(|error| failed(&error))?,
            mesh,
            foreign: Ca::new("foreign").map_err(|error| failed(&error))?,
            issued: RefCell::default(),
            echo: Echo::start().map_err(|error| failed(&error))?,
        })
    }

    pub(super) fn bootstrap(&self, node: &meshward_model::Node) -> Result<Bootstrap, CorpusError> {
        let listeners = self.places.iter().enumerate();
        let listeners = listeners.map(|(number, (key, place))| self.listener(number, key, place));
        let bootstrap = Bootstrap::new(listeners.collect::<Result<Vec<_>, _>>()?);
        let upstream = Cluster::plain(UPSTREAM, self.echo.address());
        let bootstrap = bootstrap.node(proxys_node(node)).cluster(upstream);
        let servers = self.servers.iter();
        Ok(servers.fold(bootstrap, |bootstrap, (name, server)| {
            bootstrap.cluster(Cluster::plain(name, server.address()))
        }))
    }

    /// A new connection for a case; it is made with the first request.
    pub(super) fn client(&self, case: &Case) -> Result<Client, CorpusError> {
        let address = self.places.get(&Key::of(case)).map(|place| place.address);
        let address =
            address.ok_or_else(|| CorpusError::new(&case.name, "no listener; a fault of the runner"))?;
        let foreign = match case.transport {
            Transport::Plaintext | Transport::Waypoint => return Ok(Client::plain(address)),
            Transport::Tls => false,
            Transport::TlsUntrusted => true,
        };
        let options = match &case.peer {
            Caller::Nameless => TlsOptions::anonymous(),
            Caller::Named(_) | Caller::Unnamed => TlsOptions::presenting(&self.identity(case, foreign)?),
        };
        let options = options.trusting(self.mesh.root_pem()).resumption(false);
        Client::tls(address, &options).map_err(|error| failed(&error))
    }

    /// The root ID of the plugins that decide a case.
    pub(super) fn root(&self, case: &Case) -> String {
        self.places.get(&Key::of(case)).map(|place| place.root.clone()).unwrap_or_default()
    }

    /// What a request carries so that the waypoint's caller is known.
    pub(super) fn peer_header(case: &Case) -> Option<(&'static str, &[u8])> {
        match (&case.peer, case.transport) {
            (Caller::Named(name), Transport::Waypoint) => Some((PEER_HEADER, name)),
            (Caller::Named(_) | Caller::Nameless | Caller::Unnamed, _) => None,
        }
    }

    /// How many requests the upstream has seen.
    pub(super) fn upstream_count(&self) -> u64 {
        self.echo.count()
    }

    fn identity(&self, case: &Case, foreign: bool) -> Result<Identity, CorpusError> {
        let key = (case.peer.clone(), case.named.clone(), foreign);
        if let Some(identity) = self.issued.borrow().get(&key) {
            return Ok(identity.clone());
        }
        let ca = if foreign { &self.foreign } else { &self.mesh };
        let leaf = match &case.peer {
            Caller::Nameless | Caller::Unnamed => Leaf::nameless(),
            Caller::Named(name) => Leaf::uri(name.as_slice()),
        };
        let names = case.named.iter();
        let leaf = names.clone().flat_map(|named| &named.dns).fold(leaf, |leaf, name| leaf.and_dns(name));
        let leaf = names.flat_map(|named| &named.common_name).fold(leaf, |leaf, name| leaf.common_name(name));
        let identity = ca.issue(&leaf).map_err(|error| failed(&error))?;
        self.issued.borrow_mut().insert(key, identity.clone());
        Ok(identity)
    }

    fn listener(&self, number: usize, key: &Key, place: &Place) -> Result<Listener, CorpusError> {
        let root_pem = self.mesh.root_pem().to_owned();
        let tls = |rule| DownstreamTls::new(&self.server, rule).without_resumption();
        let listener = Listener::on(place.address).named(&format!("listener-{number}"));
        let listener = listener.http(http(key.normalization)).access_log(access_log());
        let mut listener = match key.transport {
            Transport::Tls => listener.tls(tls(ClientCert::Optional { root_pem })),
            Transport::TlsUntrusted => {
                listener.tls(tls(ClientCert::AcceptUntrusted { root_pem, required: false }))
            }
            Transport::Plaintext => listener,
            Transport::Waypoint => listener.filter(Filter::peer_principal_from_header(PEER_HEADER)),
        };
        for (at, link) in place.links.iter().enumerate() {
            let module = self.modules.of(link.which.module()).map_err(|remedy| failed(&remedy))?;
            let planted = place.planted.as_ref().filter(|one| Which::Apart(one.before) == link.which);
            if let Some(planted) = planted {
                let module = self.modules.of(planter::MODULE).map_err(|remedy| failed(&remedy))?;
                let wasm = Wasm::new(&module, &planter::script(&planted.bytes));
                listener = listener.filter(Filter::Wasm(Wasm { name: planter::MODULE.to_owned(), ..wasm }));
            }
            let names = Names { ports: &self.ports, group: place.group, clusters: &place.clusters };
            let configuration = names.replaced(&link.configuration).map_err(|error| failed(&error))?;
            let mut wasm = Wasm::new(&module, &configuration);
            wasm.name = format!("{}-{at}", link.which.name());
            wasm.root_id.clone_from(&place.root);
            wasm.vm_id.clone_from(&place.vm);
            listener = listener.filter(Filter::Wasm(wasm));
        }
        Ok(listener.route_to("/", UPSTREAM))
    }
}

fn proxys_node(node: &meshward_model::Node) -> Node {
    let proxy = Node { id: node.id.clone(), ..Node::workload(&node.namespace, &node.workload) };
    match &node.labels {
        Some(labels) => proxy.labelled(labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        None => proxy,
    }
}

/// Which VM a case's plugins run in: cases whose callers meet in the shared data have different ones.
#[derive(Default)]
struct Vms {
    used: BTreeMap<Caller, usize>,
}

impl Vms {
    fn of(&mut self, case: &Case) -> String {
        if !case.shares() {
            return COMMON.to_owned();
        }
        let used = self.used.entry(case.peer.clone()).or_default();
        *used += 1;
        if *used == 1 { COMMON.to_owned() } else { format!("{COMMON}-{used}") }
    }
}

/// Starts the servers of a case, and says what their clusters are called.
fn serve(
    case: &Case,
    root: &str,
    servers: &mut Vec<(String, HttpUpstream)>,
) -> Result<BTreeMap<String, String>, CorpusError> {
    let mut clusters = BTreeMap::new();
    for server in &case.servers {
        let name = format!("{}-{root}", server.cluster);
        if !clusters.contains_key(&server.cluster) {
            clusters.insert(server.cluster.clone(), name.clone());
            servers.push((name, HttpUpstream::start().map_err(|error| failed(&error))?));
        }
        let Some((_, upstream)) = servers.last() else { continue };
        let reply = |reply: &Reply| match reply {
            Reply::Answer { status, body } => Scripted::status(*status).body(body.clone()),
            Reply::Reset => Scripted::reset(),
            Reply::Never => Scripted::never(),
        };
        if let Some((last, before)) = server.answers.split_last() {
            before.iter().for_each(|answer| upstream.once(&server.path, reply(answer)));
            upstream.always(&server.path, reply(last));
        }
    }
    Ok(clusters)
}

/// Our request IDs are kept, any method comes through, and paths are rewritten as istiod has them rewritten.
fn http(normalization: Normalization) -> Http {
    let patch = json!({
        "generate_request_id": false,
        "preserve_external_request_id": true,
        "http_protocol_options": {"allow_custom_methods": true},
    });
    let escaped = match normalization {
        Normalization::None | Normalization::Base | Normalization::MergeSlashes => "KEEP_UNCHANGED",
        Normalization::DecodeAndMergeSlashes => "UNESCAPE_AND_FORWARD",
    };
    Http {
        patch,
        normalize_path: Some(normalization > Normalization::None),
        merge_slashes: Some(normalization > Normalization::Base),
        path_with_escaped_slashes_action: Some(escaped.to_owned()),
        ..Http::default()
    }
}

fn access_log() -> AccessLog {
    let fields = [
        ("id", "%REQ(X-REQUEST-ID)%"),
        ("code", "%RESPONSE_CODE%"),
        ("details", "%RESPONSE_CODE_DETAILS%"),
        ("path", "%REQ(:PATH)%"),
    ];
    let fields: Map<String, Value> =
        fields.into_iter().map(|(name, format)| (name.to_owned(), json!(format))).collect();
    AccessLog { name: ACCESS_LOG.to_owned(), format: LogFormat::Json(fields) }
}
