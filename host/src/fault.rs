//! Faults on demand: which host call goes wrong, and how.

use crate::Status;

/// How a host call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing is done, and this is answered (WASI functions answer it as their errno).
    Status(Status),
    /// It is done, but of what it hands over only so many bytes come.
    Cut(usize),
    /// It is done, but the bytes that it hands over are garbled, by this seed.
    Garble(u64),
}

/// One host call that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Only calls of this function count, for example `proxy_get_property`; `None` counts all.
    pub function: Option<&'static str>,
    /// Which of them, the first is 1; 0 is every one.
    pub nth: u64,
    /// How it goes wrong.
    pub kind: FaultKind,
}

/// A plan of faults; the default has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Faults {
    /// The faults.
    pub faults: Vec<Fault>,
}

impl Faults {
    /// No fault.
    #[must_use]
    pub const fn none() -> Self {
        Self { faults: Vec::new() }
    }

    /// The `nth` host call overall (the first is 1) goes wrong.
    #[must_use]
    pub fn nth(nth: u64, kind: FaultKind) -> Self {
        Self { faults: vec![Fault { function: None, nth, kind }] }
    }

    /// The `nth` call of `function` goes wrong.
    #[must_use]
    pub fn nth_of(function: &'static str, nth: u64, kind: FaultKind) -> Self {
        Self { faults: vec![Fault { function: Some(function), nth, kind }] }
    }
}
