//! Where the listeners of one workload are: on free ports of 127.0.0.1, or on the usual ones of its container.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result};
use meshward_harness::echo::Echo;
use meshward_harness::ports::Reserved;

use super::workload::Workload;

/// In a container: where other workloads come in.
pub(super) const INBOUND: u16 = 15_006;
/// In a container: where the kubelet comes in.
pub(super) const PROBE: u16 = 15_021;
/// In a container: where counters are read.
pub(super) const STATS: u16 = 15_090;
/// In a container: the admin interface, for the workload itself only.
const ADMIN: u16 = 15_000;
/// In a container: the application, for its own Envoy only.
const APPLICATION: u16 = 8080;
/// In a container: the application's way to others; one more for each.
const OUTBOUND: u16 = 15_001;

/// The addresses of one workload, as its own Envoy binds them.
pub(super) struct Places {
    pub(super) inbound: SocketAddr,
    pub(super) probe: SocketAddr,
    outbound: BTreeMap<Workload, SocketAddr>,
    /// The application beside this Envoy; the gateway has none.
    pub(super) application: Option<SocketAddr>,
    /// Set where the admin interface cannot be reached from outside.
    pub(super) stats: Option<Stats>,
    /// What the Envoys of other workloads connect to.
    pub(super) known_as: String,
    _held: Vec<Reserved>,
}

/// Counters for whoever watches, the rest for nobody.
pub(super) struct Stats {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
}

impl Places {
    /// Free ports of this machine, held until the end.
    pub(super) fn reserve(workload: Workload, application: Option<&Echo>) -> Result<Self> {
        let mut held = Vec::new();
        let mut port = || {
            let reserved = Reserved::loopback().context("no free port on 127.0.0.1")?;
            let address = reserved.address();
            held.push(reserved);
            anyhow::Ok(address)
        };
        let inbound = port()?;
        Ok(Self {
            inbound,
            probe: port()?,
            outbound: workload.calls().iter().map(|to| Ok((*to, port()?))).collect::<Result<_>>()?,
            application: application.map(Echo::address),
            stats: None,
            known_as: inbound.to_string(),
            _held: held,
        })
    }

    /// The ports of a container that has a network of its own. What only the workload may use is on its loopback.
    pub(super) fn of_container(workload: Workload) -> Self {
        let from_outside = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        let own = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let outbound = workload.calls().iter().zip(OUTBOUND..).map(|(to, port)| (*to, own(port)));
        Self {
            inbound: from_outside(INBOUND),
            probe: from_outside(PROBE),
            outbound: outbound.collect(),
            application: workload.has_application().then(|| own(APPLICATION)),
            stats: Some(Stats { listen: from_outside(STATS), admin: own(ADMIN) }),
            known_as: format!("{}:{INBOUND}", workload.name()),
            _held: Vec::new(),
        }
    }

    /// Where the application beside this Envoy sends what is meant for `to`.
    pub(super) fn towards(&self, to: Workload) -> Option<SocketAddr> {
        self.outbound.get(&to).copied()
    }

    /// All the ways out.
    pub(super) fn outbound(&self) -> impl Iterator<Item = (Workload, SocketAddr)> {
        self.outbound.iter().map(|(to, address)| (*to, *address))
    }
}
