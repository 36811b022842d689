//! The stage as the pipeline sees it: documents, requests and answers in, steps out.
#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on says why and fails"
)]

mod bench;
mod cached;
mod claims;
mod documents;
mod fetched;
mod keys;
mod offloaded;
mod outages;
mod peers;
mod serialized;
