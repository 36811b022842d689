//! Access policy: from documents to a verdict that names its rule.
//!
//! [`Compiler`] reads `AccessPolicy` (meshward's own, strict) and Istio's `AuthorizationPolicy` (as it is, with Istio's
//! meaning) and gives an [`AccessControl`], the stage that decides. The evaluator reads the rules one by one; where a header
//! match is decided is `matching/header.rs`, a path `matching/operation.rs`, a caller `matching/peer.rs`.

mod access;
mod compile;
mod matching;
mod pattern;
pub mod raw;
mod rule;
mod scalar;
mod set;
mod truth;

pub use access::AccessControl;
pub use compile::{Compiler, Tokens};
