//! Documents to verdicts through the crate's public doors: tables, combining, refusals, properties, and Istio's own regular
//! expressions as an oracle.
#![cfg(not(target_arch = "wasm32"))]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on says why and fails")]

mod addresses;
mod arbitrary;
mod claims;
mod combining;
mod conditions;
mod headers;
mod index;
mod istio_oracle;
mod istio_reference;
mod operations;
mod properties;
mod refused;
mod refused_claims;
mod refused_conditions;
mod refused_documents;
mod refused_operations;
mod refused_sources;
mod sources;
mod specimen;
