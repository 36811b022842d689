//! Compiled access policy: what its rules say of a request.
//!
//! [`AccessControl`] is the stage that decides. Nothing here reads documents or can be wrong: `meshward-policy` makes these types, and
//! refuses what would not make sense in them. Where a header match is decided is `matching/header.rs`, a path
//! `matching/operation.rs`, a caller `matching/peer.rs`; what a whole rule says, `rule.rs`; DENY before ALLOW, `set.rs`; which rules are compared
//! with a request at all, `index.rs`.

mod access;
mod index;
pub mod matching;
mod near;
mod pattern;
mod rule;
mod rules;
mod set;
mod truth;

pub use access::AccessControl;
pub use meshward_reading::Scalar;
pub use pattern::Pattern;
pub use rule::{Condition, Rule, Source};
pub use rules::Rules;
pub use set::{Set, Uses};
