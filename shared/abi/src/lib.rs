//! Bytes to values at the proxy-wasm host boundary, and back. ABI 0.2.1; nothing here calls the host.
//!
//! The host is trusted, but one miscounted length would end every request of the worker: everything is checked, and what does
//! not fit is an [`AbiError`].

pub mod declare_property;
pub mod grpc_service;
pub mod pairs;
pub mod property;
mod protobuf;
pub mod verify_signature;

/// Why bytes from the host are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AbiError {
    /// The buffer ends before what it announces.
    #[error("the buffer ends before what it announces")]
    Truncated,
    /// More pairs than [`pairs::MAX_PAIRS`].
    #[error("more than {} pairs", pairs::MAX_PAIRS)]
    TooManyPairs,
    /// A number or a boolean of the wrong width, or out of range.
    #[error("a number of the wrong width or out of range")]
    Number,
}
