//! A chain with the sentinel first, a collector, and what Envoy says of them.

use meshward_corpus::engines::Modules;
use meshward_corpus::stand::keeping_ids;
use meshward_harness::collector::{Collector, Received};
use meshward_harness::config::{
    AccessLog, Bootstrap, Cluster, Filter, Http, Listener, LogFormat, Node, Wasm,
};
use meshward_harness::echo::Echo;
use meshward_harness::envoy::{Builder, Envoy};
use meshward_harness::ports::Reserved;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The access log's name; a line reads `code details note port`.
pub(crate) const ACCESS_LOG: &str = "access";
pub(crate) const WITHIN: Duration = Duration::from_secs(60);

/// An upstream, a collector, and the modules.
pub(crate) struct Scene {
    pub(crate) echo: Echo,
    pub(crate) collector: Collector,
    modules: Modules,
    folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let collector =
            Collector::listen("127.0.0.1:0", &folder.path().join("records.jsonl")).expect("a collector");
        let echo = Echo::start().expect("an upstream");
        let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
        Self { echo, collector, modules, folder }
    }

    /// What the collector has taken so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        Collector::read(&self.file()).expect("what the collector wrote")
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("records.jsonl")
    }

    /// A module as a filter of its own VM.
    pub(crate) fn wasm(&self, module: &str, configuration: &Value) -> Filter {
        self.wasm_of(module, module, module, configuration)
    }

    /// A module as a filter of this name. Whoever has the same VM's name has the same shared data.
    pub(crate) fn wasm_of(&self, name: &str, module: &str, vm: &str, configuration: &Value) -> Filter {
        let file = self.modules.of(module).unwrap_or_else(|remedy| panic!("{remedy}"));
        let wasm = Wasm::new(&file, &configuration.to_string());
        Filter::Wasm(Wasm { name: name.to_owned(), vm_id: vm.to_owned(), ..wasm })
    }

    /// The sentinel, which sends to the collector.
    pub(crate) fn sentinel(&self, sink: &Value) -> Filter {
        self.wasm(
            "sentinel",
            &envelope(
                &json!({}),
                &json!([{
                    "apiVersion": "meshward.io/v1alpha1", "kind": "EventSink",
                    "metadata": {"name": "events", "namespace": "istio-system"}, "spec": sink,
                }]),
            ),
        )
    }

    /// `authz`, which refuses everything and leaves its events to the sentinel.
    pub(crate) fn refusing(&self) -> Filter {
        self.wasm("authz", &envelope(&json!({"events": "handover"}), &json!([])))
    }

    /// A listener with these filters.
    pub(crate) fn listener(&self, port: &Reserved, filters: Vec<Filter>) -> Listener {
        let format = "%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %FILTER_STATE(wasm.meshward:PLAIN)% %DOWNSTREAM_LOCAL_PORT%";
        let format = format.to_owned();
        let listener = Listener::on(port.address())
            .http(Http { patch: keeping_ids(), ..Http::default() })
            .access_log(AccessLog { name: ACCESS_LOG.to_owned(), format: LogFormat::Text(format) })
            .route_to("/", "echo");
        filters.into_iter().fold(listener, Listener::filter)
    }

    /// An Envoy with these listeners, before it is started.
    pub(crate) fn envoy(&self, binary: &Path, listeners: Vec<Listener>, workers: u32) -> Builder {
        Envoy::builder(binary).bootstrap(&self.bootstrap(listeners)).concurrency(workers)
    }

    /// The same, whose listeners may be replaced.
    pub(crate) fn updated(&self, binary: &Path, listeners: Vec<Listener>, workers: u32) -> Builder {
        Envoy::builder(binary).bootstrap(&self.bootstrap(listeners).watched()).concurrency(workers)
    }

    /// The same as a description, to which clusters can be added.
    pub(crate) fn bootstrap(&self, listeners: Vec<Listener>) -> Bootstrap {
        Bootstrap::new(listeners)
            .node(Node::workload("shop", "orders"))
            .cluster(Cluster::plain("echo", self.echo.address()))
            .cluster(Cluster::plain("collector", self.collector.address()))
    }
}

/// A configuration with these further fields and documents.
pub(crate) fn envelope(fields: &Value, documents: &Value) -> Value {
    let mut envelope = json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig",
        "peerVerifiedBy": "transport", "documents": documents,
    });
    if let (Some(envelope), Some(fields)) = (envelope.as_object_mut(), fields.as_object()) {
        envelope.extend(fields.clone());
    }
    envelope
}

/// What the sentinel counts.
pub(crate) fn counted(envoy: &Envoy, what: &str) -> u64 {
    envoy.stat(&format!("wasmcustom.meshward_sentinel_{what}_total")).unwrap_or_default()
}
