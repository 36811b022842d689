//! The running mesh: five Envoys, four applications, the certificates of one run. Here as processes; see `containers` for the other way.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use meshward_harness::client::{Client, TlsOptions};
use meshward_harness::echo::Echo;
use meshward_harness::envoy::{Envoy, View};

use super::application::Application;
use super::containers::Containers;
use super::form::{Form, Part};
use super::identities::Identities;
use super::places::Places;
use super::plugin;
use super::script::{Call, How};
use super::services::{Addresses, Services};
use super::sidecar::Sidecar;
use super::workload::Workload;

/// What a mesh is started from.
pub(super) struct Parts<'a> {
    /// Envoy's binary.
    pub(super) envoy: &'a Path,
    /// The folder of the modules.
    pub(super) modules: &'a Path,
    /// One module or many.
    pub(super) form: Form,
    /// Where certificates, configurations and logs go.
    pub(super) dir: &'a Path,
    /// Whether one rule is taken out.
    pub(super) sabotage: bool,
}

/// A mesh that takes calls; dropping it ends it.
pub(super) struct Mesh {
    pub(super) identities: Identities,
    pub(super) services: Services,
    pub(super) dir: PathBuf,
    pub(super) members: BTreeMap<Workload, Member>,
    /// Where the members are containers.
    pub(super) containers: Option<Containers>,
}

/// One workload with its Envoy and its application.
pub(super) struct Member {
    pub(super) proxy: Proxy,
    pub(super) places: Places,
    pub(super) ways: Ways,
    pub(super) application: Option<Application>,
    /// What its module was configured with: the whole of it, where there are many.
    pub(super) policy: String,
}

/// How one Envoy runs.
pub(super) enum Proxy {
    /// As a process of ours.
    Process(Envoy),
    /// In a container.
    Container(View),
}

/// The addresses at which the script's callers reach a workload.
pub(super) struct Ways {
    pub(super) inbound: SocketAddr,
    pub(super) probe: SocketAddr,
    pub(super) outbound: BTreeMap<Workload, SocketAddr>,
}

impl Member {
    /// What can be seen of its Envoy.
    pub(super) fn envoy(&self) -> &View {
        match &self.proxy {
            Proxy::Process(envoy) => envoy,
            Proxy::Container(view) => view,
        }
    }
}

impl Mesh {
    /// Mints certificates and starts all Envoys side by side.
    pub(super) fn start(parts: &Parts<'_>) -> Result<Self> {
        let identities = Identities::mint()?;
        identities.write_to(&parts.dir.join("certs"))?;
        let services = Services::start(parts.dir)?;
        let mut applications = BTreeMap::new();
        let mut places = BTreeMap::new();
        for workload in Workload::ALL {
            let application = workload.has_application().then(Echo::start).transpose();
            let application = application.context("could not start an application on 127.0.0.1")?;
            places.insert(workload, Places::reserve(workload, application.as_ref())?);
            applications.insert(workload, application);
        }
        let started = std::thread::scope(|scope| {
            let (identities, places, services) = (&identities, &places, &services.addresses);
            let threads: Vec<_> = Workload::ALL
                .into_iter()
                .map(|workload| {
                    (workload, scope.spawn(move || start(parts, workload, identities, places, services)))
                })
                .collect();
            threads
                .into_iter()
                .map(|(workload, thread)| {
                    let done = thread.join().unwrap_or_else(|_| Err(anyhow!("its thread stopped")));
                    Ok((workload, done.with_context(|| format!("`{}` did not start", workload.name()))?))
                })
                .collect::<Result<BTreeMap<_, _>>>()
        })?;
        let parts_of_members = places.into_iter().zip(started.into_values()).zip(applications.into_values());
        let members = parts_of_members.map(|(((workload, places), (envoy, policy)), application)| {
            let outbound = places.outbound().collect();
            let ways = Ways { inbound: places.inbound, probe: places.probe, outbound };
            let application = application.map(Application::Here);
            (workload, Member { proxy: Proxy::Process(envoy), places, ways, application, policy })
        });
        let (dir, members) = (parts.dir.to_owned(), members.collect());
        Ok(Self { identities, services, dir, members, containers: None })
    }

    /// A workload of the mesh.
    pub(super) fn member(&self, workload: Workload) -> Result<&Member> {
        self.members.get(&workload).with_context(|| format!("`{}` does not run", workload.name()))
    }

    /// How many requests have arrived at any application.
    pub(super) fn arrived(&self) -> u64 {
        let applications = self.members.values().filter_map(|member| member.application.as_ref());
        applications.map(Application::count).fold(0, u64::saturating_add)
    }

    /// The address that a call is sent to.
    pub(super) fn address(&self, call: &Call) -> Result<SocketAddr> {
        let to = &self.member(call.to)?.ways;
        match (call.how, call.from) {
            (How::Sidecar, super::workload::Caller::Of(from)) => {
                let own = &self.member(from)?.ways;
                own.outbound
                    .get(&call.to)
                    .copied()
                    .with_context(|| format!("`{}` does not call there", from.name()))
            }
            (How::ProbePort, _) => Ok(to.probe),
            _ => Ok(to.inbound),
        }
    }

    /// A client that makes the call in its way, on a connection of its own.
    pub(super) fn client(&self, call: &Call) -> Result<Client> {
        let address = self.address(call)?;
        let options = match call.how {
            How::Sidecar | How::Plaintext | How::ProbePort => return Ok(Client::plain(address)),
            How::NoCert => TlsOptions::anonymous(),
            How::OwnCert | How::ForeignCa => {
                let identity = self.identities.of(call.from);
                TlsOptions::presenting(identity.context("a caller has no certificate to present")?)
            }
            How::Expired => TlsOptions::presenting(self.identities.expired()),
        };
        let mut options = options.trusting(self.identities.root_pem());
        call.to.host().clone_into(&mut options.server_name);
        Ok(Client::tls(address, &options)?)
    }
}

fn start(
    parts: &Parts<'_>,
    workload: Workload,
    identities: &Identities,
    places: &BTreeMap<Workload, Places>,
    services: &Addresses,
) -> Result<(Envoy, String)> {
    let policy = plugin::configuration(workload, parts.sabotage)?;
    let filters: Vec<Part> = parts.form.parts(&policy)?;
    let sidecar =
        Sidecar { workload, places, identities, services, modules: parts.modules, filters: &filters };
    let builder =
        Envoy::builder(parts.envoy).bootstrap(&sidecar.bootstrap()?).dir(&parts.dir.join(workload.name()));
    Ok((builder.start()?, policy))
}
