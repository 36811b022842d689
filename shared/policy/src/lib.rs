//! Access policy: from documents to a verdict that names its rule.
//!
//! [`Compiler`] reads `AccessPolicy` (meshward's own, strict) and Istio's `AuthorizationPolicy` (as it is, with Istio's
//! meaning) and gives an [`AccessControl`], the stage that decides, which is `meshward-decide`'s.

mod compile;
pub mod raw;
mod regex;
mod scalar;
mod shape;

pub use compile::{Compiler, Tokens};
pub use meshward_decide::AccessControl;
