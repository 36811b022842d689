//! From an `EventSink` to sinks. Everything that could go wrong goes wrong here, with a place and a remedy.

use meshward_config::{Place, Problems, own_document, problem};
use meshward_model::{Code, Refusal};

use super::outbox::Bounds;
use super::raw::{PathShown, RawEventSink, RawOtlpHttp, RawShow};
use super::{Counters, Sinks};
use crate::shown::{Shown, is_host, is_path, words};

/// The kind of document that says where events go.
pub const KIND: &str = "EventSink";

/// The longest name of a cluster and the longest path and host, in bytes.
const MAX_TEXT: usize = 1024;

/// A collector, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Otlp {
    pub(super) cluster: String,
    pub(super) path: String,
    pub(super) host: String,
    pub(super) timeout_millis: u32,
    pub(super) every_millis: u32,
    pub(super) bounds: Bounds,
}

/// Makes sinks of at most one `EventSink`: (its path in the configuration, its JSON). `shown` is what the policies name.
///
/// # Errors
/// Every problem found.
pub fn compile(documents: &[(&str, &str)], shown: Shown, counters: Counters) -> Result<Sinks, Refusal> {
    let (path, json) = match documents {
        [] => return Ok(Sinks { log: true, otlp: None, shown, counters }),
        [only] => *only,
        [_, (second, _), ..] => {
            let help = "one EventSink names every sink: put both into one document";
            return Err(problem(Code::SinkDoubled, *second, "a second EventSink", help).into());
        }
    };
    let mut found = Problems::default();
    let read = own_document::<RawEventSink>(&Place::root(path), KIND, json, &mut found);
    let Some((metadata, spec)) = read else { return Err(Refusal { problems: found.into_found() }) };
    if metadata.annotations.get("istio.io/dry-run").is_some() {
        let at = format!("{path}.metadata.annotations");
        let help = "take it away: to watch policies and refuse nothing, write `mode: shadow` in them";
        found.push(problem(Code::DryRunOnAccessPolicy, at, "`istio.io/dry-run` on an EventSink", help));
    }
    let at = format!("{path}.spec");
    let log = spec.log.is_some() || spec.otlp_http.is_none();
    let otlp = spec.otlp_http.map(|raw| otlp(raw, &format!("{at}.otlpHttp"), &mut found));
    let shown = show(spec.show.unwrap_or_default(), shown, &format!("{at}.show"), &mut found);
    if !found.is_empty() {
        return Err(Refusal { problems: found.into_found() });
    }
    Ok(Sinks { log, otlp, shown, counters })
}

impl Otlp {
    /// Whether it sends to the same place.
    pub(super) fn goes_where(&self, other: &Self) -> bool {
        (&self.cluster, &self.path, &self.host) == (&other.cluster, &other.path, &other.host)
    }
}

fn otlp(raw: RawOtlpHttp, at: &str, found: &mut Problems) -> Otlp {
    let RawOtlpHttp { cluster, path, host, timeout_millis, batch, max_queue_bytes } = raw;
    if !is_text(&cluster) {
        let help = "write the name that the proxy's own configuration gives the collector's cluster";
        let message = format!("`{cluster}` is no name of a cluster");
        found.push(problem(Code::BadCluster, format!("{at}.cluster"), message, help));
    }
    let path = path.unwrap_or_else(|| "/v1/logs".to_owned());
    if !is_text(&path) || !path.starts_with('/') || path.contains(['?', '#']) {
        let help = "begin it with `/`, without query; collectors take logs at `/v1/logs`";
        let message = format!("`{path}` is no path to post to");
        found.push(problem(Code::BadCollectorAddress, format!("{at}.path"), message, help));
    }
    // On Istio a cluster's name ends with its host.
    let host = host.unwrap_or_else(|| cluster.rsplit('|').next().unwrap_or_default().to_owned());
    if !is_text(&host) || host.contains(['/', '@', '|', '?', '#']) {
        let help = "write a host, with a port where it has one: `otel-collector.observability:4318`";
        let message = format!("`{host}` is no host");
        found.push(problem(Code::BadCollectorAddress, format!("{at}.host"), message, help));
    }
    let batch = batch.unwrap_or_default();
    let mut bound = |field: &str, value: Option<u64>, least, most, default| {
        bounded(&format!("{at}.{field}"), value, least, most, default, found)
    };
    let timeout = bound("timeoutMillis", timeout_millis, 100, 60_000, 5_000);
    let every = bound("batch.everyMillis", batch.every_millis, 100, 60_000, 1_000);
    let batch_events = bound("batch.maxEvents", batch.max_events, 1, 10_000, 512);
    let batch_bytes = bound("batch.maxBytes", batch.max_bytes, 64 << 10, 4 << 20, 512 << 10);
    let least = batch_bytes.saturating_mul(2);
    let queue_bytes = bound("maxQueueBytes", max_queue_bytes, least, 64 << 20, least.max(4 << 20));
    let size = |value| usize::try_from(value).unwrap_or(usize::MAX);
    let millis = |value| u32::try_from(value).unwrap_or(u32::MAX);
    let bounds = Bounds {
        batch_events: size(batch_events),
        batch_bytes: size(batch_bytes),
        queue_bytes: size(queue_bytes),
    };
    Otlp { cluster, path, host, timeout_millis: millis(timeout), every_millis: millis(every), bounds }
}

fn bounded(at: &str, value: Option<u64>, least: u64, most: u64, default: u64, found: &mut Problems) -> u64 {
    match value {
        None => default,
        Some(value) if (least..=most).contains(&value) => value,
        Some(value) => {
            let help = format!("write {least} to {most}; left out, it is {default}");
            let message = format!("`{value}` is outside of what this takes");
            found.push(problem(Code::SinkBound, at, message, help));
            default
        }
    }
}

fn show(raw: RawShow, mut shown: Shown, at: &str, found: &mut Problems) -> Shown {
    for (index, path) in raw.paths.iter().enumerate() {
        if !is_path(path) {
            let help = "write paths as policies do: `/v1/orders/{*}`";
            let message = format!("`{path}` is no path");
            found.push(problem(Code::BadShown, format!("{at}.paths[{index}]"), message, help));
        } else if words(path).next().is_none() {
            let help = "leave it out: every segment that is not named is written as `{*}`";
            let message = format!("`{path}` holds no word that could be shown");
            found.push(problem(Code::BadShown, format!("{at}.paths[{index}]"), message, help));
        }
        shown.add_path(path);
    }
    for (index, host) in raw.hosts.iter().enumerate() {
        if !is_text(host) || !is_host(host) {
            let help = "write whole hosts, without port: `orders.shop.svc.cluster.local`";
            let message = format!("`{host}` is no host");
            found.push(problem(Code::BadShown, format!("{at}.hosts[{index}]"), message, help));
        }
        shown.add_host(host);
    }
    shown.with_whole_paths(raw.path == PathShown::Whole)
}

/// Visible ASCII, and some of it.
fn is_text(text: &str) -> bool {
    (1..=MAX_TEXT).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
