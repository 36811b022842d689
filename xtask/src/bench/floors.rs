//! The plugins that have a floor, the way there: a traced life of each in a real Envoy, its floor made of it, and the floor's own
//! life, which must be the same.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use meshward_harness::config::{Bootstrap, Filter, Wasm};
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;

use super::life::{self, Difference, Life};
use super::outline::Outline;
use super::policy::{self, Kind};
use super::scene::{self, Scene};
use super::{floor, stages, trace, witness};
use crate::modules::Plugin;
use crate::{interface, paths};

/// Requests per life.
const REQUESTS: usize = 20;
/// The longest that a plugin takes until its ticks are all alike.
const WITHIN: Duration = Duration::from_secs(30);

/// Those that have a floor, in the order of the table.
pub(super) const ALL: [Plugin; 5] =
    [Plugin::Authz, Plugin::Authn, Plugin::Ratelimit, Plugin::Sentinel, Plugin::Guard];

/// A plugin that has a floor, and what it did.
pub(super) struct Floored {
    pub(super) plugin: Plugin,
    pub(super) life: Life,
}

/// What the bench configures a plugin with.
pub(super) fn configuration(plugin: Plugin) -> Result<String> {
    match plugin {
        Plugin::Authz => Ok(policy::ten_rules(Kind::Access)),
        Plugin::Authn => Ok(stages::authn()),
        Plugin::Ratelimit => Ok(stages::quota()),
        Plugin::Sentinel => Ok(stages::sentinel()),
        Plugin::Guard => Ok(stages::guard()),
        Plugin::Asking | Plugin::SdkEmpty | Plugin::SdkStripped | Plugin::Probe => {
            anyhow::bail!("`{}` has no floor", plugin.name())
        }
    }
}

/// Where a plugin's floor lies.
pub(super) fn file(plugin: Plugin) -> PathBuf {
    folder().join(format!("floor-{}.wasm", plugin.name()))
}

fn folder() -> PathBuf {
    paths::target().join("bench")
}

/// Traces each plugin, makes its floor and writes it.
pub(super) fn make(binary: &Path) -> Result<Vec<Floored>> {
    std::fs::create_dir_all(folder()).context("could not create the folder of floors")?;
    let mut modules = Vec::new();
    for plugin in ALL {
        let path = paths::modules().join(plugin.name()).with_extension("wasm");
        modules.push(std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?);
    }
    let lives = lives(binary, &modules)?;
    let mut floors = Vec::new();
    for ((plugin, module), life) in ALL.into_iter().zip(&modules).zip(lives) {
        let lived = folder().join(format!("life-{}.txt", plugin.name()));
        std::fs::write(&lived, life.text()?)
            .with_context(|| format!("could not write {}", lived.display()))?;
        let made =
            floor_of(plugin, module, &life).with_context(|| format!("the floor of `{}`", plugin.name()))?;
        let path = file(plugin);
        std::fs::write(&path, made).with_context(|| format!("could not write {}", path.display()))?;
        floors.push(Floored { plugin, life });
    }
    Ok(floors)
}

fn floor_of(plugin: Plugin, module: &[u8], life: &Life) -> Result<Vec<u8>> {
    let made = floor::of(&Outline::of(module)?, life)?;
    interface::check(&made, plugin.exports()?.as_deref())?;
    Ok(made)
}

/// The first difference between each plugin's life and its floor's, in their order.
pub(super) fn compare(binary: &Path, floors: &[Floored]) -> Result<Vec<Option<Difference>>> {
    let modules: Result<Vec<Vec<u8>>> = floors
        .iter()
        .map(|floor| std::fs::read(file(floor.plugin)).context("a floor could not be read"))
        .collect();
    let lives = lives(binary, &modules?)?;
    floors.iter().zip(&lives).map(|(ours, theirs)| ours.life.difference(theirs)).collect()
}

/// A plugin's Envoy; each has one of its own, since ticks say nothing of who ticks.
struct Running {
    plugin: Plugin,
    envoy: Envoy,
    port: Reserved,
}

/// Runs a witnessed module of each plugin side by side.
fn lives(binary: &Path, modules: &[Vec<u8>]) -> Result<Vec<Life>> {
    let scene = Scene::new()?;
    let mut running = Vec::new();
    for (plugin, module) in ALL.into_iter().zip(modules) {
        let name = plugin.name();
        let started = start(binary, &scene, plugin, module);
        running.push(started.with_context(|| format!("`{name}` with a witness"))?);
    }
    running.iter().try_for_each(|one| load(one, &scene))?;
    running
        .iter()
        .map(|one| one.life().with_context(|| format!("the life of `{}`", one.plugin.name())))
        .collect()
}

fn start(binary: &Path, scene: &Scene, plugin: Plugin, module: &[u8]) -> Result<Running> {
    let witnessed = witness::add(module)?;
    interface::check(&witnessed, None)?;
    let path = folder().join(format!("witnessed-{}.wasm", plugin.name()));
    std::fs::write(&path, witnessed).with_context(|| format!("could not write {}", path.display()))?;
    let port = Reserved::loopback().context("no port")?;
    let filter = Filter::Wasm(Wasm::new(&path, &configuration(plugin)?));
    let bootstrap = Bootstrap::of(scene.listener(port.address(), vec![filter]));
    let builder = Envoy::builder(binary).concurrency(1).component_log_level("wasm:trace");
    Ok(Running { plugin, envoy: builder.bootstrap(&bootstrap).start()?, port })
}

fn load(running: &Running, scene: &Scene) -> Result<()> {
    let mut client = scene.client(running.port.address())?;
    let request = scene::request();
    for _ in 0..REQUESTS {
        let status = client.send(&request)?.status;
        ensure!(
            status == 200,
            "`{}` answered {status}, the bench's request must be allowed",
            running.plugin.name()
        );
    }
    Ok(())
}

impl Running {
    /// The log is behind the answers, and ticks take their time; what cannot be read is an error at once.
    fn life(&self) -> Result<Life> {
        self.envoy.wait("all requests and equal ticks in the trace", WITHIN, || {
            let life = self.life_so_far();
            life.as_ref().map_or(true, Option::is_some).then(|| life.transpose()).flatten()
        })?
    }

    fn life_so_far(&self) -> Result<Option<Life>> {
        let threads = trace::callbacks(&self.envoy.log())?;
        let Some(callbacks) = life::serving(&threads) else { return Ok(None) };
        if life::requests(callbacks)?.len() < REQUESTS {
            return Ok(None);
        }
        let life = Life::of(callbacks)?;
        Ok(life.is_settled()?.then_some(life))
    }
}
