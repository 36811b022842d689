//! A policy for the verbs that decide by it: read, and configured as the plugin would be.

use std::path::Path;

use meshward_cases::case::Policy;
use meshward_cases::native;
use meshward_model::Plugin;
use meshward_pipeline::Authz;

use crate::failure::Failure;
use crate::input;

/// Reads a PluginConfig and configures the plugin with it.
///
/// # Errors
/// [`Failure::Input`] when it cannot be read or is refused.
pub(crate) fn load(path: &Path) -> Result<(Policy, Authz), Failure> {
    let input = input::read(path)?;
    let policy = Policy::from_yaml(&input.name, &input.text)
        .map_err(|error| Failure::input(error.to_string(), lint_help(&input.name)))?;
    let plugin = Authz::configure(policy.json.as_bytes(), &native::node()).map_err(|refusal| {
        Failure::input(format!("`{}` is refused: {refusal}", input.name), lint_help(&input.name))
    })?;
    Ok((policy, plugin))
}

fn lint_help(name: &str) -> String {
    if name.starts_with('<') {
        "`meshward lint -` shows each place".to_owned()
    } else {
        format!("`meshward lint {name}` shows each place")
    }
}
