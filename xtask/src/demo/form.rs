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
