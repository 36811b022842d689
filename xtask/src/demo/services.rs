//! What is beside the mesh: the issuer of tokens and the collector of events. Both leave what they know in files, so that it is all
//! the same whether they run in this process or in containers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use meshward_harness::collector::{Collector, Received};
use meshward_harness::upstream::HttpUpstream;

use super::issuer::Issuer;

/// The issuer's name: of its folder, its service and its cluster.
pub(super) const ISSUER: &str = "issuer";
/// The collector's name: of its folder, its service and its cluster.
pub(super) const COLLECTOR: &str = "collector";
/// In a container: where the issuer listens.
const ISSUER_PORT: u16 = 8080;
/// In a container: where the collector listens.
const COLLECTOR_PORT: u16 = 4318;
/// What the collector has received, in its folder.
const RECORDS: &str = "records.jsonl";

/// Both.
pub(super) struct Services {
    pub(super) issuer: Issuer,
    pub(super) addresses: Addresses,
    records: PathBuf,
    _running: Option<(HttpUpstream, Collector)>,
}

/// Where Envoys find them.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    pub(super) issuer: String,
    pub(super) collector: String,
}

impl Services {
    /// Starts both on free ports of 127.0.0.1, with their files below `dir`.
    pub(super) fn start(dir: &Path) -> Result<Self> {
        let (issuer, records) = prepare(dir)?;
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let serving = HttpUpstream::serving(loopback, &dir.join(ISSUER)).context("no issuer on 127.0.0.1")?;
        let collector = Collector::listen(loopback, &records).context("no collector on 127.0.0.1")?;
        let addresses =
            Addresses { issuer: serving.address().to_string(), collector: collector.address().to_string() };
        Ok(Self { issuer, addresses, records, _running: Some((serving, collector)) })
    }

    /// Prepares what their containers serve and write, below `dir`.
    pub(super) fn in_containers(dir: &Path) -> Result<Self> {
        let (issuer, records) = prepare(dir)?;
        let addresses = Addresses {
            issuer: format!("{ISSUER}:{ISSUER_PORT}"),
            collector: format!("{COLLECTOR}:{COLLECTOR_PORT}"),
        };
        Ok(Self { issuer, addresses, records, _running: None })
    }

    /// What the collector has received so far.
    pub(super) fn received(&self) -> Result<Vec<Received>> {
        Collector::read(&self.records).with_context(|| format!("could not read {}", self.records.display()))
    }
}

fn prepare(dir: &Path) -> Result<(Issuer, PathBuf)> {
    let folder = dir.join(COLLECTOR);
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    Ok((Issuer::found(&dir.join(ISSUER))?, folder.join(RECORDS)))
}
