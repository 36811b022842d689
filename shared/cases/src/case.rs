//! A case, checked: what the doors run.

use std::sync::Arc;

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
    /// How the caller is connected.
    pub transport: Transport,
    /// The port that is called.
    pub port: u16,
    /// At least one.
    pub steps: Vec<Step>,
    /// Doors that cannot run it.
    pub skips: Vec<Skip>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// Nobody that has a name.
    Nameless,
    /// Whoever has this URI name, byte for byte.
    Named(Vec<u8>),
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

/// One request and what comes of it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Milliseconds since the step before.
    pub after: u64,
    /// What is asked.
    pub request: Asked,
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
    /// Path and query.
    pub path: Vec<u8>,
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

impl Case {
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
