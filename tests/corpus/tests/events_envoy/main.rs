//! The sentinel in real Envoys: every refusal in one record, none lost without being counted, no secret in any.

#![expect(clippy::expect_used, clippy::panic, reason = "a test says what it expected and stops")]
#![expect(clippy::arithmetic_side_effects, reason = "a test tool: an overflow stops a test")]

mod canary;
mod collector;
mod native;
mod setup;
