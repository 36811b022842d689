//! The host's functions, each with its status and what it handed back.

use crate::raw;

/// What a call gave: the status and the bytes.
pub(crate) type Answer = (u32, Vec<u8>);

/// Runs a call that hands bytes back.
fn bytes(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Answer {
    let mut data: *mut u8 = core::ptr::null_mut();
    let mut size: usize = 0;
    let status = call(&raw mut data, &raw mut size);
    if status != 0 || data.is_null() || size == 0 {
        return (status, Vec::new());
    }
    // SAFETY: the host got `size` bytes from `proxy_on_memory_allocate(size)` during the call and wrote all of them.
    (status, unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Runs a call that hands a number back.
fn number(call: impl FnOnce(*mut u32) -> u32) -> (u32, u32) {
    let mut number = 0;
    let status = call(&raw mut number);
    (status, number)
}

/// Writes a line of the log.
pub(crate) fn log(level: u32, text: &[u8]) -> u32 {
    // SAFETY: a live slice.
    unsafe { raw::proxy_log(level, text.as_ptr(), text.len()) }
}

macro_rules! numbers {
    ($($(#[$about:meta])* $name:ident($($arg:ident: $kind:ty),*) = $raw:ident;)*) => {$(
        $(#[$about])*
        pub(crate) fn $name($($arg: $kind),*) -> u32 {
            // SAFETY: plain numbers.
            unsafe { raw::$raw($($arg),*) }
        }
    )*};
}

numbers! {
    /// Lets a stream go on.
    continue_stream(kind: u32) = proxy_continue_stream;
    /// Ends a stream.
    close_stream(kind: u32) = proxy_close_stream;
    /// Adds to a metric.
    increment_metric(id: u32, offset: i64) = proxy_increment_metric;
    /// Sets a metric.
    record_metric(id: u32, value: u64) = proxy_record_metric;
    /// Sets the tick's period.
    set_tick_period(period: u32) = proxy_set_tick_period_milliseconds;
    /// Speaks for another context.
    set_effective_context(context: u32) = proxy_set_effective_context;
    /// Says that a delayed end has come.
    done() = proxy_done;
    /// Takes a gRPC call back.
    grpc_cancel(token: u32) = proxy_grpc_cancel;
    /// Ends a gRPC stream.
    grpc_close(token: u32) = proxy_grpc_close;
}

/// The least level that is written.
pub(crate) fn log_level() -> (u32, u32) {
    // SAFETY: the host writes four bytes into a live `u32`.
    number(|level| unsafe { raw::proxy_get_log_level(level) })
}

/// Code and message of the last gRPC answer.
pub(crate) fn get_status() -> (u32, u32, Vec<u8>) {
    let mut code = 0;
    // SAFETY: a live number; the other pointers are those that `bytes` passes.
    let (status, message) = bytes(|data, size| unsafe { raw::proxy_get_status(&raw mut code, data, size) });
    (status, code, message)
}

/// A property; the path's parts have zeros between them.
pub(crate) fn get_property(path: &[u8]) -> Answer {
    // SAFETY: a live slice; the other pointers are those that `bytes` passes.
    bytes(|data, size| unsafe { raw::proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Sets a property.
pub(crate) fn set_property(path: &[u8], value: &[u8]) -> u32 {
    // SAFETY: live slices.
    unsafe { raw::proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) }
}

/// A whole map.
pub(crate) fn get_pairs(map: u32) -> Answer {
    // SAFETY: the pointers are those that `bytes` passes.
    bytes(|data, size| unsafe { raw::proxy_get_header_map_pairs(map, data, size) })
}

/// Replaces a whole map.
pub(crate) fn set_pairs(map: u32, pairs: &[u8]) -> u32 {
    // SAFETY: a live slice.
    unsafe { raw::proxy_set_header_map_pairs(map, pairs.as_ptr(), pairs.len()) }
}

/// How many bytes a map has.
pub(crate) fn map_size(map: u32) -> (u32, usize) {
    let mut size = 0;
    // SAFETY: a live number.
    let status = unsafe { raw::proxy_get_header_map_size(map, &raw mut size) };
    (status, size)
}

/// One value of a map.
pub(crate) fn get_value(map: u32, name: &[u8]) -> Answer {
    // SAFETY: a live slice; the other pointers are those that `bytes` passes.
    bytes(|data, size| unsafe { raw::proxy_get_header_map_value(map, name.as_ptr(), name.len(), data, size) })
}

/// Adds a value to a map.
pub(crate) fn add_value(map: u32, name: &[u8], value: &[u8]) -> u32 {
    // SAFETY: live slices.
    unsafe { raw::proxy_add_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) }
}

/// Replaces the values of a name.
pub(crate) fn replace_value(map: u32, name: &[u8], value: &[u8]) -> u32 {
    // SAFETY: live slices.
    unsafe {
        raw::proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    }
}

/// Removes a name.
pub(crate) fn remove_value(map: u32, name: &[u8]) -> u32 {
    // SAFETY: a live slice.
    unsafe { raw::proxy_remove_header_map_value(map, name.as_ptr(), name.len()) }
}

/// Bytes of a buffer.
pub(crate) fn get_buffer(buffer: u32, start: usize, most: usize) -> Answer {
    // SAFETY: the pointers are those that `bytes` passes.
    bytes(|data, size| unsafe { raw::proxy_get_buffer_bytes(buffer, start, most, data, size) })
}

/// Size and flags of a buffer.
pub(crate) fn buffer_status(buffer: u32) -> (u32, usize, u32) {
    let (mut size, mut flags) = (0, 0);
    // SAFETY: live numbers.
    let status = unsafe { raw::proxy_get_buffer_status(buffer, &raw mut size, &raw mut flags) };
    (status, size, flags)
}

/// Replaces bytes of a buffer.
pub(crate) fn set_buffer(buffer: u32, start: usize, length: usize, value: &[u8]) -> u32 {
    // SAFETY: a live slice.
    unsafe { raw::proxy_set_buffer_bytes(buffer, start, length, value.as_ptr(), value.len()) }
}

/// Answers in the upstream's place.
pub(crate) fn reply(code: u32, details: &[u8], body: &[u8], headers: &[u8], grpc: i32) -> u32 {
    let (d, b, h) = (details, body, headers);
    // SAFETY: live slices.
    unsafe {
        raw::proxy_send_local_response(
            code,
            d.as_ptr(),
            d.len(),
            b.as_ptr(),
            b.len(),
            h.as_ptr(),
            h.len(),
            grpc,
        )
    }
}

/// Asks a cluster over HTTP.
pub(crate) fn http_call(cluster: &[u8], headers: &[u8], body: &[u8], trailers: &[u8], ms: u32) -> (u32, u32) {
    let (c, h, b, t) = (cluster, headers, body, trailers);
    // SAFETY: live slices and a live number.
    number(|token| unsafe {
        raw::proxy_http_call(
            c.as_ptr(),
            c.len(),
            h.as_ptr(),
            h.len(),
            b.as_ptr(),
            b.len(),
            t.as_ptr(),
            t.len(),
            ms,
            token,
        )
    })
}

/// Asks a service over gRPC: service (configuration or cluster), name, method, metadata.
pub(crate) fn grpc_call(to: [&[u8]; 4], message: &[u8], ms: u32) -> (u32, u32) {
    let [c, s, m, i] = to;
    // SAFETY: live slices and a live number.
    number(|token| unsafe {
        raw::proxy_grpc_call(
            c.as_ptr(),
            c.len(),
            s.as_ptr(),
            s.len(),
            m.as_ptr(),
            m.len(),
            i.as_ptr(),
            i.len(),
            message.as_ptr(),
            message.len(),
            ms,
            token,
        )
    })
}

/// Opens a gRPC stream: service (configuration or cluster), name, method, metadata.
pub(crate) fn grpc_stream(to: [&[u8]; 4]) -> (u32, u32) {
    let [c, s, m, i] = to;
    // SAFETY: live slices and a live number.
    number(|token| unsafe {
        raw::proxy_grpc_stream(
            c.as_ptr(),
            c.len(),
            s.as_ptr(),
            s.len(),
            m.as_ptr(),
            m.len(),
            i.as_ptr(),
            i.len(),
            token,
        )
    })
}

/// Sends on a gRPC stream.
pub(crate) fn grpc_send(token: u32, message: &[u8], end: u32) -> u32 {
    // SAFETY: a live slice.
    unsafe { raw::proxy_grpc_send(token, message.as_ptr(), message.len(), end) }
}

/// A slot of shared data and its CAS value.
pub(crate) fn get_shared(key: &[u8]) -> (u32, Vec<u8>, u32) {
    let mut cas = 0;
    // SAFETY: a live slice and number; the other pointers are those that `bytes` passes.
    let (status, value) = bytes(|data, size| unsafe {
        raw::proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut cas)
    });
    (status, value, cas)
}

/// Writes a slot of shared data.
pub(crate) fn set_shared(key: &[u8], value: &[u8], cas: u32) -> u32 {
    // SAFETY: live slices.
    unsafe { raw::proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) }
}

/// Opens a queue.
pub(crate) fn register_queue(name: &[u8]) -> (u32, u32) {
    // SAFETY: a live slice and number.
    number(|token| unsafe { raw::proxy_register_shared_queue(name.as_ptr(), name.len(), token) })
}

/// Finds a queue of a VM.
pub(crate) fn resolve_queue(vm: &[u8], name: &[u8]) -> (u32, u32) {
    // SAFETY: live slices and a live number.
    number(|token| unsafe {
        raw::proxy_resolve_shared_queue(vm.as_ptr(), vm.len(), name.as_ptr(), name.len(), token)
    })
}

/// Puts bytes into a queue.
pub(crate) fn enqueue(token: u32, value: &[u8]) -> u32 {
    // SAFETY: a live slice.
    unsafe { raw::proxy_enqueue_shared_queue(token, value.as_ptr(), value.len()) }
}

/// Takes the first bytes of a queue.
pub(crate) fn dequeue(token: u32) -> Answer {
    // SAFETY: the pointers are those that `bytes` passes.
    bytes(|data, size| unsafe { raw::proxy_dequeue_shared_queue(token, data, size) })
}

/// Names a metric.
pub(crate) fn define_metric(kind: u32, name: &[u8]) -> (u32, u32) {
    // SAFETY: a live slice and number.
    number(|id| unsafe { raw::proxy_define_metric(kind, name.as_ptr(), name.len(), id) })
}

/// Reads a metric.
pub(crate) fn get_metric(id: u32) -> (u32, u64) {
    let mut value = 0;
    // SAFETY: a live number.
    let status = unsafe { raw::proxy_get_metric(id, &raw mut value) };
    (status, value)
}

/// The time of the day in nanoseconds.
pub(crate) fn time() -> (u32, u64) {
    let mut time = 0;
    // SAFETY: a live number.
    let status = unsafe { raw::proxy_get_current_time_nanoseconds(&raw mut time) };
    (status, time)
}

/// Calls a function that the proxy adds to the ABI.
pub(crate) fn foreign(name: &[u8], value: &[u8]) -> Answer {
    // SAFETY: live slices; the other pointers are those that `bytes` passes.
    bytes(|data, size| unsafe {
        raw::proxy_call_foreign_function(name.as_ptr(), name.len(), value.as_ptr(), value.len(), data, size)
    })
}
