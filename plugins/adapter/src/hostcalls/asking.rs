//! Host calls of plugins that ask: callouts, their answers, the timer, and going on with a parked request.

use super::{Status, sys, taken};

/// The header map of the HTTP answer that is being handed over.
const HTTP_CALL_RESPONSE_HEADERS: u32 = 6;
/// The body of the HTTP answer that is being handed over.
const HTTP_CALL_RESPONSE_BODY: u32 = 4;
/// The gRPC message that is being handed over.
const GRPC_RECEIVE_BUFFER: u32 = 5;
/// The request's half of a stream.
const REQUEST: u32 = 0;

/// A call that is under way, as the host knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token(pub u32);

/// Starts an HTTP call; `headers` is encoded as `meshward_abi::pairs` says. The answer comes to the root context.
///
/// # Errors
/// The host's status: there is no such cluster, a pseudo header is missing, or the call ended before it began.
pub fn http_call(cluster: &str, headers: &[u8], body: &[u8], timeout_millis: u32) -> Result<Token, Status> {
    let mut token = 0;
    // SAFETY: the pointers and lengths are those of live slices; the host writes four bytes into a live `u32`.
    Status::check(unsafe {
        sys::proxy_http_call(
            cluster.as_ptr(),
            cluster.len(),
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            core::ptr::null(),
            0,
            timeout_millis,
            &raw mut token,
        )
    })?;
    Ok(Token(token))
}

/// Starts a unary gRPC call; `target` is an encoded `envoy.config.core.v3.GrpcService`. The answer comes to the root context.
///
/// # Errors
/// The host's status: the target cannot be read, there is no such cluster, or the call ended before it began.
pub fn grpc_call(
    target: &[u8],
    service: &str,
    method: &str,
    message: &[u8],
    timeout_millis: u32,
) -> Result<Token, Status> {
    let mut token = 0;
    // SAFETY: the pointers and lengths are those of live slices; the host writes four bytes into a live `u32`.
    Status::check(unsafe {
        sys::proxy_grpc_call(
            target.as_ptr(),
            target.len(),
            service.as_ptr(),
            service.len(),
            method.as_ptr(),
            method.len(),
            core::ptr::null(),
            0,
            message.as_ptr(),
            message.len(),
            timeout_millis,
            &raw mut token,
        )
    })?;
    Ok(Token(token))
}

/// The encoded header map of the HTTP answer; empty when there is none.
///
/// # Errors
/// The host's status.
pub fn http_call_headers() -> Result<Vec<u8>, Status> {
    // SAFETY: the pointers are those that `taken` passes.
    taken(|data, size| unsafe { sys::proxy_get_header_map_pairs(HTTP_CALL_RESPONSE_HEADERS, data, size) })
}

/// The first `size` bytes of the HTTP answer's body.
///
/// # Errors
/// The host's status.
pub fn http_call_body(size: usize) -> Result<Vec<u8>, Status> {
    buffer(HTTP_CALL_RESPONSE_BODY, size)
}

/// The first `size` bytes of the gRPC message.
///
/// # Errors
/// The host's status.
pub fn grpc_message(size: usize) -> Result<Vec<u8>, Status> {
    buffer(GRPC_RECEIVE_BUFFER, size)
}

fn buffer(buffer: u32, size: usize) -> Result<Vec<u8>, Status> {
    if size == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the pointers are those that `taken` passes.
    taken(|data, len| unsafe { sys::proxy_get_buffer_bytes(buffer, 0, size, data, len) })
}

/// The time of a clock that nobody sets, in milliseconds; only differences mean something. ABI 0.2.1 has no such clock, WASI has.
///
/// # Errors
/// WASI's status.
pub fn steady_millis() -> Result<u64, Status> {
    const MONOTONIC: u32 = 1;
    const PRECISION_NANOS: u64 = 1_000_000;
    let mut nanos = 0;
    // SAFETY: the host writes eight bytes into a live `u64`.
    Status::check(unsafe { sys::clock_time_get(MONOTONIC, PRECISION_NANOS, &raw mut nanos) })?;
    Ok(nanos / PRECISION_NANOS)
}

/// Lets the root's timer fire every so many milliseconds from now; 0 stops it.
///
/// # Errors
/// The host's status.
pub fn set_tick_period(millis: u32) -> Result<(), Status> {
    // SAFETY: plain numbers.
    Status::check(unsafe { sys::proxy_set_tick_period_milliseconds(millis) })
}

/// What follows in this callback is about that context.
///
/// # Errors
/// The host's status; there may be no such context any more.
pub fn set_effective_context(context: u32) -> Result<(), Status> {
    // SAFETY: plain numbers.
    Status::check(unsafe { sys::proxy_set_effective_context(context) })
}

/// Lets the request of the effective context go on.
///
/// # Errors
/// The host's status.
pub fn continue_request() -> Result<(), Status> {
    // SAFETY: plain numbers.
    Status::check(unsafe { sys::proxy_continue_stream(REQUEST) })
}
