//! The harness: throw-away certificates, a real Envoy, a raw HTTP client and a small upstream, all on loopback.
//!
//! The corpus, `cargo xtask demo` and `cargo xtask bench` stand on it. It is synchronous: threads and deadlines; only the
//! gRPC upstream has a runtime, on a thread of its own. A walk through, from certificates to an answer, is in `tests/over_mtls.rs`.
//!
//! * [`certs`]: a certificate authority and the identities that it issues, well formed or not
//! * [`config`]: Envoy's configuration as typed values
//! * [`envoy`]: one Envoy process, its log, its statistics, its updates
//! * [`client`]: requests written byte for byte, over plaintext or TLS
//! * [`echo`]: an upstream that says what it saw
//! * [`upstream`]: upstreams that answer by a script, over HTTP/1.1 and gRPC
//! * [`collector`]: takes log records by OTLP/HTTP and writes them down
//! * [`ports`]: loopback ports that nobody else takes meanwhile
//! * [`poll`]: waiting for a condition, never for a time

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test tool, not shipped: an overflow here stops a test, it does not open a door"
)]

pub mod certs;
pub mod client;
pub mod collector;
pub mod config;
pub mod echo;
pub mod envoy;
mod incoming;
pub mod poll;
pub mod ports;
pub mod upstream;
