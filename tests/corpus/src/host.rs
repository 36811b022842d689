//! The host door: the module that ships, in the embedded host, a fresh proxy for each case.
//!
//! It sees what an operator sees of a real Envoy (the answer, the details, the event line, the counters, whether the request
//! went on), and more: host calls, fuel, and what comes of it when a host call fails ([`Rig::faulted`]).

use crate::CorpusError;
use crate::case::{Asked, Caller, Case, Door, Expect, Step, Transport};
use crate::check::{Finding, differences};
use crate::event;
use crate::native::{START, headers, node};
use crate::seen::{Seen, Shown};
use crate::tally::Tally;
use meshward_host::{
    Attributes, Faults, Message, Module, Node, Plugin, Progress, Proxy, StartError, Stream, Tls, Value,
    VmState,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

const ALLOWED: &str = "meshward_authz_allowed_total";
const DENIED: &str = "meshward_authz_denied_total";

/// What the host's own line holds when a VM has trapped.
const TRAP: &str = "Function: ";

/// The compiled module, ready for any number of cases.
#[derive(Debug, Clone)]
pub struct Rig {
    module: Module,
}

/// What the steps of a case took.
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
    /// Gives a running proxy this configuration, in this world.
    pub fn configure(&self, configuration: &str, world: World) -> Configured {
        let plugin = Plugin::new(self.module.clone(), "authz").configured(ANY);
        let mut builder = Proxy::builder().node(proxys_node()).now(world.now).seed(world.seed).plugin(plugin);
        for (key, value) in RUBBISH.into_iter().filter(|_| world.rubbish) {
            builder = builder.shared_data("", key, value);
        }
        let Ok(mut proxy) = builder.start() else {
            return Configured {
                taken: false,
                lines: vec!["did not start".to_owned()],
                calls: BTreeMap::new(),
            };
        };
        proxy.reset_counts();
        proxy.take_log();
        let taken = proxy.configure(0, configuration.as_bytes()).is_ok();
        let lines = proxy.take_log().into_iter().map(|line| line.text).collect();
        Configured { taken, lines, calls: proxy.calls() }
    }

    /// Compiles the module.
    ///
    /// # Errors
    /// When it cannot be read or loaded.
    pub fn new(module: &Path) -> Result<Self, CorpusError> {
        let name = module.display().to_string();
        let bytes = std::fs::read(module).map_err(|error| CorpusError::new(&name, error))?;
        Ok(Self { module: Module::new(&bytes).map_err(|error| CorpusError::new(&name, error))? })
    }

    fn start(&self, case: &Case, faults: Faults) -> Result<Proxy, StartError> {
        let plugin = Plugin::new(self.module.clone(), "authz").configured(case.policy.json.as_bytes());
        Proxy::builder().node(proxys_node()).now(START.0).plugin(plugin).faults(faults).start()
    }

    /// Runs one case.
    ///
    /// # Errors
    /// When the module refuses the case's configuration.
    pub fn run_case(&self, case: &Case) -> Result<Ran, CorpusError> {
        let mut proxy =
            self.start(case, Faults::none()).map_err(|error| CorpusError::new(&case.policy.name, error))?;
        proxy.reset_counts();
        proxy.take_log();
        let seen = case.steps.iter().map(|step| {
            proxy.advance(Duration::from_millis(step.after));
            matches!(step.expect, Expect::Verdict(_)).then(|| decided(&mut proxy, case, step))
        });
        let seen = seen.collect();
        Ok(Ran { seen, spent: Spent { host_calls: proxy.total_calls(), fuel: proxy.fuel() } })
    }

    /// How many host calls a run of the case makes in all, its start included: each of them can be made to fail.
    ///
    /// # Errors
    /// When the module refuses the case's configuration.
    pub fn all_host_calls(&self, case: &Case) -> Result<u64, CorpusError> {
        let mut proxy =
            self.start(case, Faults::none()).map_err(|error| CorpusError::new(&case.policy.name, error))?;
        serve(&mut proxy, case);
        Ok(proxy.total_calls())
    }

    /// Runs one case with faults.
    pub fn faulted(&self, case: &Case, faults: Faults) -> Faulted {
        match self.start(case, faults) {
            Err(StartError::Refused { .. }) => Faulted::Refused,
            Err(other) => Faulted::Trapped(other.to_string()),
            Ok(mut proxy) => {
                let forwarded = serve(&mut proxy, case);
                let said = proxy.log().iter().find(|line| line.plugin.is_empty() && line.text.contains(TRAP));
                match (said, proxy.vm_state(0, 0)) {
                    (Some(line), _) => Faulted::Trapped(line.text.clone()),
                    // The module never refuses in a worker what the canary took, so that this, too, was a trap.
                    (None, VmState::Failed) => Faulted::Trapped("the VM has failed".to_owned()),
                    (None, VmState::Running) => Faulted::Served(forwarded),
                }
            }
        }
    }
}

fn proxys_node() -> Node {
    let node = node();
    Node { id: node.id, namespace: Some(node.namespace), workload: Some(node.workload), ..Node::default() }
}

