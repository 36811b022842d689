//! `authn` in the real Envoys: keys from a server that rotates, fails, lies, and comes back.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected and did"
)]

mod native_filter;
mod outage;
mod rotation;
mod setup;
mod verifying;
