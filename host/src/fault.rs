//! Faults on demand: which host call goes wrong, and how.

use std::collections::BTreeMap;

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

/// A plan at work, and counts of host calls.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    faults: Vec<Fault>,
    /// Calls since the plan was set.
    seen: u64,
    /// The same by function, for those that the plan names.
    seen_of: BTreeMap<&'static str, u64>,
    /// Which faults have happened, by function.
    pub(crate) happened: Vec<&'static str>,
    /// Calls since the last reset, by function.
    pub(crate) calls: BTreeMap<&'static str, u64>,
    /// Every call in order, when that is kept.
    pub(crate) trace: Option<Vec<&'static str>>,
    /// What happens to the bytes that the running call hands over.
    pub(crate) mangle: Option<FaultKind>,
}

impl Plan {
    /// Sets a plan; its counting begins now.
    pub(crate) fn set(&mut self, faults: Faults) {
        self.faults = faults.faults;
        self.seen = 0;
        self.seen_of.clear();
        self.happened.clear();
    }

    /// A host function is called: counts it, and says whether it fails at once.
    pub(crate) fn enter(&mut self, function: &'static str) -> Option<Status> {
        let count = self.calls.entry(function).or_default();
        *count = count.saturating_add(1);
        if let Some(trace) = &mut self.trace {
            trace.push(function);
        }
        self.mangle = None;
        if self.faults.is_empty() {
            return None;
        }
        self.seen = self.seen.saturating_add(1);
        let seen_of = self.seen_of.entry(function).or_default();
        *seen_of = seen_of.saturating_add(1);
        let (seen, seen_of) = (self.seen, *seen_of);
        let fault = self.faults.iter().find(|fault| match fault.function {
            None => fault.nth == 0 || fault.nth == seen,
            Some(name) => name == function && (fault.nth == 0 || fault.nth == seen_of),
        })?;
        let kind = fault.kind;
        self.happened.push(function);
        match kind {
            FaultKind::Status(status) => Some(status),
            FaultKind::Cut(_) | FaultKind::Garble(_) => {
                self.mangle = Some(kind);
                None
            }
        }
    }

    /// What becomes of bytes that the running call hands over.
    pub(crate) fn mangled(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let mut bytes = bytes;
        match self.mangle.take() {
            Some(FaultKind::Cut(size)) => bytes.truncate(size),
            Some(FaultKind::Garble(seed)) => {
                let mut state = seed | 1;
                for byte in &mut bytes {
                    state =
                        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    *byte ^= state.to_be_bytes().first().copied().unwrap_or_default() | 1;
                }
            }
            Some(FaultKind::Status(_)) | None => {}
        }
        bytes
    }
}
