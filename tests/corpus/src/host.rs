//! The host door: the modules that ship, in the embedded host, a fresh proxy for each case.
//!
//! It sees what an operator sees of a real Envoy (the answer, the details, the event lines, the counters, whether the request
//! went on), and more: host calls, fuel, and what comes of it when a host call fails ([`Rig::faulted`]).

mod drive;

use crate::CorpusError;
use crate::case::{Case, Door};
use crate::check::{Finding, differences};
use crate::engines::Modules;
use crate::native::{SETTLING_MILLIS, START, node};
use crate::planter;
use crate::played::{Form, Link};
use crate::seen::Seen;
use crate::tally::Tally;
use drive::Driven;
use meshward_host::{Faults, Module, Node, Plugin, Proxy, StartError};
use std::collections::BTreeMap;

/// Whose shared data the plugins see, and which VM they run in where their code is the same.
const VM_ID: &str = "meshward";

/// What the host's own line holds when a VM has trapped.
const TRAP: &str = "Function: ";

/// The compiled modules of a form, ready for any number of cases.
#[derive(Debug, Clone)]
pub struct Rig {
    form: Form,
    modules: BTreeMap<&'static str, Module>,
}

/// What the steps of a case took, their timers aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    /// Calls from the module into the host.
    pub host_calls: u64,
    /// Wasm fuel: about one for an instruction.
    pub fuel: u64,
}

/// What came of a case.
#[derive(Debug, Clone)]
pub struct Ran {
    /// What was seen of each step, `None` for one that only Envoy answers; the error says what does not fit together.
    pub seen: Vec<Option<Result<Seen, String>>>,
    /// What the steps took.
    pub spent: Spent,
}

/// What came of a case in which something failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Faulted {
    /// The plugin refused to start; the proxy does not serve.
    Refused,
    /// Its VM trapped, and why.
    Trapped(String),
    /// It served: whether each step's request went on.
    Served(Vec<bool>),
}

/// What a configuration must not depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    /// What time it is, in milliseconds of Unix time.
    pub now: u64,
    /// Whether another plugin has left things in the shared data.
    pub rubbish: bool,
    /// Where randomness begins.
    pub seed: u64,
}

/// What came of configuring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// Whether the configuration was taken.
    pub taken: bool,
    /// What the module wrote to the log.
    pub lines: Vec<String>,
    /// Which host functions it called, and how often.
    pub calls: BTreeMap<&'static str, u64>,
}

/// A configuration that any proxy takes.
const ANY: &str =
    r#"{"apiVersion":"meshward.io/v1alpha1","kind":"PluginConfig","peerVerifiedBy":"transport"}"#;
/// Keys that others may have used, and what they left there.
const RUBBISH: [(&str, &[u8]); 4] =
    [("", b"\xff"), ("meshward", b"\0"), ("meshward.bans", &[0xff; 64]), ("jwks", b"{}")];

impl Rig {
    /// Gives a running proxy of one plugin this configuration, in this world.
    ///
    /// # Errors
    /// A module that is not among the rig's.
    pub fn configure(
        &self,
        module: &str,
        configuration: &str,
        world: World,
    ) -> Result<Configured, CorpusError> {
        let plugin = Plugin::new(self.module(module)?, module).configured(ANY);
        let mut builder =
            Proxy::builder().node(proxys_node(node())).now(world.now).seed(world.seed).plugin(plugin);
        for (key, value) in RUBBISH.into_iter().filter(|_| world.rubbish) {
            builder = builder.shared_data("", key, value);
        }
        let Ok(mut proxy) = builder.start() else {
            return Ok(Configured {
                taken: false,
                lines: vec!["did not start".to_owned()],
                calls: BTreeMap::new(),
            });
        };
        proxy.reset_counts();
        proxy.take_log();
        let taken = proxy.configure(0, configuration.as_bytes()).is_ok();
        let lines = proxy.take_log().into_iter().map(|line| line.text).collect();
        Ok(Configured { taken, lines, calls: proxy.calls() })
    }

    /// Compiles the modules of a form that `cases` need.
    ///
    /// # Errors
    /// When one is not there or cannot be loaded.
    pub fn new(modules: &Modules, form: Form, cases: &[Case]) -> Result<Self, CorpusError> {
        let mut compiled = BTreeMap::new();
        for case in cases.iter().filter(|case| case.forms().any(|of| of == form)) {
            let planter = case.planted.iter().map(|_| planter::MODULE);
            for name in chain(case, form)?.iter().map(|link| link.which.module()).chain(planter) {
                if !compiled.contains_key(name) {
                    compiled.insert(name, compile(modules, name)?);
                }
            }
        }
        Ok(Self { form, modules: compiled })
    }

    fn module(&self, name: &str) -> Result<Module, CorpusError> {
        let module = self.modules.get(name).cloned();
        module.ok_or_else(|| CorpusError::new("host", format!("the module `{name}` was not loaded")))
    }

    fn start(
        &self,
        case: &Case,
        links: &[Link],
        faults: Faults,
    ) -> Result<Result<Proxy, StartError>, CorpusError> {
        let mut builder = Proxy::builder().node(proxys_node(case.node.clone())).now(START.0).faults(faults);
        for link in links {
            if let Some(bytes) = case.planted_before(link.which) {
                let planter = Plugin::new(self.module(planter::MODULE)?, planter::MODULE);
                builder = builder.plugin(planter.configured(planter::script(bytes).as_bytes()));
            }
            let mut plugin = Plugin::new(self.module(link.which.module())?, link.which.name());
            VM_ID.clone_into(&mut plugin.vm_id);
            link.which.name().clone_into(&mut plugin.root_id);
            builder = builder.plugin(plugin.configured(link.configuration.as_bytes()));
        }
        for server in &case.servers {
            builder = builder.cluster(&server.cluster);
        }
        Ok(builder.start())
    }

