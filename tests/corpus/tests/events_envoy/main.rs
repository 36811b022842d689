//! The sentinel in real Envoys: every refusal in one record, none lost without being counted, no secret in any.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected and stops"
)]

mod canary;
mod collector;
mod native;
mod setup;
mod update;
