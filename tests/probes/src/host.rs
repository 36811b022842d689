//! The door that is the embedded host: the same behaviours, driven by a clock that nobody waits for.
//!
//! What Envoy's codecs, router and clients do around the module is done here: the headers that they add, the order in which
//! parts of a message come, the answers of upstream and callouts' target at their time. Everything else is the host's.

mod play;
mod servers;

use crate::ProbeError;
use crate::behaviour::{Behaviour, Plugin, Policy};
use crate::envoy::{named, plugin_name, vm_id};
use crate::transcript::Transcript;
use meshward_host as host;
use std::path::Path;

/// Every behaviour has a proxy of its own, so that all of them have this number.
const NUMBER: usize = 0;

/// Runs behaviours in the embedded host; their transcripts in the same order.
///
/// # Errors
/// When the module cannot be loaded.
pub fn run(module: &Path, behaviours: &[Behaviour]) -> Result<Vec<Result<Transcript, String>>, ProbeError> {
    let bytes =
        std::fs::read(module).map_err(|error| ProbeError::new(format!("{}: {error}", module.display())))?;
    let module = host::Module::new(&bytes).map_err(ProbeError::new)?;
    Ok(behaviours.iter().map(|behaviour| play::play(start(&module, behaviour)?, behaviour)).collect())
}

fn start(module: &host::Module, behaviour: &Behaviour) -> Result<host::Proxy, String> {
    let node = host::Node {
        id: "orders.shop".to_owned(),
        cluster: "orders".to_owned(),
        namespace: Some("shop".to_owned()),
        workload: Some("orders".to_owned()),
        labels: None,
        metadata: Vec::new(),
    };
    let clusters = ["upstream", "target", "grpc", "nobody"];
    let builder = clusters
        .iter()
        .fold(host::Proxy::builder().node(node).main_thread(true), |builder, name| builder.cluster(name));
    let chain = behaviour.chain();
    let plugins = chain.iter().enumerate().map(|(place, plugin)| install(module, place, plugin));
    let builder = plugins.fold(builder, host::Builder::plugin);
    builder.start().map_err(|error| error.to_string())
}

fn install(module: &host::Module, place: usize, plugin: &Plugin) -> host::Plugin {
    let name = plugin_name(NUMBER, place);
    host::Plugin {
        root_id: name.clone(),
        vm_id: vm_id(NUMBER, place, plugin),
        vm_configuration: plugin.vm_script.clone().into_bytes(),
        failure_policy: match plugin.failure_policy {
            Policy::Closed => host::FailurePolicy::Closed,
            Policy::Open => host::FailurePolicy::Open,
            Policy::Reload => host::FailurePolicy::Reload,
        },
        allow_on_headers_stop_iteration: plugin.stops_at_headers,
        environment: plugin.environment.clone(),
        ..host::Plugin::new(module.clone(), &name).configured(named(&plugin.script, NUMBER))
    }
}
