//! Which documents of a text are policies, and which are not ours.

use meshward_config::closest;
use meshward_model::Code;

use crate::finding::{Finding, Severity};
use crate::input::Input;
use crate::yaml::{self, Kind, Node};

/// What goes to the compiler in one piece.
#[derive(Debug)]
pub(super) enum Unit {
    /// A `PluginConfig`, and the path to it in its document (empty when it is the document).
    Config(String, Node),
    /// Documents without an envelope, each with the path to it.
    Bare(Vec<(String, Node)>),
}

/// What an input holds.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) units: Vec<Unit>,
    pub(super) policies: usize,
    pub(super) skipped: Vec<String>,
    pub(super) findings: Vec<Finding>,
    bare: Vec<(String, Node)>,
    /// A list of Kubernetes may be empty, which is no mistake.
    has_list: bool,
}

const OURS: [&str; 4] = ["PluginConfig", "AccessPolicy", "Authentication", "AuthorizationPolicy"];

/// Kinds of Istio's security API that are not decided here.
const ISTIO_OTHERS: [&str; 2] = ["RequestAuthentication", "PeerAuthentication"];

/// Sorts the documents of an input.
pub(super) fn sort(input: &Input) -> Sorted {
    let texts = yaml::read(&input.text);
    let mut sorted = Sorted::default();
    for document in texts.documents {
        let before = sorted.policies;
        sorted.document(String::new(), document.root);
        // What is odd about the YAML of other people's documents is not ours to say.
        if sorted.policies > before || input.named {
            sorted.findings.extend(document.findings);
        }
    }
    let mentions_us = ["meshward.io/", "AuthorizationPolicy", "AccessPolicy", "PluginConfig"];
    if input.named || mentions_us.iter().any(|word| input.text.contains(word)) {
        sorted.findings.extend(texts.broken);
    } else if !texts.broken.is_empty() {
        sorted.skipped.push("text that is not YAML".to_owned());
    }
    if !sorted.bare.is_empty() {
        let bare = core::mem::take(&mut sorted.bare);
        sorted.units.push(Unit::Bare(bare));
    }
    if input.named && sorted.policies == 0 && sorted.findings.is_empty() && !sorted.has_list {
        let finding = nothing_here(input, &sorted.skipped);
        sorted.findings.push(finding);
    }
    sorted
}

fn nothing_here(input: &Input, skipped: &[String]) -> Finding {
    let what = if skipped.is_empty() { "it is empty".to_owned() } else { skipped.join(", ") };
    let help = if skipped.iter().any(|what| what == CASES) {
        "`meshward test` reads the cases of a policy"
    } else {
        "lint reads PluginConfig, AccessPolicy, AuthorizationPolicy, and WasmPlugin or TrafficExtension with meshward's pluginConfig"
    };
    let span = yaml::first_line(&input.text, &(0..input.text.len()));
    let message = format!("there is no policy in here: {what}");
    Finding::new(Code::NoPolicy, Severity::Warning, span, message, help)
}

/// What a file of cases is called among what is skipped.
pub(super) const CASES: &str = "cases of a policy";

impl Sorted {
    fn document(&mut self, path: String, node: Node) {
        match &node.kind {
            Kind::Map(_) => self.mapping(path, node),
            Kind::List(items) => {
                let ours =
                    items.iter().any(|item| item.text("kind").is_some_and(|kind| OURS.contains(&kind)));
                if ours {
                    self.policies = self.policies.saturating_add(1);
                    self.findings.push(Finding::new(
                        Code::DocumentList,
                        Severity::Error,
                        first_of(&node),
                        "a list of documents where a document is expected",
                        "put `---` between documents instead of `- ` before them, or put the list under `documents:` of a PluginConfig",
                    ));
                } else {
                    self.skipped.push("a list".to_owned());
                }
            }
            Kind::Scalar(_) => self.skipped.push("a lone value".to_owned()),
        }
    }

    fn mapping(&mut self, path: String, node: Node) {
        let kind = node.text("kind").unwrap_or_default().to_owned();
        let group = node.text("apiVersion").and_then(|version| version.split('/').next()).unwrap_or_default();
        match kind.as_str() {
            "WasmPlugin" => self.manifest(&path, &node, "spec", "pluginConfig"),
            "TrafficExtension" => self.manifest(&path, &node, "spec.wasm", "pluginConfig"),
            "AccessPolicy" | "AuthorizationPolicy" => self.bare(path, node),
            _ if is_config(&node, &kind, group) => self.config(path, node),
            _ if kind.ends_with("List") && node.get("items").is_some() => self.list(&path, &node),
            _ if group == "meshward.io" => self.bare(path, node),
            _ if group == "security.istio.io" && !ISTIO_OTHERS.contains(&kind.as_str()) => {
                self.bare(path, node)
            }
            "" if has_rules(&node) => self.bare(path, node),
            "" if node.get("cases").is_some() => self.skipped.push(CASES.to_owned()),
            "" => self.skipped.push("a mapping without `kind`".to_owned()),
            _ => self.skipped.push(format!("kind {}", kind.escape_debug())),
        }
    }

