//! Host calls of plugins that keep something outside of themselves: filter state, shared data, the proxy's own functions; and
//! chance.

use meshward_abi::property::Path;
use meshward_model::Cas;

use super::{Status, sys, taken};

/// Writes a property of the stream: an entry of its filter state, named `wasm.` and the path.
///
/// # Errors
/// The host's status: it was declared read-only and is there already, or there is no stream.
pub fn set_property(path: Path, value: &[u8]) -> Result<(), Status> {
    let path = path.bytes();
    // SAFETY: the pointers and lengths are those of live slices.
    Status::check(unsafe { sys::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// Reads a slot of shared data: its value and what a write must expect; `None` when there is no such slot.
///
/// # Errors
/// The host's status.
pub fn shared_data(slot: &str) -> Result<Option<(Vec<u8>, Cas)>, Status> {
    let mut cas = 0;
    // SAFETY: the key is a live slice; the host writes four bytes into a live `u32`; the other pointers are those that `taken`
    // passes.
    let read = taken(|data, size| unsafe {
        sys::proxy_get_shared_data(slot.as_ptr(), slot.len(), data, size, &raw mut cas)
    });
    match read {
        Ok(value) => Ok(Some((value, Cas(cas)))),
        Err(Status::NOT_FOUND) => Ok(None),
        Err(status) => Err(status),
    }
}

/// Writes a slot of shared data, if it still is as expected; `false` when somebody has written it since.
///
/// The host compares nothing where it is given 0, and creates a slot that is not there whatever is expected; so what is expected
/// of a slot that is not there is a number that no slot has.
///
/// # Errors
/// The host's status.
pub fn set_shared_data(slot: &str, value: &[u8], expected: Cas) -> Result<bool, Status> {
    let expected = if expected.0 == 0 { Cas::ABSENT } else { expected };
    // SAFETY: the pointers and lengths are those of live slices.
    let status = unsafe {
        sys::proxy_set_shared_data(slot.as_ptr(), slot.len(), value.as_ptr(), value.len(), expected.0)
    };
    match Status::check(status) {
        Ok(()) => Ok(true),
        Err(Status::CAS_MISMATCH) => Ok(false),
        Err(status) => Err(status),
    }
}

/// Calls a function that the proxy has beside the ABI.
///
/// # Errors
/// The host's status: it has no such function, or the argument does not fit.
pub fn call(function: &str, argument: &[u8]) -> Result<Vec<u8>, Status> {
    // SAFETY: the pointers and lengths are those of live slices; the others are those that `taken` passes.
    taken(|data, size| unsafe {
        sys::proxy_call_foreign_function(
            function.as_ptr(),
            function.len(),
            argument.as_ptr(),
            argument.len(),
            data,
            size,
        )
    })
}

/// A random number.
///
/// # Errors
/// WASI's status.
pub fn random() -> Result<u64, Status> {
    let mut bytes = [0; 8];
    // SAFETY: the host writes eight bytes into a live array.
    Status::check(unsafe { sys::random_get(bytes.as_mut_ptr(), bytes.len()) })?;
    Ok(u64::from_le_bytes(bytes))
}
