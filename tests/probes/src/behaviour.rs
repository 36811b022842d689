//! A behaviour: scripts, what the client does, and the transcript that every door must give.

use serde::Deserialize;

/// A file of behaviours.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name, as counted and printed.
    pub family: String,
    /// Its behaviours.
    pub behaviours: Vec<Behaviour>,
}

/// One behaviour.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// A sentence.
    pub name: String,
    /// The code that it follows: file and function of Envoy or of proxy-wasm-cpp-host.
    pub source: String,
    /// The script of the only plugin; `plugins` otherwise.
    #[serde(default)]
    pub script: Option<String>,
    /// The plugins of the chain, first to last.
    #[serde(default)]
    pub plugins: Vec<Plugin>,
    /// Who the client is; nothing written: the connection is plaintext.
    #[serde(default)]
    pub peer: Option<Peer>,
    /// What happens, in order; nothing written: one `GET /`.
    #[serde(default = "one_request")]
    pub steps: Vec<Step>,
    /// Counters and gauges to read at the end, by Envoy's names.
    #[serde(default)]
    pub stats: Vec<String>,
    /// Whether the transcript also has what the canary said: the VM that configures first.
    #[serde(default)]
    pub canary: bool,
    /// Whether it gets an Envoy of its own: it may end it.
    #[serde(default)]
    pub alone: bool,
    /// Whether requests reach upstream and target in an order that chance decides: then they are sorted.
    #[serde(default)]
    pub unordered: bool,
    /// Doors that give another transcript.
    #[serde(default)]
    pub differs: Vec<Difference>,
    /// The transcript.
    #[serde(default)]
    pub expect: String,
}

/// A plugin of the chain.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// Its script.
    #[serde(default)]
    pub script: String,
    /// The VM's script: what every plugin of the VM does.
    #[serde(default)]
    pub vm_script: String,
    /// Plugins of one behaviour with the same word here (and the same VM script) share a VM.
    #[serde(default)]
    pub vm: String,
    /// What happens when the VM has failed.
    #[serde(default)]
    pub failure_policy: Policy,
    /// Whether pausing in a header callback lets the body come.
    #[serde(default)]
    pub stops_at_headers: bool,
    /// The VM's environment.
    #[serde(default)]
    pub environment: Vec<(String, String)>,
}

/// A client over TLS.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// It presents no certificate.
    #[serde(default)]
    pub anonymous: bool,
    /// Its certificate does not lead to the root that the listener trusts.
    #[serde(default)]
    pub untrusted: bool,
    /// The certificate's common name.
    #[serde(default)]
    pub common_name: String,
    /// Its URI names.
    #[serde(default)]
    pub uris: Vec<String>,
    /// Its DNS names.
    #[serde(default)]
    pub dns: Vec<String>,
}

/// What happens to requests when the VM has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// 503.
    #[default]
    Closed,
    /// As if the plugin were not there.
    Open,
    /// A new VM after a while.
    Reload,
}

/// What happens next.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// A request, and waiting for its answer.
    Request(Request),
    /// A request on the connection of the one before, and waiting for its answer.
    Again(Request),
    /// A request whose answer is awaited later.
    Start(Request),
    /// Waits for the answer to the oldest request that was started.
    Finish,
    /// A request whose client will go away.
    Open(Request),
    /// The client of the oldest open request goes away.
    Leave,
    /// Waits until the module has written a line that holds this text.
    Seen(String),
    /// Waits until it has done so as often as this.
    SeenTimes(String, usize),
    /// Another script for a plugin of the chain (counted from 0).
    Update(usize, String),
    /// Nothing happens for so many milliseconds but that time passes.
    Pass(u64),
}

/// A request as the client writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// Path and query. The upstream reads its answer from the query, see [`crate::answer`].
    #[serde(default = "slash")]
    pub path: String,
    /// Header lines in order; a character up to U+00FF is a byte.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    /// The body; none: no body at all.
    #[serde(default)]
    pub body: Option<String>,
    /// Trailers; the body is then sent in chunks.
    #[serde(default)]
    pub trailers: Vec<(String, String)>,
}

/// A transcript of another kind behind some doors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Which door.
    pub door: Door,
    /// Why.
    pub reason: String,
    /// What it gives.
    pub transcript: String,
}

/// Who runs a behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Door {
    /// The embedded host.
    #[serde(rename = "host")]
    Host,
    /// The older Envoy.
    #[serde(rename = "envoy 1.36")]
    OlderEnvoy,
    /// The newest Envoy: the one that the transcripts are taken from.
    #[serde(rename = "envoy 1.40")]
    Envoy,
}

impl Behaviour {
    /// The chain, however it is written.
    #[must_use]
    pub fn chain(&self) -> Vec<Plugin> {
        match &self.script {
            Some(script) => vec![Plugin { script: script.clone(), ..Plugin::default() }],
            None => self.plugins.clone(),
        }
    }

    /// The transcript that a door must give.
    #[must_use]
    pub fn expected(&self, door: Door) -> &str {
        self.difference(door).map_or(self.expect.as_str(), |differs| differs.transcript.as_str())
    }

    /// What is written of a door that differs.
    #[must_use]
    pub fn difference(&self, door: Door) -> Option<&Difference> {
        self.differs.iter().find(|differs| differs.door == door)
    }
}

impl std::fmt::Display for Door {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Host => "host",
            Self::OlderEnvoy => "envoy 1.36",
            Self::Envoy => "envoy 1.40",
        })
    }
}

impl Default for Request {
    fn default() -> Self {
        Self { method: get(), path: slash(), headers: Vec::new(), body: None, trailers: Vec::new() }
    }
}

fn one_request() -> Vec<Step> {
    vec![Step::Request(Request::default())]
}

fn get() -> String {
    "GET".to_owned()
}

fn slash() -> String {
    "/".to_owned()
}

/// The bytes of a text whose characters are bytes (Latin-1).
#[must_use]
pub fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(u32::from(char)).unwrap_or(b'?')).collect()
}