    fn bare(&mut self, path: String, node: Node) {
        self.policies = self.policies.saturating_add(1);
        self.bare.push((path, node));
    }

    fn config(&mut self, path: String, node: Node) {
        let documents = node.get("documents").map_or(0, |documents| documents.items().len());
        self.policies = self.policies.saturating_add(documents.max(1));
        self.units.push(Unit::Config(path, node));
    }

    fn list(&mut self, path: &str, node: &Node) {
        self.has_list = true;
        for (at, item) in node.get("items").map(Node::items).unwrap_or_default().iter().enumerate() {
            self.document(join(path, &format!("items[{at}]")), item.clone());
        }
    }

    /// A manifest that carries a configuration to proxies.
    fn manifest(&mut self, path: &str, node: &Node, plugin: &str, config: &str) {
        let kind = node.text("kind").unwrap_or_default();
        let found = node.follow(plugin);
        let plugin_node = if found.whole { found.node } else { node };
        let named_so = ["url", "pluginName"]
            .iter()
            .any(|field| plugin_node.text(field).is_some_and(|text| text.contains("meshward")));
        let Some(entry) = plugin_node.entry(config) else {
            self.skipped.push(format!("kind {kind} without a configuration"));
            return;
        };
        let path = join(path, &join(plugin, config));
        let inner = entry.value.text("apiVersion").unwrap_or_default();
        let is_ours = inner.starts_with("meshward.io/") || named_so || is_envelope(&entry.value);
        let text = match &entry.value.kind {
            Kind::Scalar(value) => value.as_str(),
            Kind::List(_) | Kind::Map(_) => None,
        };
        match text {
            Some(text) if named_so || text.contains("meshward.io/") => {
                self.policies = self.policies.saturating_add(1);
                let mut finding = Finding::new(
                    Code::ManifestConfigAsText,
                    Severity::Error,
                    entry.key_span.clone(),
                    format!("`{config}` is text here, and {kind} takes a mapping"),
                    "take the `|` or the quotes away, so that the configuration is part of the manifest",
                );
                finding.path = path;
                self.findings.push(finding);
            }
            None if is_ours => {
                self.fails_open(plugin_node, plugin);
                self.config(path, entry.value.clone());
            }
            Some(_) | None => self.skipped.push(format!("kind {kind} of another plugin")),
        }
    }

    fn fails_open(&mut self, plugin: &Node, path: &str) {
        if plugin.text("failStrategy") != Some("FAIL_OPEN") {
            return;
        }
        let Some(strategy) = plugin.get("failStrategy") else { return };
        let mut finding = Finding::new(
            Code::ManifestFailsOpen,
            Severity::Error,
            strategy.span.clone(),
            "`FAIL_OPEN` lets every request through when the module cannot be loaded or has failed",
            "write `FAIL_RELOAD` (Istio 1.27 and later), else `FAIL_CLOSE`",
        );
        finding.path = join(path, "failStrategy");
        self.findings.push(finding);
    }
}

fn is_config(node: &Node, kind: &str, group: &str) -> bool {
    kind == "PluginConfig"
        || (group == "meshward.io" && closest(kind, OURS) == Some("PluginConfig"))
        || (matches!(group, "" | "meshward.io") && kind.is_empty() && is_envelope(node))
}

/// Whether it has what only our envelope has.
fn is_envelope(node: &Node) -> bool {
    node.get("peerVerifiedBy").is_some() || node.get("whenNothingApplies").is_some() || {
        node.get("documents").is_some_and(|list| {
            list.items().iter().any(|item| item.text("kind").is_some_and(|kind| OURS.contains(&kind)))
        })
    }
}

fn has_rules(node: &Node) -> bool {
    node.get("spec").is_some_and(|spec| spec.get("rules").is_some()) && node.get("metadata").is_some()
}

fn first_of(node: &Node) -> core::ops::Range<usize> {
    match node.items().first().map(|item| &item.kind) {
        Some(Kind::Map(entries)) => {
            entries.first().map_or_else(|| node.span.clone(), |entry| entry.key_span.clone())
        }
        Some(Kind::Scalar(_) | Kind::List(_)) | None => node.span.clone(),
    }
}

/// Two paths, one after the other.
pub(super) fn join(before: &str, after: &str) -> String {
    match (before, after) {
        ("", after) => after.to_owned(),
        (before, "") => before.to_owned(),
        (before, after) if after.starts_with('[') => format!("{before}{after}"),
        (before, after) => format!("{before}.{after}"),
    }
}
