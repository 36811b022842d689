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

/// What a floor is made after: a plugin with a configuration.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// What files and messages call it.
    pub(super) name: &'static str,
    pub(super) plugin: Plugin,
    pub(super) configuration: String,
}

/// A model, and what it did.
pub(super) struct Floored {
    pub(super) model: Model,
    pub(super) life: Life,
}

/// The plugins as the bench configures them.
pub(super) fn usual() -> Result<Vec<Model>> {
    let model =
        |plugin: Plugin| Ok(Model { name: plugin.name(), plugin, configuration: configuration(plugin)? });
    ALL.into_iter().map(model).collect()
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

/// Where a floor lies.
pub(super) fn file(name: &str) -> PathBuf {
    folder().join(format!("floor-{name}.wasm"))
}

fn folder() -> PathBuf {
    paths::target().join("bench")
}

/// Traces each model, makes its floor and writes it.
pub(super) fn make(binary: &Path, models: Vec<Model>) -> Result<Vec<Floored>> {
    std::fs::create_dir_all(folder()).context("could not create the folder of floors")?;
    let mut modules = Vec::new();
    for model in &models {
        let path = paths::modules().join(model.plugin.name()).with_extension("wasm");
        modules.push(std::fs::read(&path).with_context(|| format!("could not read {}", path.display()))?);
    }
    let lives = lives(binary, models.iter().zip(&modules))?;
    let mut floors = Vec::new();
    for ((model, module), life) in models.into_iter().zip(&modules).zip(lives) {
        let name = model.name;
        let lived = folder().join(format!("life-{name}.txt"));
        std::fs::write(&lived, life.text()?)
            .with_context(|| format!("could not write {}", lived.display()))?;
        let made = floor_of(model.plugin, module, &life).with_context(|| format!("the floor of `{name}`"))?;
        let path = file(name);
        std::fs::write(&path, made).with_context(|| format!("could not write {}", path.display()))?;
        floors.push(Floored { model, life });
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
        .map(|floor| std::fs::read(file(floor.model.name)).context("a floor could not be read"))
        .collect();
    let lives = lives(binary, floors.iter().map(|floor| &floor.model).zip(&modules?))?;
    floors.iter().zip(&lives).map(|(ours, theirs)| ours.life.difference(theirs)).collect()
}

/// A model's Envoy; each has one of its own, since ticks say nothing of who ticks.
struct Running {
    name: &'static str,
    envoy: Envoy,
    port: Reserved,
}

/// Runs a witnessed module of each model side by side.
fn lives<'m>(binary: &Path, models: impl Iterator<Item = (&'m Model, &'m Vec<u8>)>) -> Result<Vec<Life>> {
    let scene = Scene::new()?;
    let mut running = Vec::new();
    for (model, module) in models {
        let started = start(binary, &scene, model, module);
        running.push(started.with_context(|| format!("`{}` with a witness", model.name))?);
    }
    running.iter().try_for_each(|one| load(one, &scene))?;
    running.iter().map(|one| one.life().with_context(|| format!("the life of `{}`", one.name))).collect()
}

fn start(binary: &Path, scene: &Scene, model: &Model, module: &[u8]) -> Result<Running> {
    let witnessed = witness::add(module)?;
    interface::check(&witnessed, None)?;
    let path = folder().join(format!("witnessed-{}.wasm", model.name));
    std::fs::write(&path, witnessed).with_context(|| format!("could not write {}", path.display()))?;
    let port = Reserved::loopback().context("no port")?;
    let filter = Filter::Wasm(Wasm::new(&path, &model.configuration));
    let bootstrap = Bootstrap::of(scene.listener(port.address(), vec![filter]));
    let builder = Envoy::builder(binary).concurrency(1).component_log_level("wasm:trace");
    Ok(Running { name: model.name, envoy: builder.bootstrap(&bootstrap).start()?, port })
}

fn load(running: &Running, scene: &Scene) -> Result<()> {
    let mut client = scene.client(running.port.address())?;
    let request = scene::request();
    for _ in 0..REQUESTS {
        let status = client.send(&request)?.status;
        ensure!(status == 200, "`{}` answered {status}, the bench's request must be allowed", running.name);
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
