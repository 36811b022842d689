//! One corpus, several doors: the same cases through the native core, through the shipped module in the
//! embedded host, and through it in real Envoys.
//!
//! A case ([`case::Case`]) is written in a `cases.yaml` ([`mod@format`]) and says what is given, what is asked, and what comes of
//! it. A door runs cases and gives what was seen ([`seen::Seen`]); [`check`] compares, and is the same for all doors:
//!
//! * [`native`]: the pipeline alone, no proxy. It sees everything: also which rule allowed.
//! * [`envoy`]: `authz.wasm` in a real Envoy, real TLS, real certificates. Verdict, status, reason and rule are read from what
//!   an operator has: the answer, `%RESPONSE_CODE_DETAILS%` in the access log, the event line in Envoy's log, the counters,
//!   and whether the upstream saw the request. Which rule allowed a request is written nowhere, so that only the native door
//!   compares it; that the request was allowed, by this proxy and not by accident, shows in the counter and the upstream.
//! * [`host`]: `authz.wasm` in the embedded host, a fresh proxy for each case. It sees what Envoy shows, can wait, counts host calls
//!   and fuel, and makes host calls fail.
//!
//! Cases live in `policies/*/cases.yaml` (policies to copy) and `tests/corpus/cases/*.yaml` (tables of matchers and tricks).
//! A configuration that must be refused lives in a folder `broken/` ([`broken`]). Which advisories they show is listed
//! ([`advisories`]).

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test tool, not shipped: an overflow here stops a test, it does not open a door"
)]

pub mod advisories;
pub mod broken;
pub mod budgets;
pub mod engines;
pub mod envoy;
pub mod files;
pub mod forms;
pub mod host;
pub mod native;
mod planter;
pub mod stand;
pub mod tally;

/// The corpus cannot be read, or a door cannot be opened. A case that fails is not this but a [`check::Finding`].
pub use meshward_cases::CasesError as CorpusError;
pub use meshward_cases::{case, check, event, format, played, seen};
