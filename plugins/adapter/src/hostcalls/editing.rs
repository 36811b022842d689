//! Host calls that change headers.

use super::{REQUEST_HEADERS, RESPONSE_HEADERS, Status, sys};

/// A header map that can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// The request's, before it goes on.
    Request,
    /// The response's, in its callback.
    Response,
}

impl Map {
    const fn number(self) -> u32 {
        match self {
            Self::Request => REQUEST_HEADERS,
            Self::Response => RESPONSE_HEADERS,
        }
    }
}

/// Removes every value of a header.
///
/// # Errors
/// The host's status; there is no map after the message went on.
pub fn remove_header(map: Map, name: &[u8]) -> Result<(), Status> {
    // SAFETY: the name is a live slice.
    Status::check(unsafe { sys::proxy_remove_header_map_value(map.number(), name.as_ptr(), name.len()) })
}

/// Adds a header beside those that are there.
///
/// # Errors
/// The host's status; there is no map after the message went on.
pub fn add_header(map: Map, name: &[u8], value: &[u8]) -> Result<(), Status> {
    // SAFETY: name and value are live slices.
    Status::check(unsafe {
        sys::proxy_add_header_map_value(map.number(), name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}
