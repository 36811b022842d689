//! A case, checked: what the doors run.

use meshward_model::{Node, Refusal, UnixMillis};
use meshward_pipeline::split;
use serde_json::Value;
use std::sync::Arc;

use crate::credential::Credential;
use crate::played::{Form, Link, Which, chain};

/// A configuration as a plugin gets it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Policy {
    /// Where it is written, for people.
    pub name: String,
    /// JSON text.
    pub json: String,
}

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// File and name.
    pub name: String,
    /// The configuration.
    pub policy: Arc<Policy>,
    /// Who calls.
    pub peer: Caller,
    /// Further names in its certificate.
    pub named: Option<Named>,
    /// How the caller is connected.
    pub transport: Transport,
    /// The port that is called.
    pub port: u16,
    /// The proxy that decides.
    pub node: Node,
    /// What stands behind the proxy's clusters.
    pub servers: Vec<Server>,
    /// Plugins that are left out of the chain.
    pub without: Vec<split::Plugin>,
    /// Plugins that stand in the chain twice.
    pub twice: Vec<split::Plugin>,
    /// What another plugin writes where the handover belongs.
    pub planted: Option<Planted>,
    /// How the proxy rewrites paths before the plugin sees them.
    pub normalization: Normalization,
    /// At least one.
    pub steps: Vec<Step>,
    /// The advisories whose trick is tried.
    pub advisories: Vec<String>,
    /// Why the trick works here: a document of Istio's decides as Istio does.
    pub differs: Option<String>,
    /// Doors that cannot run it.
    pub skips: Vec<Skip>,
}

/// What a plugin that is not of meshward writes where the handover belongs, of every request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// What is written.
    pub bytes: Vec<u8>,
    /// The plugin before which that one stands.
    pub before: split::Plugin,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// Nobody that has a name: no certificate.
    Nameless,
    /// Whoever presents a certificate without a URI name.
    Unnamed,
    /// Whoever has this URI name, byte for byte.
    Named(Vec<u8>),
}

/// Names in a certificate beside its URI name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// DNS names.
    pub dns: Vec<String>,
    /// The subject's common name.
    pub common_name: Option<String>,
}

/// How the caller is connected to the plugin's listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// TLS; a certificate may be presented and is verified.
    Tls,
    /// TLS; a certificate may be presented, and one of a foreign authority is let in.
    TlsUntrusted,
    /// No TLS.
    Plaintext,
    /// No TLS; the name stands in filter state, as in a waypoint.
    Waypoint,
}

/// How the proxy rewrites paths before the plugin sees them: the levels of Istio's `meshConfig.pathNormalization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Normalization {
    /// Not at all.
    #[default]
    None,
    /// Dot segments, backslashes, escapes of unreserved characters.
    Base,
    /// And repeated slashes.
    MergeSlashes,
    /// And escaped slashes, which come first.
    DecodeAndMergeSlashes,
}

/// A path of a server behind one of the proxy's clusters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Server {
    /// The cluster, as the policy names it.
    pub cluster: String,
    /// The path.
    pub path: String,
    /// What is answered, one after another; the last one stays. At least one.
    pub answers: Vec<Reply>,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reply {
    /// This.
    Answer {
        /// The status.
        status: u16,
        /// The body.
        body: Vec<u8>,
    },
    /// The connection is closed without an answer.
    Reset,
    /// Nothing; whoever called waits until its time is up.
    Never,
}

/// One request and what comes of it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Milliseconds since the step before.
    pub after: u64,
    /// What is asked.
    pub request: Asked,
    /// The token that it brings.
    pub token: Option<Credential>,
    /// The upstream's status.
    pub upstream: u16,
    /// What comes of it.
    pub expect: Expect,
}

/// What is asked, as bytes.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The method.
    pub method: Vec<u8>,
    /// Path and query, as the caller sends them.
    pub path: Vec<u8>,
    /// Path and query as the proxy passes them on, where it rewrites them.
    pub arrives: Option<Vec<u8>>,
    /// The host.
    pub host: Vec<u8>,
    /// Headers in order.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What comes of a step.
#[derive(Debug, Clone)]
pub enum Expect {
    /// Envoy answers by itself.
    Envoy {
        /// With this status.
        status: u16,
        /// What the plugin decides where no Envoy stands before it.
        without: Option<Box<Expected>>,
    },
    /// The plugin decides.
    Verdict(Expected),
}

