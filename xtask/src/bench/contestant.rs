//! Who is measured, and as which filter.

use meshward_harness::config::{Filter, Wasm};
use serde::Serialize;

use super::policy::{self, Kind};
use crate::modules::Plugin;
use crate::paths;

/// One configuration of Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Contestant {
    /// No filter: what the others are compared with.
    Nothing,
    /// The same once more: how far two equal things seem apart here and now.
    NothingAgain,
    /// The stock SDK, nothing implemented, all exports.
    SdkEmpty,
    /// The stock SDK, only the exports of a filter of request headers.
    SdkStripped,
    /// Our host calls, nothing else.
    Floor,
    /// Ours with ten rules of an `AccessPolicy`.
    AuthzAccess,
    /// Ours with the same as an `AuthorizationPolicy`.
    AuthzIstio,
    /// Envoy's own RBAC filter with the same ten rules, for information.
    NativeRbac,
}

/// All of them, in the order of the table; [`Contestant::Nothing`] is the first.
pub(super) const ALL: [Contestant; 8] = [
    Contestant::Nothing,
    Contestant::NothingAgain,
    Contestant::SdkEmpty,
    Contestant::SdkStripped,
    Contestant::Floor,
    Contestant::AuthzAccess,
    Contestant::AuthzIstio,
    Contestant::NativeRbac,
];

impl Contestant {
    /// What the table calls it.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Nothing => "no filter",
            Self::NothingAgain => "no filter, again (noise)",
            Self::SdkEmpty => "stock SDK, empty",
            Self::SdkStripped => "stock SDK, stripped",
            Self::Floor => "floor module",
            Self::AuthzAccess => "authz, AccessPolicy",
            Self::AuthzIstio => "authz, AuthorizationPolicy",
            Self::NativeRbac => "Envoy's RBAC (native)",
        }
    }

    /// The module behind it.
    pub(super) fn module(self) -> Option<Plugin> {
        match self {
            Self::Nothing | Self::NothingAgain | Self::NativeRbac => None,
            Self::SdkEmpty => Some(Plugin::SdkEmpty),
            Self::SdkStripped => Some(Plugin::SdkStripped),
            Self::Floor => Some(Plugin::Floor),
            Self::AuthzAccess | Self::AuthzIstio => Some(Plugin::Authz),
        }
    }

    /// Its filters. Every module is given a configuration, so that reading it is not what makes them differ at the start.
    pub(super) fn filters(self) -> Vec<Filter> {
        let kind = if self == Self::AuthzIstio { Kind::Istio } else { Kind::Access };
        let configuration = policy::ten_rules(kind);
        match self.module() {
            Some(module) => vec![wasm(module, &configuration)],
            None if self == Self::NativeRbac => vec![Filter::Raw(policy::native_rbac())],
            None => Vec::new(),
        }
    }
}

/// A module as a filter.
pub(super) fn wasm(module: Plugin, configuration: &str) -> Filter {
    let file = paths::modules().join(module.name()).with_extension("wasm");
    Filter::Wasm(Wasm::new(&file, configuration))
}
