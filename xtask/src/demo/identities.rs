//! The throw-away authority and the certificates of one run: minted in memory, written below `.work/demo/certs` for curl.

use std::path::Path;

use anyhow::{Context, Result};
use meshward_harness::certs::{Ca, Identity, Leaf};

use super::workload::{Caller, Workload};

/// Everybody's certificates.
pub(super) struct Identities {
    ca: Ca,
    workloads: Vec<(Workload, Identity)>,
    reports: Identity,
    scraper: Identity,
    console: Identity,
    foreign: Identity,
    expired: Identity,
}

impl Identities {
    /// Mints them. The authority's key is never written anywhere.
    pub(super) fn mint() -> Result<Self> {
        let ca = Ca::new("mesh.local throw-away root")?;
        let foreign_ca = Ca::new("somebody else's root")?;
        let issue = |leaf: &Leaf| ca.issue(leaf).context("could not issue a certificate");
        let workloads = Workload::ALL
            .into_iter()
            .map(|workload| {
                let leaf = Leaf::uri(workload.spiffe()).common_name(workload.name()).and_dns(workload.host());
                Ok((workload, issue(&leaf)?))
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            workloads,
            reports: issue(&leaf_of(Caller::Reports))?,
            scraper: issue(&leaf_of(Caller::Scraper))?,
            console: issue(&leaf_of(Caller::Console))?,
            expired: issue(&leaf_of(Caller::Of(Workload::Web)).expired())?,
            foreign: foreign_ca.issue(&leaf_of(Caller::Mallory))?,
            ca,
        })
    }

    /// The root that everybody in the mesh believes.
    pub(super) fn root_pem(&self) -> &str {
        self.ca.root_pem()
    }

    /// The certificate of a workload.
    pub(super) fn of_workload(&self, wanted: Workload) -> Option<&Identity> {
        self.workloads.iter().find(|(workload, _)| *workload == wanted).map(|(_, identity)| identity)
    }

    /// The good certificate that a caller holds, or mallory's.
    pub(super) fn of(&self, caller: Caller) -> Option<&Identity> {
        match caller {
            Caller::Customer | Caller::Kubelet => None,
            Caller::Mallory => Some(&self.foreign),
            Caller::Of(workload) => self.of_workload(workload),
            Caller::Reports => Some(&self.reports),
            Caller::Scraper => Some(&self.scraper),
            Caller::Console => Some(&self.console),
        }
    }

    /// The stale certificate of web.
    pub(super) fn expired(&self) -> &Identity {
        &self.expired
    }

    /// Writes root, certificates and keys into `dir`.
    pub(super) fn write_to(&self, dir: &Path) -> Result<()> {
        let fail = || format!("could not write certificates to {}", dir.display());
        std::fs::create_dir_all(dir).with_context(fail)?;
        self.ca.write_to(dir, "root").with_context(fail)?;
        let workloads = self.workloads.iter().map(|(workload, identity)| (workload.name(), identity));
        let others = [
            ("reports", &self.reports),
            ("scraper", &self.scraper),
            ("console", &self.console),
            ("foreign", &self.foreign),
            ("expired", &self.expired),
        ];
        for (name, identity) in workloads.chain(others) {
            identity.write_to(dir, name).with_context(fail)?;
        }
        Ok(())
    }
}

fn leaf_of(caller: Caller) -> Leaf {
    Leaf::uri(caller.spiffe().unwrap_or_default()).common_name(caller.name())
}
