//! The mesh as containers: `envoy/compose.yaml` brought up with what a run mints, and taken down again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::DIR;
use meshward_harness::envoy::View;
use meshward_harness::poll;
use sha2::{Digest, Sha256};

use super::application::Application;
use super::bridge::{Bridge, Inside};
use super::identities::Identities;
use super::images::Images;
use super::mesh::{Member, Mesh, Parts, Proxy, Ways};
use super::places::{INBOUND, PROBE, Places, STATS};
use super::plugin;
use super::services::Services;
use super::sidecar::Sidecar;
use super::workload::Workload;
use crate::docker::Engine;
use crate::process::Call;
use crate::{interrupt, paths, show};

const COMPOSE_FILE: &str = "envoy/compose.yaml";
/// Where a workload's folder is inside.
const INSIDE: &str = "/meshward";
/// Where the modules are inside.
const MODULES_INSIDE: &str = "/modules";
/// What an application saw, in its folder.
const ARRIVED: &str = "arrived.jsonl";
/// Eleven processes, and modules that five Envoys compile.
const READY_WITHIN: Duration = Duration::from_secs(120);
const UP_WITHIN: Duration = Duration::from_secs(180);

/// What runs; dropping it takes containers and network away, then the engine where it is ours.
pub(super) struct Containers {
    bridges: Vec<Bridge>,
    engine: Engine,
    project: String,
    env_file: PathBuf,
    image: String,
}

impl Containers {
    /// The command that a person types, up to compose's own arguments.
    pub(super) fn words(&self) -> String {
        let (file, env) = (COMPOSE_FILE, paths::short(&self.env_file));
        format!("{} -p {} --env-file {env} -f {file}", self.engine.compose_words(), self.project)
    }

    /// The image that the Envoys run from.
    pub(super) fn image(&self) -> &str {
        &self.image
    }

    /// What runs the containers.
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    fn compose(&self) -> Call {
        let call = self.engine.compose().args(["-p", &self.project, "--env-file"]).arg(&self.env_file);
        call.arg("-f").arg(paths::root().join(COMPOSE_FILE))
    }

    fn container(&self, service: &str) -> Result<String> {
        let id = self.compose().args(["ps", "-q", service]).output()?.trim().to_owned();
        if id.is_empty() {
            bail!("`{service}` has no container");
        }
        Ok(id)
    }

    /// The loopback address at which a port is published.
    fn published(&self, container: &str, port: u16) -> Result<SocketAddr> {
        let text = self.engine.docker().args(["port", container, &port.to_string()]).output()?;
        let address = text.lines().find_map(|line| line.trim().parse::<SocketAddr>().ok());
        let address = address.with_context(|| format!("port {port} is not published"))?;
        if !address.ip().is_loopback() {
            bail!("port {port} is published at {address}, which is not loopback");
        }
        Ok(address)
    }

    fn has_ended(&self, container: &str) -> bool {
        let state = ["inspect", "--format", "{{.State.Running}}", container];
        self.engine.docker().args(state).output().is_ok_and(|running| running.trim() == "false")
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        self.bridges.clear();
        let down = self.compose().args(["down", "--volumes", "--timeout", "3"]).though_interrupted();
        if let Err(error) = down.logged("compose-down") {
            show::error(&format!("the containers could not be taken down: {error:#}"));
        }
    }
}

impl Mesh {
    /// Mints certificates, writes configurations, gets images, and brings the containers up.
    pub(super) fn in_containers(parts: &Parts<'_>, engine: Engine) -> Result<Self> {
        let identities = Identities::mint()?;
        identities.write_to(&parts.dir.join("certs"))?;
        let places: BTreeMap<Workload, Places> =
            Workload::ALL.into_iter().map(|workload| (workload, Places::of_container(workload))).collect();
        let services = Services::in_containers(parts.dir)?;
        let mut policies = BTreeMap::new();
        for workload in Workload::ALL {
            let policy = plugin::configuration(workload, parts.sabotage)?;
            let sidecar = Sidecar {
                workload,
                places: &places,
                identities: &identities,
                services: &services.addresses,
                modules: Path::new(MODULES_INSIDE),
                filters: &parts.form.parts(&policy)?,
            };
            write_folders(parts.dir, workload, &sidecar.bootstrap()?.to_text())?;
            policies.insert(workload, policy);
        }
        let mut containers = bring_up(parts, engine)?;
        let mut members = BTreeMap::new();
        for ((workload, places), policy) in places.into_iter().zip(policies.into_values()) {
            let member = member(&mut containers, parts.dir, workload, places, policy);
            members.insert(workload, member.with_context(|| format!("`{}` did not start", workload.name()))?);
        }
        let dir = parts.dir.to_owned();
        Ok(Self { identities, services, dir, members, containers: Some(containers) })
    }
}

