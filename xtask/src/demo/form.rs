//! How the plugins are put into each Envoy: `guard`, all of them in one VM, or each apart as a filter of its own.

use anyhow::{Result, anyhow};
use meshward_pipeline::split::{self, split};

use crate::modules::Plugin;

/// One or many modules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `guard`.
    Guard,
    /// `sentinel`, `ratelimit` (penalty), `authn`, `authz`, `ratelimit` (quota), each where there is a document for it.
    Apart,
}

/// One filter of an Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// What tells it from the others.
    pub(super) name: &'static str,
    /// Its module's name.
    pub(super) module: &'static str,
    /// What the module is configured with.
    pub(super) configuration: String,
}

impl Form {
    /// The modules that it takes.
    pub(super) fn modules(self) -> &'static [Plugin] {
        match self {
            Self::Guard => &[Plugin::Guard],
            Self::Apart => &[Plugin::Sentinel, Plugin::Ratelimit, Plugin::Authn, Plugin::Authz],
        }
    }

    /// A configuration as the filters that carry it out, in the order in which requests meet them.
    pub(super) fn parts(self, whole: &str) -> Result<Vec<Part>> {
        match self {
            Self::Guard => Ok(vec![Part { name: "guard", module: "guard", configuration: whole.to_owned() }]),
            Self::Apart => {
                let parts = split(whole).map_err(|refusal| anyhow!("it cannot be split: {refusal}"))?;
                let part = |part: split::Part| Part {
                    name: part.plugin.name(),
                    module: part.plugin.module(),
                    configuration: part.configuration,
                };
                Ok(parts.into_iter().map(part).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::plugin::configuration;
    use crate::demo::workload::Workload;
    use meshward_model::{Node, Plugin as _, Refusal};
    use meshward_pipeline::{Authn, Authz, Ratelimit, Sentinel};

    fn configure(part: &Part) -> Result<(), Refusal> {
        let (text, node) = (part.configuration.as_bytes(), Node::default());
        match part.module {
            "sentinel" => Sentinel::configure(text, &node).map(drop),
            "ratelimit" => Ratelimit::configure(text, &node).map(drop),
            "authn" => Authn::configure(text, &node).map(drop),
            _ => Authz::configure(text, &node).map(drop),
        }
    }

    #[test]
    fn each_plugin_takes_its_part_of_every_policy() {
        let mut modules = std::collections::BTreeSet::new();
        for workload in Workload::ALL {
            let whole = configuration(workload, false).expect("the policy is accepted");
            for part in Form::Apart.parts(&whole).expect("it can be split") {
                let configured = configure(&part);
                assert!(configured.is_ok(), "{workload:?} {}: {configured:?}", part.name);
                modules.insert(part.module);
            }
        }
        let named: Vec<&str> = Form::Apart.modules().iter().map(|plugin| plugin.name()).collect();
        assert!(modules.len() == named.len() && named.iter().all(|name| modules.contains(name)));
    }
}
