//! The running mesh: four Envoys, three applications, the certificates of one run.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use meshward_harness::client::{Client, TlsOptions};
use meshward_harness::echo::Echo;
use meshward_harness::envoy::Envoy;

use super::identities::Identities;
use super::plugin;
use super::script::{Call, How};
use super::sidecar::{Ports, Sidecar};
use super::workload::Workload;

/// What a mesh is started from.
pub(super) struct Parts<'a> {
    /// Envoy's binary.
    pub(super) envoy: &'a Path,
    /// `authz.wasm`.
    pub(super) module: &'a Path,
    /// Where certificates, configurations and logs go.
    pub(super) dir: &'a Path,
    /// Whether one rule is taken out.
    pub(super) sabotage: bool,
}

/// A mesh that takes calls; dropping it ends it.
pub(super) struct Mesh {
    pub(super) identities: Identities,
    pub(super) dir: PathBuf,
    members: BTreeMap<Workload, Member>,
}

/// One workload with its Envoy and its application.
pub(super) struct Member {
    pub(super) envoy: Envoy,
    pub(super) ports: Ports,
    pub(super) application: Option<Echo>,
    /// What its module was configured with.
    pub(super) policy: String,
}

impl Mesh {
    /// Mints certificates and starts all Envoys side by side.
    pub(super) fn start(parts: &Parts<'_>) -> Result<Self> {
        let identities = Identities::mint()?;
        identities.write_to(&parts.dir.join("certs"))?;
        let ports = Workload::ALL
            .into_iter()
            .map(|workload| Ok((workload, Ports::reserve(workload)?)))
            .collect::<Result<BTreeMap<_, _>>>()?;
        let started = std::thread::scope(|scope| {
            let (identities, ports) = (&identities, &ports);
            let threads: Vec<_> = Workload::ALL
                .into_iter()
                .map(|workload| (workload, scope.spawn(move || start(parts, workload, identities, ports))))
                .collect();
            threads
                .into_iter()
                .map(|(workload, thread)| {
                    let done = thread.join().unwrap_or_else(|_| Err(anyhow!("its thread stopped")));
                    Ok((workload, done.with_context(|| format!("`{}` did not start", workload.name()))?))
                })
                .collect::<Result<BTreeMap<_, _>>>()
        })?;
        let members = ports.into_iter().zip(started.into_values()).map(|((workload, ports), started)| {
            let (envoy, application, policy) = started;
            (workload, Member { envoy, ports, application, policy })
        });
        Ok(Self { identities, dir: parts.dir.to_owned(), members: members.collect() })
    }

    /// A workload of the mesh.
    pub(super) fn member(&self, workload: Workload) -> Result<&Member> {
        self.members.get(&workload).with_context(|| format!("`{}` does not run", workload.name()))
    }

    /// How many requests have arrived at any application.
    pub(super) fn arrived(&self) -> u64 {
        let applications = self.members.values().filter_map(|member| member.application.as_ref());
        applications.map(Echo::count).fold(0, u64::saturating_add)
    }

    /// The address that a call is sent to.
    pub(super) fn address(&self, call: &Call) -> Result<SocketAddr> {
        let to = &self.member(call.to)?.ports;
        match (call.how, call.from) {
            (How::Sidecar, super::workload::Caller::Of(from)) => {
                let own = &self.member(from)?.ports;
                own.towards(call.to).with_context(|| format!("`{}` does not call there", from.name()))
            }
            (How::ProbePort, _) => Ok(to.probe()),
            _ => Ok(to.inbound()),
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

type Started = (Envoy, Option<Echo>, String);

fn start(
    parts: &Parts<'_>,
    workload: Workload,
    identities: &Identities,
    ports: &BTreeMap<Workload, Ports>,
) -> Result<Started> {
    let application = match workload {
        Workload::Gateway => None,
        Workload::Web | Workload::Orders | Workload::Payments => {
            Some(Echo::start().context("could not start an application on 127.0.0.1")?)
        }
    };
    let policy = plugin::configuration(workload, parts.sabotage)?;
    let sidecar = Sidecar {
        workload,
        ports,
        identities,
        module: parts.module,
        policy: &policy,
        application: application.as_ref().map(Echo::address),
    };
    let builder =
        Envoy::builder(parts.envoy).bootstrap(&sidecar.bootstrap()?).dir(&parts.dir.join(workload.name()));
    Ok((builder.start()?, application, policy))
}
