//! `EventSink`, as it is written.

use meshward_config::given;
#[cfg(feature = "schema")]
use meshward_config::{RawSelector, RawTargetRef};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Where events go, and what of a request they show. Without `otlpHttp` they go to the proxy's log.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an EventSink's spec")]
pub struct RawEventSink {
    /// Events are lines in the proxy's log; the default where nothing else is named.
    #[serde(default, deserialize_with = "given")]
    pub log: Option<RawLog>,
    /// Events are sent to a collector that takes OTLP over HTTP.
    #[serde(default, deserialize_with = "given")]
    pub otlp_http: Option<RawOtlpHttp>,
    /// What of a request events show beside what policies name.
    #[serde(default, deserialize_with = "given")]
    pub show: Option<RawShow>,
    /// Which workloads of the namespace the document is for; all, when left out.
    #[cfg_attr(feature = "schema", schemars(with = "Option<RawSelector>"))]
    #[serde(default, deserialize_with = "given")]
    pub selector: Option<IgnoredAny>,
    /// Which gateways the document is for, in the place of `selector`.
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RawTargetRef>>"))]
    #[serde(default, deserialize_with = "given")]
    pub target_refs: Option<IgnoredAny>,
}

/// The proxy's log; there is nothing to set.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "`{}`")]
pub struct RawLog {}

/// A collector that takes OTLP over HTTP, in its JSON encoding.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "otlpHttp")]
pub struct RawOtlpHttp {
    /// The proxy's name for the collector's cluster; on Istio
    /// `outbound|4318||otel-collector.observability.svc.cluster.local`.
    pub cluster: String,
    /// The path that is posted to; `/v1/logs` by default.
    #[serde(default, deserialize_with = "given")]
    pub path: Option<String>,
    /// The host that is asked for; by default what stands last in the cluster's name.
    #[serde(default, deserialize_with = "given")]
    pub host: Option<String>,
    /// How long a call may take, in milliseconds: 100 to 60,000, 5,000 by default.
    #[serde(default, deserialize_with = "given")]
    pub timeout_millis: Option<u64>,
    /// How events are put together.
    #[serde(default, deserialize_with = "given")]
    pub batch: Option<RawBatch>,
    /// How much a worker holds of what was not sent yet, in bytes: twice a batch to 64 MiB, 4 MiB by default. When it is full, the
    /// oldest events are dropped, and counted.
    #[serde(default, deserialize_with = "given")]
    pub max_queue_bytes: Option<u64>,
}

/// How events are put together.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "batch")]
pub struct RawBatch {
    /// The longest that an event waits for others, in milliseconds: 100 to 60,000, 1,000 by default.
    #[serde(default, deserialize_with = "given")]
    pub every_millis: Option<u64>,
    /// The most events in a call: 1 to 10,000, 512 by default.
    #[serde(default, deserialize_with = "given")]
    pub max_events: Option<u64>,
    /// The most bytes of events in a call: 64 KiB to 4 MiB, 512 KiB by default.
    #[serde(default, deserialize_with = "given")]
    pub max_bytes: Option<u64>,
}

/// What of a request events show.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "show")]
pub struct RawShow {
    /// How paths are shown.
    #[serde(default)]
    pub path: PathShown,
    /// Paths whose segments may be shown, as policies write them: `/v1/orders/{*}`. Those that policies name are shown anyway.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Hosts that may be shown. Those that policies name are shown anyway.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// How paths are shown; never with query and fragment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum PathShown {
    /// Segments that the configuration names; `{*}` for all others, which may hold a secret.
    #[default]
    Named,
    /// As sent. Only where no path holds a secret.
    Whole,
}