    fn driven<'c>(&self, case: &'c Case) -> Result<Driven<'c>, CorpusError> {
        let links = chain(case, self.form)?;
        let proxy = self.start(case, &links, Faults::none())?;
        let proxy = proxy.map_err(|error| CorpusError::new(&case.policy.name, error))?;
        Ok(Driven::new(proxy, case, links.len() + usize::from(case.planted.is_some())))
    }

    /// Runs one case.
    ///
    /// # Errors
    /// When a module refuses the case's configuration.
    pub fn run_case(&self, case: &Case) -> Result<Ran, CorpusError> {
        let mut driven = self.driven(case)?;
        driven.proxy.take_log();
        driven.wait(SETTLING_MILLIS);
        let mut spent = Spent::default();
        let mut seen = Vec::with_capacity(case.steps.len());
        for step in &case.steps {
            driven.wait(step.after);
            let decides = step.decided().is_some();
            driven.proxy.reset_counts();
            seen.push(if decides { Some(driven.decided(step)?) } else { None });
            spent.host_calls += driven.proxy.total_calls();
            spent.fuel += driven.proxy.fuel();
        }
        Ok(Ran { seen, spent })
    }

    /// How many host calls a run of the case makes in all, its start included: each of them can be made to fail.
    ///
    /// # Errors
    /// When a module refuses the case's configuration.
    pub fn all_host_calls(&self, case: &Case) -> Result<u64, CorpusError> {
        let mut driven = self.driven(case)?;
        driven.serve()?;
        Ok(driven.proxy.total_calls())
    }

    /// Runs one case with faults.
    ///
    /// # Errors
    /// A case that cannot be run at all.
    pub fn faulted(&self, case: &Case, faults: Faults) -> Result<Faulted, CorpusError> {
        let links = chain(case, self.form)?;
        Ok(match self.start(case, &links, faults)? {
            Err(StartError::Refused { .. }) => Faulted::Refused,
            Err(other) => Faulted::Trapped(other.to_string()),
            Ok(proxy) => {
                let mut driven = Driven::new(proxy, case, links.len() + usize::from(case.planted.is_some()));
                let forwarded = driven.serve()?;
                let proxy = &driven.proxy;
                let said = proxy.log().iter().find(|line| line.plugin.is_empty() && line.text.contains(TRAP));
                match (said, driven.all_run()) {
                    (Some(line), _) => Faulted::Trapped(line.text.clone()),
                    // The module never refuses in a worker what the canary took, so that this, too, was a trap.
                    (None, false) => Faulted::Trapped("a VM has failed".to_owned()),
                    (None, true) => Faulted::Served(forwarded),
                }
            }
        })
    }
}

fn chain(case: &Case, form: Form) -> Result<Vec<Link>, CorpusError> {
    case.chain(form).map_err(|refusal| CorpusError::new(&case.policy.name, refusal))
}

fn compile(modules: &Modules, name: &str) -> Result<Module, CorpusError> {
    let file = modules.of(name).map_err(|remedy| CorpusError::new(name, remedy))?;
    let bytes = std::fs::read(&file).map_err(|error| CorpusError::new(name, error))?;
    Module::new(&bytes).map_err(|error| CorpusError::new(name, error))
}

fn proxys_node(node: meshward_model::Node) -> Node {
    let meshward_model::Node { id, namespace, workload, labels } = node;
    let (namespace, workload) = (Some(namespace), Some(workload));
    Node { id, namespace, workload, labels, ..Node::default() }
}

/// What came of all cases.
#[derive(Debug)]
pub struct Through {
    /// What the door did.
    pub tally: Tally,
    /// What went otherwise than its case says.
    pub findings: Vec<Finding>,
    /// What each case took.
    pub spent: BTreeMap<String, Spent>,
}

/// Runs all cases.
///
/// # Errors
/// A configuration that is refused.
pub fn run(rig: &Rig, cases: &[Case]) -> Result<Through, CorpusError> {
    let mut tally = Tally::new(format!("host, {}", rig.form.name()));
    let mut findings = Vec::new();
    let mut spent = BTreeMap::new();
    for case in cases.iter().filter(|case| case.forms().any(|form| form == rig.form)) {
        if let Some(reason) = case.skipped_by(Door::Host) {
            tally.skip(case, reason);
            continue;
        }
        tally.cases += 1;
        let ran = rig.run_case(case)?;
        // What a plugin takes that is none of ours is not ours to bound.
        if case.planted.is_none() {
            spent.insert(format!("{}: {}", rig.form.name(), case.name), ran.spent);
        }
        for (index, (seen, step)) in ran.seen.into_iter().zip(&case.steps).enumerate() {
            let found = match (seen, step.decided()) {
                (Some(Ok(seen)), Some(expected)) => differences(expected, &seen),
                (Some(Err(what)), Some(_)) => vec![what],
                (None, _) | (Some(_), None) => {
                    tally.envoys_own += 1;
                    continue;
                }
            };
            tally.steps += 1;
            let finding = |what| Finding { case: case.name.clone(), step: index + 1, what };
            findings.extend(found.into_iter().map(finding));
        }
    }
    tally.done();
    Ok(Through { tally, findings, spent })
}
