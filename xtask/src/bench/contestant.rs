//! Who is measured, and as which filter.

use anyhow::Result;
use clap::ValueEnum;
use meshward_harness::client::RawRequest;
use meshward_harness::config::{Filter, Wasm};
use serde::Serialize;

use super::measure::Entrant;
use super::policy::{self, Kind};
use super::{floors, scene, stages};
use crate::modules::Plugin;
use crate::paths;

/// One configuration of Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
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
    /// authz's host calls, nothing else.
    AuthzFloor,
    /// Ours with ten rules of an `AccessPolicy`.
    AuthzAccess,
    /// Ours with the same as an `AuthorizationPolicy`.
    AuthzIstio,
    /// authn's host calls.
    AuthnFloor,
    /// `authn`: certificate and token, the token known already.
    Authn,
    /// The quota's host calls.
    QuotaFloor,
    /// `ratelimit` as quota, a bucket for each peer.
    Quota,
    /// sentinel's host calls.
    SentinelFloor,
    /// `sentinel`, which detects.
    Sentinel,
    /// guard's host calls.
    GuardFloor,
    /// All of it in one VM.
    Guard,
    /// All of it, each plugin in a VM of its own.
    Apart,
    /// Envoy's own RBAC filter with the same ten rules, for information.
    NativeRbac,
}

/// All of them, in the order of the table; [`Contestant::Nothing`] is the first.
pub(super) const ALL: [Contestant; 17] = [
    Contestant::Nothing,
    Contestant::NothingAgain,
    Contestant::SdkEmpty,
    Contestant::SdkStripped,
    Contestant::AuthzFloor,
    Contestant::AuthzAccess,
    Contestant::AuthzIstio,
    Contestant::AuthnFloor,
    Contestant::Authn,
    Contestant::QuotaFloor,
    Contestant::Quota,
    Contestant::SentinelFloor,
    Contestant::Sentinel,
    Contestant::GuardFloor,
    Contestant::Guard,
    Contestant::Apart,
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
            Self::AuthzFloor => "authz's floor",
            Self::AuthnFloor => "authn's floor",
            Self::QuotaFloor => "ratelimit's floor",
            Self::SentinelFloor => "sentinel's floor",
            Self::GuardFloor => "guard's floor",
            Self::AuthzAccess => "authz, AccessPolicy",
            Self::AuthzIstio => "authz, AuthorizationPolicy",
            Self::Authn => "authn, mTLS and a token",
            Self::Quota => "ratelimit, a quota",
            Self::Sentinel => "sentinel",
            Self::Guard => "guard, all of these",
            Self::Apart => "the plugins apart",
            Self::NativeRbac => "Envoy's RBAC (native)",
        }
    }

    /// Whose floor it is.
    pub(super) fn floor_of(self) -> Option<Plugin> {
        let floors = [
            (Self::AuthzFloor, Plugin::Authz),
            (Self::AuthnFloor, Plugin::Authn),
            (Self::QuotaFloor, Plugin::Ratelimit),
            (Self::SentinelFloor, Plugin::Sentinel),
            (Self::GuardFloor, Plugin::Guard),
        ];
        floors.into_iter().find_map(|(floor, plugin)| (floor == self).then_some(plugin))
    }

    /// The modules behind it that were built.
    pub(super) fn modules(self) -> &'static [Plugin] {
        match self {
            Self::Nothing | Self::NothingAgain | Self::NativeRbac => &[],
            Self::AuthzFloor
            | Self::AuthnFloor
            | Self::QuotaFloor
            | Self::SentinelFloor
            | Self::GuardFloor => &[],
            Self::SdkEmpty => &[Plugin::SdkEmpty],
            Self::SdkStripped => &[Plugin::SdkStripped],
            Self::AuthzAccess | Self::AuthzIstio => &[Plugin::Authz],
            Self::Authn => &[Plugin::Authn],
            Self::Quota => &[Plugin::Ratelimit],
            Self::Sentinel => &[Plugin::Sentinel],
            Self::Guard => &[Plugin::Guard],
            Self::Apart => &[Plugin::Ratelimit, Plugin::Authn, Plugin::Authz, Plugin::Sentinel],
        }
    }

    /// Its filters. Every module is given a configuration, so that reading it is not what makes them differ at the start.
    pub(super) fn filters(self) -> Vec<Filter> {
        let ten = policy::ten_rules(Kind::Access);
        match self {
            Self::Nothing | Self::NothingAgain => Vec::new(),
            Self::SdkEmpty => vec![wasm(Plugin::SdkEmpty, &ten)],
            Self::SdkStripped => vec![wasm(Plugin::SdkStripped, &ten)],
            Self::AuthzFloor => vec![floor(Plugin::Authz, &ten)],
            Self::AuthnFloor => vec![floor(Plugin::Authn, &stages::authn())],
            Self::QuotaFloor => vec![floor(Plugin::Ratelimit, &stages::quota())],
            Self::SentinelFloor => vec![floor(Plugin::Sentinel, &stages::sentinel())],
            Self::GuardFloor => vec![floor(Plugin::Guard, &stages::guard())],
            Self::AuthzAccess => vec![wasm(Plugin::Authz, &ten)],
            Self::AuthzIstio => vec![wasm(Plugin::Authz, &policy::ten_rules(Kind::Istio))],
            Self::Authn => vec![wasm(Plugin::Authn, &stages::authn())],
            Self::Quota => vec![wasm(Plugin::Ratelimit, &stages::quota())],
            Self::Sentinel => vec![wasm(Plugin::Sentinel, &stages::sentinel())],
            Self::Guard => vec![wasm(Plugin::Guard, &stages::guard())],
            Self::Apart => stages::apart(),
            Self::NativeRbac => vec![Filter::Raw(policy::native_rbac())],
        }
    }
}

impl Entrant for Contestant {
    fn title(self) -> String {
        Self::title(self).to_owned()
    }

    fn filters(self) -> Result<Vec<Filter>> {
        Ok(Self::filters(self))
    }

    fn request(self) -> RawRequest {
        scene::request()
    }

    fn status(self) -> u16 {
        200
    }

    fn share(self) -> u32 {
        1
    }
}

/// A plugin's floor as a filter.
fn floor(plugin: Plugin, configuration: &str) -> Filter {
    Filter::Wasm(Wasm::new(&floors::file(plugin.name()), configuration))
}

/// A module as a filter.
pub(super) fn wasm(module: Plugin, configuration: &str) -> Filter {
    let file = paths::modules().join(module.name()).with_extension("wasm");
    Filter::Wasm(Wasm::new(&file, configuration))
}
