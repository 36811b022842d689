//! The host's functions as the ABI has them, 0.2.1.

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    pub(crate) fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    pub(crate) fn proxy_get_log_level(level: *mut u32) -> u32;
    pub(crate) fn proxy_get_status(code: *mut u32, data: *mut *mut u8, size: *mut usize) -> u32;
    pub(crate) fn proxy_get_property(p: *const u8, ps: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    pub(crate) fn proxy_set_property(p: *const u8, ps: usize, v: *const u8, vs: usize) -> u32;
    pub(crate) fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    pub(crate) fn proxy_set_header_map_pairs(map: u32, p: *const u8, ps: usize) -> u32;
    pub(crate) fn proxy_get_header_map_size(map: u32, size: *mut usize) -> u32;
    pub(crate) fn proxy_get_header_map_value(
        map: u32,
        n: *const u8,
        ns: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(crate) fn proxy_add_header_map_value(
        map: u32,
        n: *const u8,
        ns: usize,
        v: *const u8,
        vs: usize,
    ) -> u32;
    pub(crate) fn proxy_replace_header_map_value(
        map: u32,
        n: *const u8,
        ns: usize,
        v: *const u8,
        vs: usize,
    ) -> u32;
    pub(crate) fn proxy_remove_header_map_value(map: u32, n: *const u8, ns: usize) -> u32;
    pub(crate) fn proxy_get_buffer_bytes(
        b: u32,
        start: usize,
        most: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    pub(crate) fn proxy_get_buffer_status(b: u32, size: *mut usize, flags: *mut u32) -> u32;
    pub(crate) fn proxy_set_buffer_bytes(b: u32, start: usize, len: usize, v: *const u8, vs: usize) -> u32;
    pub(crate) fn proxy_send_local_response(
        code: u32,
        d: *const u8,
        ds: usize,
        b: *const u8,
        bs: usize,
        h: *const u8,
        hs: usize,
        grpc: i32,
    ) -> u32;
    pub(crate) fn proxy_continue_stream(kind: u32) -> u32;
    pub(crate) fn proxy_close_stream(kind: u32) -> u32;
    pub(crate) fn proxy_http_call(
        c: *const u8,
        cs: usize,
        h: *const u8,
        hs: usize,
        b: *const u8,
        bs: usize,
        t: *const u8,
        ts: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    pub(crate) fn proxy_grpc_call(
        c: *const u8,
        cs: usize,
        s: *const u8,
        ss: usize,
        m: *const u8,
        ms: usize,
        i: *const u8,
        is: usize,
        b: *const u8,
        bs: usize,
        timeout: u32,
        token: *mut u32,
    ) -> u32;
    pub(crate) fn proxy_grpc_stream(
        c: *const u8,
        cs: usize,
        s: *const u8,
        ss: usize,
        m: *const u8,
        ms: usize,
        i: *const u8,
        is: usize,
        token: *mut u32,
    ) -> u32;
    pub(crate) fn proxy_grpc_send(token: u32, m: *const u8, ms: usize, end: u32) -> u32;
    pub(crate) fn proxy_grpc_cancel(token: u32) -> u32;
    pub(crate) fn proxy_grpc_close(token: u32) -> u32;
    pub(crate) fn proxy_get_shared_data(
        k: *const u8,
        ks: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    pub(crate) fn proxy_set_shared_data(k: *const u8, ks: usize, v: *const u8, vs: usize, cas: u32) -> u32;
    pub(crate) fn proxy_register_shared_queue(n: *const u8, ns: usize, token: *mut u32) -> u32;
    pub(crate) fn proxy_resolve_shared_queue(
        v: *const u8,
        vs: usize,
        n: *const u8,
        ns: usize,
        token: *mut u32,
    ) -> u32;
    pub(crate) fn proxy_enqueue_shared_queue(token: u32, v: *const u8, vs: usize) -> u32;
    pub(crate) fn proxy_dequeue_shared_queue(token: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    pub(crate) fn proxy_define_metric(kind: u32, n: *const u8, ns: usize, id: *mut u32) -> u32;
    pub(crate) fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    pub(crate) fn proxy_record_metric(id: u32, value: u64) -> u32;
    pub(crate) fn proxy_get_metric(id: u32, value: *mut u64) -> u32;
    pub(crate) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    pub(crate) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    pub(crate) fn proxy_set_effective_context(context: u32) -> u32;
    pub(crate) fn proxy_done() -> u32;
    pub(crate) fn proxy_call_foreign_function(
        n: *const u8,
        ns: usize,
        v: *const u8,
        vs: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
}
