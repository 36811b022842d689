//! Calls to the host, proxy-wasm ABI 0.2.1: the one module with unsafe code.
//!
//! Bytes in, bytes out; every status is a `Result`, nothing panics. Memory that the host hands over was allocated by
//! [`allocate`] a moment before and is owned by the returned `Vec`.
#![expect(unsafe_code, reason = "this is the boundary: raw pointers to and from the host")]

mod asking;
mod editing;
mod keeping;
mod sys;

use meshward_model::{Severity, UnixMillis};

pub use asking::{
    Token, continue_request, grpc_call, grpc_message, http_call, http_call_body, http_call_headers,
    set_effective_context, set_tick_period, steady_millis,
};
pub use editing::{Map, add_header, remove_header};
pub use keeping::{call, random, set_property, set_shared_data, shared_data};

/// A status of the host other than OK, by its number in the ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(pub u32);

impl Status {
    /// What was asked for is not there.
    pub const NOT_FOUND: Self = Self(1);
    /// An argument does not fit.
    pub const BAD_ARGUMENT: Self = Self(2);
    /// There is something that has no bytes, such as a null.
    pub const SERIALIZATION_FAILURE: Self = Self(3);
    /// Somebody has written it since it was read.
    pub const CAS_MISMATCH: Self = Self(8);
    /// There is no host (the plugin runs natively).
    pub const UNIMPLEMENTED: Self = Self(12);

    fn check(status: u32) -> Result<(), Self> {
        if status == 0 { Ok(()) } else { Err(Self(status)) }
    }
}

/// A metric that the host knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetricId(u32);

/// What kind of metric is defined; the numbers are the ABI's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only goes up.
    Counter = 0,
    /// Has a value.
    Gauge = 1,
}

/// The request's header map.
const REQUEST_HEADERS: u32 = 0;
/// The buffer that holds the plugin's configuration.
const PLUGIN_CONFIGURATION: u32 = 7;
/// The response's header map.
const RESPONSE_HEADERS: u32 = 2;
/// "No gRPC status": Envoy then derives one from the HTTP status for gRPC callers.
const NO_GRPC_STATUS: i32 = -1;

/// Writes one line to the proxy's log.
///
/// # Errors
/// The host's status.
pub fn log(severity: Severity, line: &str) -> Result<(), Status> {
    let level = match severity {
        Severity::Info => 2,
        Severity::Warn => 3,
        Severity::Error => 4,
    };
    // SAFETY: the pointer and length are those of a live `str`.
    Status::check(unsafe { sys::proxy_log(level, line.as_ptr(), line.len()) })
}

/// What time it is.
///
/// # Errors
/// The host's status.
pub fn now() -> Result<UnixMillis, Status> {
    let mut nanos = 0;
    // SAFETY: the host writes eight bytes into a live `u64`.
    Status::check(unsafe { sys::proxy_get_current_time_nanoseconds(&raw mut nanos) })?;
    Ok(UnixMillis::from_nanos(nanos))
}

/// The encoded map of request headers; see `meshward_abi::pairs`.
///
/// # Errors
/// The host's status; there is no map outside of the request-headers callback.
pub fn request_headers() -> Result<Vec<u8>, Status> {
    // SAFETY: the pointers are those that `taken` passes.
    taken(|data, size| unsafe { sys::proxy_get_header_map_pairs(REQUEST_HEADERS, data, size) })
}

/// A property's value; `None` when the proxy has none.
///
/// # Errors
/// The host's status.
pub fn property(path: meshward_abi::property::Path) -> Result<Option<Vec<u8>>, Status> {
    let path = path.bytes();
    // SAFETY: the path is a live slice; the other pointers are those that `taken` passes.
    match taken(|data, size| unsafe { sys::proxy_get_property(path.as_ptr(), path.len(), data, size) }) {
        Ok(value) => Ok(Some(value)),
        Err(Status::NOT_FOUND) => Ok(None),
        Err(status) => Err(status),
    }
}

/// The plugin's configuration, whole.
///
/// # Errors
/// The host's status.
pub fn plugin_configuration(size: usize) -> Result<Vec<u8>, Status> {
    if size == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the pointers are those that `taken` passes.
    taken(|data, len| unsafe { sys::proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, data, len) })
}

/// Answers the request in the upstream's place. `details` is what the access log shows as `%RESPONSE_CODE_DETAILS%`;
/// `headers` is encoded as `meshward_abi::pairs` says. A gRPC caller gets `grpc_status`, or what Envoy makes of `status`.
///
/// # Errors
/// The host's status.
pub fn send_local_response(
    status: u16,
    details: &str,
    body: &str,
    headers: &[u8],
    grpc_status: Option<u8>,
) -> Result<(), Status> {
    // SAFETY: the pointers and lengths are those of live slices.
    Status::check(unsafe {
        sys::proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status.map_or(NO_GRPC_STATUS, i32::from),
        )
    })
}

/// Defines a metric, or finds it when it is there already.
///
/// # Errors
/// The host's status.
pub fn define_metric(kind: MetricKind, name: &str) -> Result<MetricId, Status> {
    let mut id = 0;
    // SAFETY: the name is a live `str`; the host writes four bytes into a live `u32`.
    Status::check(unsafe { sys::proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut id) })?;
    Ok(MetricId(id))
}

/// Adds to a counter.
///
/// # Errors
/// The host's status.
pub fn add(metric: MetricId, by: u32) -> Result<(), Status> {
    // SAFETY: plain numbers.
    Status::check(unsafe { sys::proxy_increment_metric(metric.0, i64::from(by)) })
}

/// Sets a gauge.
///
/// # Errors
/// The host's status.
pub fn record(metric: MetricId, value: u64) -> Result<(), Status> {
    // SAFETY: plain numbers.
    Status::check(unsafe { sys::proxy_record_metric(metric.0, value) })
}

/// How much memory this worker's VM holds, in bytes; it never shrinks.
pub fn memory_bytes() -> u64 {
    const PAGE: u64 = 65_536;
    #[cfg(target_arch = "wasm32")]
    let pages = core::arch::wasm32::memory_size(0);
    #[cfg(not(target_arch = "wasm32"))]
    let pages = 0_usize;
    u64::try_from(pages).unwrap_or(u64::MAX).saturating_mul(PAGE)
}

/// Memory for the host to write into, or null when there is none. What it gives comes back through the call that the host is
/// serving.
pub fn allocate(size: usize) -> *mut u8 {
    match core::alloc::Layout::array::<u8>(size) {
        // SAFETY: the layout is not empty.
        Ok(layout) if size > 0 => unsafe { std::alloc::alloc(layout) },
        Ok(_) | Err(_) => core::ptr::null_mut(),
    }
}

/// Runs a call that hands bytes back, and takes them over.
fn taken(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>, Status> {
    let mut data: *mut u8 = core::ptr::null_mut();
    let mut size: usize = 0;
    Status::check(call(&raw mut data, &raw mut size))?;
    if data.is_null() || size == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the host got `size` bytes from `allocate(size)` during the call, wrote all of them, and keeps no pointer.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}
