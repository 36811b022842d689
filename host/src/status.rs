//! What a host function answers.

/// A host function's status, by its number in the ABI (cpp-host `include/proxy-wasm/wasm_vm.h`, `WasmResult`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// What was asked for is not there.
    NotFound = 1,
    /// An argument does not fit, or what it names is not available now.
    BadArgument = 2,
    /// A value cannot be written as bytes.
    SerializationFailure = 3,
    /// Bytes cannot be read as a value.
    ParseFailure = 4,
    /// An expression cannot be evaluated.
    BadExpression = 5,
    /// A pointer or a length is outside of the VM's memory.
    InvalidMemoryAccess = 6,
    /// Nothing is in the queue.
    Empty = 7,
    /// The value has changed since it was read.
    CasMismatch = 8,
    /// A result came that was not expected.
    ResultMismatch = 9,
    /// The host failed.
    InternalFailure = 10,
    /// The connection broke.
    BrokenConnection = 11,
    /// The host does not have this.
    Unimplemented = 12,
}

impl Status {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }
}
