//! The host from outside: what a plugin sees, what the caller sees. Plugins are a few lines of WebAssembly text each.

#![expect(clippy::arithmetic_side_effects, reason = "tests: an overflow here fails one")]

mod wat;

mod any_order;
mod callouts;
mod canary;
mod clock;
mod failing;
mod faults;
mod foreign;
mod headers;
mod loading;
mod replies;
mod shared;
mod streams;