/// Sends every step that the plugin decides: did it go on?
fn serve(proxy: &mut Proxy, case: &Case) -> Vec<bool> {
    let mine = case.steps.iter().filter(|step| matches!(step.expect, Expect::Verdict(_)));
    mine.map(|step| {
        proxy.advance(Duration::from_millis(step.after));
        let stream = send(proxy, case, step);
        let forwarded = matches!(proxy.progress(stream), Progress::Forwarded(_));
        proxy.finish(stream);
        forwarded
    })
    .collect()
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
    let mut tally = Tally::new("host");
    let mut findings = Vec::new();
    let mut spent = BTreeMap::new();
    for case in cases {
        if let Some(reason) = case.skipped_by(Door::Host) {
            tally.skip(case, reason);
            continue;
        }
        tally.cases += 1;
        let ran = rig.run_case(case)?;
        spent.insert(case.name.clone(), ran.spent);
        for (index, (seen, step)) in ran.seen.into_iter().zip(&case.steps).enumerate() {
            let found = match (seen, &step.expect) {
                (Some(Ok(seen)), Expect::Verdict(expected)) => differences(expected, &seen),
                (Some(Err(what)), Expect::Verdict(_)) => vec![what],
                (None, _) | (Some(_), Expect::Envoy { .. }) => {
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

fn send(proxy: &mut Proxy, case: &Case, step: &Step) -> Stream {
    let stream = proxy.open(0, attributes(case));
    let Asked { body, .. } = &step.request;
    let pairs = headers(&step.request).iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    proxy.request_headers(stream, pairs, body.is_empty());
    if !body.is_empty() {
        proxy.request_body(stream, body, true);
    }
    stream
}

/// Sends one step and reads what is seen of it.
fn decided(proxy: &mut Proxy, case: &Case, step: &Step) -> Result<Seen, String> {
    let count = |proxy: &Proxy, name: &str| proxy.counter(name).unwrap_or(0);
    let before = (count(proxy, ALLOWED), count(proxy, DENIED));
    let stream = send(proxy, case, step);
    let arrived = matches!(proxy.progress(stream), Progress::Forwarded(_));
    if arrived {
        let status = step.upstream.to_string().into_bytes();
        proxy.response_headers(stream, vec![(b":status".to_vec(), status)], true);
    }
    let details = proxy.replied(stream).map(|reply| reply.details.clone()).unwrap_or_default();
    let answer = proxy.responded(stream).cloned();
    proxy.finish(stream);
    if proxy.vm_state(0, 0) != VmState::Running {
        return Err("the module trapped".to_owned());
    }
    let answer = answer.ok_or("the caller got no answer")?;
    let counted = (count(proxy, ALLOWED) - before.0, count(proxy, DENIED) - before.1);
    if counted != (u64::from(arrived), u64::from(!arrived)) {
        return Err(format!("went on: {arrived}, but the counters moved by {counted:?}"));
    }
    let events: Vec<_> = proxy.take_log().iter().filter_map(|line| event::in_line(&line.text)).collect();
    seen(&answer, arrived, details, &events)
}

fn seen(
    answer: &Message,
    arrived: bool,
    details: String,
    events: &[serde_json::Value],
) -> Result<Seen, String> {
    let event = match events {
        [] => None,
        [event] => Some(event),
        more => return Err(format!("{} events for one request", more.len())),
    };
    if event.is_some_and(event::refused) == arrived {
        return Err(format!("went on: {arrived}, but the event says otherwise: {event:?}"));
    }
    let status = answer.header(":status").and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    let because = event.map(event::because);
    let (reason, rule) = match (arrived, &because) {
        (false, Some(because)) => (Shown::Is(because.reason.clone()), Shown::Is(because.rule.clone())),
        (false, None) | (true, _) => (Shown::Hidden, Shown::Hidden),
    };
    Ok(Seen {
        allowed: arrived,
        status: status.ok_or("an answer without a status")?,
        reason,
        rule,
        // A request that is refused has one event, and that is of the refusal.
        shadow: if arrived { Shown::Is(because) } else { Shown::Hidden },
        details,
        headers: Shown::Hidden,
    })
}

/// What the proxy says of a connection of the case's caller.
fn attributes(case: &Case) -> Attributes {
    let name = match &case.peer {
        Caller::Nameless => None,
        Caller::Named(name) => Some(name.clone()),
    };
    let plain =
        Attributes { destination_address: format!("127.0.0.1:{}", case.port), ..Attributes::plaintext() };
    let secured = |name: Option<Vec<u8>>, verified: bool| {
        let tls = Tls {
            peer_certificate_presented: name.is_some(),
            peer_certificate_valid: Some(verified && name.is_some()),
            ..Tls::default()
        };
        let path = ["connection", "uri_san_peer_certificate"].map(str::to_owned).to_vec();
        let more = name.into_iter().map(|name| (path.clone(), Value::Bytes(name))).collect();
        Attributes { tls: Some(tls), more, ..plain.clone() }
    };
    match case.transport {
        Transport::Tls => secured(name, true),
        Transport::TlsUntrusted => secured(name, false),
        Transport::Plaintext => plain,
        Transport::Waypoint => {
            let state = name.into_iter().map(|name| ("io.istio.peer_principal".to_owned(), name)).collect();
            Attributes { filter_state: state, ..plain }
        }
    }
}
