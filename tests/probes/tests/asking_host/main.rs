//! A plugin that asks, in the embedded host: the scenarios of `asking_envoy` on a clock that a test moves, and what no Envoy can
//! be made to do: every host call failing in turn.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected, and what it ran, and stops"
)]

mod doors;
mod faults;
mod handover;
mod scenarios;
mod setup;
mod shared_vm;
