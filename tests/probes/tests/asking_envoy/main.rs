//! A plugin that asks, in real Envoys: answered, late, never; parked and bounded; gone, trapped and reloaded.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    reason = "a test says what it expected, and what it measured, and stops"
)]

mod answers;
mod bounds;
mod deadlines;
mod doors;
mod failures;
mod setup;
mod ticks;