/// What the plugin decides, and what is seen of it.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Whether the request goes on.
    pub allowed: bool,
    /// What the caller sees.
    pub status: u16,
    /// The reason's code.
    pub reason: String,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What the shadow documents would have done.
    pub shadow: Option<Because>,
    /// What the answer must hold.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Headers that the answer must not hold.
    pub absent: Vec<String>,
    /// What is written down beside the decision: each is a part of an event.
    pub events: Vec<Value>,
}

/// A reason and, where one decided, its rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// The reason's code.
    pub reason: String,
    /// The rule.
    pub rule: Option<String>,
}

/// A door that cannot run a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip {
    /// Which.
    pub door: Door,
    /// Only where Envoy is older than this (major, minor).
    pub before: Option<(u32, u32)>,
    /// Why.
    pub reason: String,
}

/// A door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The core alone.
    Native,
    /// The module in the embedded host.
    Host,
    /// The module in a real Envoy of this version (major, minor).
    Envoy(u32, u32),
}

impl Step {
    /// What the plugin decides, if a door without Envoy asks it.
    pub fn decided(&self) -> Option<&Expected> {
        match &self.expect {
            Expect::Verdict(expected) => Some(expected),
            Expect::Envoy { without, .. } => without.as_deref(),
        }
    }

    /// What is asked when it is asked at this time.
    pub fn asked_at(&self, now: UnixMillis) -> Asked {
        let mut asked = self.request.clone();
        asked.headers.extend(self.token.iter().map(|token| (b"authorization".to_vec(), token.at(now))));
        asked
    }
}

impl Case {
    /// Whether the case is about plugins that stand apart, so that one that does everything says nothing of it.
    pub fn is_about_a_chain(&self) -> bool {
        !self.without.is_empty() || !self.twice.is_empty() || self.planted.is_some()
    }

    /// Whether what comes of a step depends on what came before, or on servers: whether its policy holds more than access policies.
    pub fn remembers(&self) -> bool {
        let fetches = !self.servers.is_empty() || self.policy.json.contains(r#""jwks":{"#);
        fetches || self.has_kind("RateLimit") || self.has_kind("Detection")
    }

    /// Whether some of what it remembers is in the proxy's shared data.
    pub fn shares(&self) -> bool {
        self.has_kind("Detection") || self.policy.json.contains(r#""scope":"proxy""#)
    }

    fn has_kind(&self, kind: &str) -> bool {
        self.policy.json.contains(&format!(r#""kind":"{kind}""#))
    }

    /// The forms in which it runs.
    pub fn forms(&self) -> impl Iterator<Item = Form> {
        Form::ALL.into_iter().filter(|form| *form == Form::Apart || !self.is_about_a_chain())
    }

    /// The plugins that run it, in the order in which requests meet them.
    ///
    /// # Errors
    /// A policy that cannot be split.
    pub fn chain(&self, form: Form) -> Result<Vec<Link>, Refusal> {
        let links = chain(&self.policy.json, form)?;
        let times = |link: &Link| match link.which {
            Which::Apart(plugin) if self.without.contains(&plugin) => 0,
            Which::Apart(plugin) if self.twice.contains(&plugin) => 2,
            Which::Guard | Which::Apart(_) => 1,
        };
        Ok(links.into_iter().flat_map(|link| core::iter::repeat_n(link.clone(), times(&link))).collect())
    }

    /// What is written where the handover belongs before this plugin of the chain.
    pub fn planted_before(&self, which: Which) -> Option<&[u8]> {
        let planted = self.planted.as_ref().filter(|planted| Which::Apart(planted.before) == which);
        planted.map(|planted| planted.bytes.as_slice())
    }

    /// Why this door does not run the case, if it does not.
    pub fn skipped_by(&self, door: Door) -> Option<&str> {
        let applies = |skip: &&Skip| match (skip.door, door) {
            (Door::Native, Door::Native) | (Door::Host, Door::Host) => true,
            (Door::Envoy(..), Door::Envoy(major, minor)) => {
                skip.before.is_none_or(|before| (major, minor) < before)
            }
            (Door::Native | Door::Host | Door::Envoy(..), _) => false,
        };
        self.skips.iter().find(applies).map(|skip| skip.reason.as_str())
    }
}
