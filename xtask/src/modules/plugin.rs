//! Which modules there are: what each is called, where it lies, what it exports, what it may weigh.

use std::path::PathBuf;

use anyhow::Result;

use super::doors;
use crate::paths;

/// A module that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plugin {
    /// What ships: who the caller is.
    Authn,
    /// What ships: access policy.
    Authz,
    /// What ships: quotas, and the penalty box.
    Ratelimit,
    /// What ships: watches, detects, writes down.
    Sentinel,
    /// What ships: all of these in one VM.
    Guard,
    /// A probe: the stage that uses all six doors, for the tests of the adapter.
    Asking,
    /// The bench's rival: the stock SDK with nothing implemented, every export kept.
    SdkEmpty,
    /// The same with only those exports that a filter of request headers needs.
    SdkStripped,
    /// The module of `tests/probes`: does what a script says.
    Probe,
}

/// All of them, in the order of `build`.
pub(crate) const ALL: [Plugin; 9] = [
    Plugin::Authn,
    Plugin::Authz,
    Plugin::Ratelimit,
    Plugin::Sentinel,
    Plugin::Guard,
    Plugin::Asking,
    Plugin::SdkEmpty,
    Plugin::SdkStripped,
    Plugin::Probe,
];

impl Plugin {
    /// The file's name without `.wasm`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Authn => "authn",
            Self::Authz => "authz",
            Self::Ratelimit => "ratelimit",
            Self::Sentinel => "sentinel",
            Self::Guard => "guard",
            Self::Asking => "asking",
            Self::SdkEmpty => "sdk_empty",
            Self::SdkStripped => "sdk_stripped",
            Self::Probe => "probe",
        }
    }

    /// The crate that it is made of.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Authn => "meshward-authn",
            Self::Authz => "meshward-authz",
            Self::Ratelimit => "meshward-ratelimit",
            Self::Sentinel => "meshward-sentinel",
            Self::Guard => "meshward-guard",
            Self::Asking => "meshward-asking",
            Self::SdkEmpty | Self::SdkStripped => "meshward-bench-sdk-empty",
            Self::Probe => "meshward-probe",
        }
    }

    /// Where its line `plugin!` stands, if it is one of the adapter's.
    fn source(self) -> Option<PathBuf> {
        let folder = match self {
            Self::Authn | Self::Authz | Self::Ratelimit | Self::Sentinel | Self::Guard => "plugins",
            Self::Asking => "tests/probes",
            Self::SdkEmpty | Self::SdkStripped | Self::Probe => return None,
        };
        Some(paths::root().join(folder).join(self.name()).join("src/lib.rs"))
    }

    /// Whether there is anything in it yet: a plugin that is planned is a crate without its line `plugin!`.
    pub(crate) fn is_there(self) -> Result<bool> {
        self.source().map_or(Ok(true), |source| Ok(doors::of(&source)?.is_some()))
    }

    /// The exports that it must have and may keep; `None`: whatever its crates export.
    pub(crate) fn exports(self) -> Result<Option<Vec<&'static str>>> {
        if let Some(source) = self.source() {
            let doors = doors::of(&source)?;
            return doors.map(|doors| doors::exports(&doors)).transpose();
        }
        match self {
            Self::SdkStripped => doors::exports(&[]).map(Some),
            Self::Authn | Self::Authz | Self::Ratelimit | Self::Sentinel | Self::Guard | Self::Asking => {
                Ok(None)
            }
            Self::SdkEmpty | Self::Probe => Ok(None),
        }
    }

    /// The most that it may weigh, in KiB: start-up time in every proxy of the mesh.
    pub(crate) fn ceiling_kib(self) -> Option<u32> {
        match self {
            Self::Authn => Some(800),
            // The plan said 400, before an access policy said what Istio's cannot (docs/decisions/0009).
            Self::Authz => Some(480),
            // The plan said 350; what every plugin has in common (reading a configuration, OCSF, asking) is 240 of it.
            Self::Ratelimit | Self::Sentinel => Some(400),
            Self::Guard => Some(1_200),
            Self::Asking | Self::SdkEmpty | Self::SdkStripped | Self::Probe => None,
        }
    }
}
