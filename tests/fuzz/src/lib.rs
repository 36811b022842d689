//! What must hold of any bytes.
//!
//! Each target is an ordinary function of bytes that panics where a property does not hold: not only "no panic", but what the
//! reader promises, told a second time and in another way wherever that is possible. `cargo xtask fuzz` runs them under libFuzzer,
//! guided by coverage; `cargo test` runs them on the seeds, on what was found once (`regressions/`), and on some thousand
//! variations of both.

pub mod abi;
pub mod cases;
pub mod decision;
pub mod documents;
mod draft;
pub mod handover;
pub mod host;
pub mod path;
mod places;
pub mod seeds;
pub mod spiffe;
pub mod vary;
pub mod xfcc;

/// A target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its binary behind `fuzz-`.
    pub name: &'static str,
    /// What it holds to what, for people.
    pub about: &'static str,
    /// The function.
    pub body: fn(&[u8]),
    /// The longest input that the engine makes, in bytes.
    pub longest: usize,
}

/// Every target, by name.
pub const ALL: [Target; 9] = [
    Target {
        name: "abi",
        about: "header maps and the few protobuf messages of the proxy-wasm boundary",
        body: abi::body,
        longest: 4096,
    },
    Target {
        name: "cases",
        about: "the text of a cases.yaml, which people write",
        body: cases::body,
        longest: 4096,
    },
    Target {
        name: "decision",
        about: "policies and requests made of the bytes: one verdict, however it is found",
        body: decision::body,
        longest: 2048,
    },
    Target {
        name: "documents",
        about: "the configuration of every plugin: taken or refused, with a place",
        body: documents::body,
        longest: 8192,
    },
    Target {
        name: "handover",
        about: "what `authn` hands over: one spelling, every cut refused",
        body: handover::body,
        longest: 2048,
    },
    Target {
        name: "host",
        about: "`:authority`: one canonical form, or a refusal",
        body: host::body,
        longest: 512,
    },
    Target {
        name: "path",
        about: "`:path`: one canonical form, or a refusal; templates against a slow matcher",
        body: path::body,
        longest: 1024,
    },
    Target {
        name: "spiffe",
        about: "SPIFFE IDs against the standard's grammar; who the peer is",
        body: spiffe::body,
        longest: 2304,
    },
    Target {
        name: "xfcc",
        about: "`x-forwarded-client-cert` says nothing to anybody",
        body: xfcc::body,
        longest: 1024,
    },
];

/// The target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}

/// The proxy that everything is configured for.
pub(crate) fn node() -> meshward_model::Node {
    meshward_model::Node {
        id: "orders.shop".to_owned(),
        namespace: "shop".to_owned(),
        workload: "orders".to_owned(),
        labels: Some(Vec::new()),
    }
}