/// One folder for the Envoy, whose configuration holds its key, and one for the application, which must not see that.
fn write_folders(dir: &Path, workload: Workload, bootstrap: &str) -> Result<()> {
    let own = dir.join(workload.name());
    let write = || {
        std::fs::create_dir_all(&own)?;
        std::fs::create_dir_all(application_folder(dir, workload))?;
        std::fs::write(own.join("envoy.json"), bootstrap.replace(DIR, INSIDE))
    };
    write().with_context(|| format!("could not write {}", own.display()))
}

fn application_folder(dir: &Path, workload: Workload) -> PathBuf {
    dir.join(format!("{}-app", workload.name()))
}

fn bring_up(parts: &Parts<'_>, engine: Engine) -> Result<Containers> {
    let digest = Sha256::digest(paths::root().as_os_str().as_encoded_bytes());
    let tag: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let images = Images::get(&engine, parts.envoy, parts.dir, &tag)?;
    let user = if engine.is_rootless() { "0:0".to_owned() } else { user_of(parts.dir)? };
    let env_file = parts.dir.join("compose.env");
    let variables = [
        ("MESHWARD_ENVOY_IMAGE", images.envoy.clone()),
        ("MESHWARD_APP_IMAGE", images.application),
        ("MESHWARD_USER", user),
        ("MESHWARD_MESH", parts.dir.display().to_string()),
        ("MESHWARD_MODULES", parts.modules.display().to_string()),
    ];
    let text: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    std::fs::write(&env_file, text).with_context(|| format!("could not write {}", env_file.display()))?;
    let project = format!("meshward-demo-{tag}");
    let containers = Containers { bridges: Vec::new(), engine, project, env_file, image: images.envoy };
    show::progress("      docker compose up …");
    let up = containers.compose().args(["up", "--detach", "--force-recreate", "--remove-orphans"]);
    up.within(UP_WITHIN).logged("compose-up").context("the containers did not come up")?;
    Ok(containers)
}

/// Files that containers write belong to whoever owns the folder.
fn user_of(dir: &Path) -> Result<String> {
    use std::os::unix::fs::MetadataExt;
    let owner = std::fs::metadata(dir).with_context(|| format!("could not look at {}", dir.display()))?;
    Ok(format!("{}:{}", owner.uid(), owner.gid()))
}

fn member(
    containers: &mut Containers,
    dir: &Path,
    workload: Workload,
    places: Places,
    policy: String,
) -> Result<Member> {
    let container = containers.container(workload.name())?;
    let stats = containers.published(&container, STATS)?;
    let view = View::new(dir.join(workload.name()), stats);
    let mut ended = false;
    let ready = view.wait("Envoy to be ready", READY_WITHIN, || {
        ended = containers.has_ended(&container);
        (ended || interrupt::is_asked() || is_ready(stats)).then_some(())
    });
    interrupt::check()?;
    ready?;
    if ended {
        let lines = view.log();
        let last = lines.iter().skip(lines.len().saturating_sub(12));
        bail!(
            "its Envoy ended; its log ends with\n{}",
            last.map(|line| format!("  | {line}\n")).collect::<String>()
        );
    }
    let mut ways = Ways {
        inbound: containers.published(&container, INBOUND)?,
        probe: containers.published(&container, PROBE)?,
        outbound: BTreeMap::new(),
    };
    let application = workload.has_application().then(|| application_folder(dir, workload).join(ARRIVED));
    if application.is_some() {
        let container = containers.container(&format!("{}-app", workload.name()))?;
        for (to, address) in places.outbound() {
            let inside =
                Inside { docker_host: containers.engine.host(), container: container.clone(), address };
            let bridge = Bridge::open(inside)?;
            ways.outbound.insert(to, bridge.address());
            containers.bridges.push(bridge);
        }
        poll::until("the application to listen", READY_WITHIN, || {
            application.as_ref().filter(|file| file.exists() || interrupt::is_asked())
        })?;
    }
    let application = application.map(Application::Recorded);
    Ok(Member { proxy: Proxy::Container(view), places, ways, application, policy })
}

fn is_ready(stats: SocketAddr) -> bool {
    let mut client = Client::plain(stats);
    let live = client.send(&RawRequest::get("/ready")).is_ok_and(|answer| answer.status == 200);
    let started = client.send(&RawRequest::get("/stats?filter=listener_manager.workers_started"));
    live && started.is_ok_and(|answer| answer.text().contains("workers_started: 1"))
}
