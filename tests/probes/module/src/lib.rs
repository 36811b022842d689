//! A module that does what a script says and writes down what the host answers.
//!
//! Raw ABI 0.2.1: no SDK and none of our crates, so that what it sees is what the host gives. Its configuration is the script,
//! see `script.rs`: for each callback a list of host calls. Every callback that the script names writes one line of its own
//! and one line for each call, all at the level `info`:
//!
//! ```text
//! [s1 request_headers n=5 eos=1]
//!   get request_headers x-a -> Ok "1"
//! ```
//!
//! `root` is the plugin's own context, `s1` its first stream, `s2` the second. Numbers that a host is free to choose (tokens,
//! ids, CAS values) become names in the order in which they were first seen: `call1`, `metric1`, `cas1`.
#![expect(unsafe_code, reason = "raw pointers to and from the host; exported names are fixed by the ABI")]

mod callbacks;
mod host;
mod metadata;
mod names;
mod pairs;
mod perform;
mod probe;
mod raw;
mod script;
mod services;
mod show;
