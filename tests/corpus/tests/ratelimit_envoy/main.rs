//! The `ratelimit` plugin in a real Envoy: how exactly its workers share a bucket, what callers are told, who gets into the penalty
//! box and out of it, and what becomes of all that when a VM is lost or shared data holds rubbish.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it expected and measured, and stops"
)]

mod accuracy;
mod flood;
mod penalty;
mod quota;
mod setup;
mod trapping;
