//! Every plausible reading of a part of a request.
//!
//! Paths and hosts have one form, or are refused (`meshward-http`). Queries, cookies and repeated headers have no form that all
//! readers agree on, and are seldom refused for it: [`Attribute::readings`](attribute::Attribute::readings) gives whatever
//! one or another would make of them, and a strict rule holds for certain where it holds in each.

pub mod attribute;
pub mod cookie;
pub mod grpc;
pub mod query;
mod reading;
pub mod regex;
mod scalar;

pub use reading::{Reading, Readings, decoded};
pub use scalar::Scalar;
