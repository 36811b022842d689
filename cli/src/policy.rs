//! A policy for the verbs that decide by it: read, and configured as the plugin would be.

use std::path::Path;

use meshward_cases::case::Policy;
use meshward_cases::native;
use meshward_cases::played::{Form, chain};
use meshward_cases::proxy::Proxy;
use meshward_model::{Code, Node, Plugin};
use meshward_pipeline::Authz;

use crate::failure::Failure;
use crate::input::{self, Input};
use crate::workload::Workload;

/// Reads a PluginConfig and configures the plugin with it.
///
/// # Errors
/// [`Failure::Input`] when it cannot be read or is refused.
pub(crate) fn load(path: &Path, workload: &Workload) -> Result<(Policy, Node, Authz), Failure> {
    let policy = parse(&input::read(path)?)?;
    let node = workload.node(&policy.json)?;
    let plugin = Authz::configure(policy.json.as_bytes(), &node);
    let plugin = plugin.map_err(|refusal| refused(&policy, &refusal))?;
    Ok((policy, node, plugin))
}

/// Reads a PluginConfig and puts a proxy around the plugin that does all that it says.
///
/// # Errors
/// [`Failure::Input`] when it cannot be read or is refused.
pub(crate) fn proxy(path: &Path, workload: &Workload) -> Result<(Input, Proxy), Failure> {
    let input = input::read(path)?;
    let policy = parse(&input)?;
    let chain = chain(&policy.json, Form::Guard).map_err(|refusal| refused(&policy, &refusal))?;
    let proxy = Proxy::new(&chain, &workload.node(&policy.json)?, native::START, &[]);
    let proxy = proxy.map_err(|error| refused(&policy, &error.what))?;
    Ok((input, proxy))
}

fn parse(input: &Input) -> Result<Policy, Failure> {
    Policy::from_yaml(&input.name, &input.text)
        .map_err(|error| Failure::input(error.to_string(), lint_help(&input.name)))
}

fn refused(policy: &Policy, refusal: &dyn ToString) -> Failure {
    let refusal = refusal.to_string();
    let help = if refusal.contains(&Code::ProxySilent.to_string()) {
        "say by `--namespace` and `--label` which workload it is".to_owned()
    } else {
        lint_help(&policy.name)
    };
    Failure::input(format!("`{}` is refused: {refusal}", policy.name), help)
}

fn lint_help(name: &str) -> String {
    if name.starts_with('<') {
        "`meshward lint -` shows each place".to_owned()
    } else {
        format!("`meshward lint {name}` shows each place")
    }
}
