//! The host's functions, as the ABI names them; natively there is no host.

#[cfg(target_arch = "wasm32")]
pub(super) use wasm::*;

#[cfg(not(target_arch = "wasm32"))]
pub(super) use native::*;

#[cfg(target_arch = "wasm32")]
mod wasm {
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub(crate) fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
        pub(crate) fn random_get(data: *mut u8, size: usize) -> u32;
    }

    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub(crate) fn proxy_log(level: u32, data: *const u8, size: usize) -> u32;
        pub(crate) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
        pub(crate) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
        pub(crate) fn proxy_set_effective_context(context: u32) -> u32;
        pub(crate) fn proxy_continue_stream(stream: u32) -> u32;
        pub(crate) fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
        pub(crate) fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
        pub(crate) fn proxy_add_header_map_value(
            map: u32,
            name: *const u8,
            name_size: usize,
            value: *const u8,
            value_size: usize,
        ) -> u32;
        pub(crate) fn proxy_get_property(
            path: *const u8,
            path_size: usize,
            data: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(crate) fn proxy_set_property(
            path: *const u8,
            path_size: usize,
            value: *const u8,
            value_size: usize,
        ) -> u32;
        pub(crate) fn proxy_get_shared_data(
            key: *const u8,
            key_size: usize,
            data: *mut *mut u8,
            size: *mut usize,
            cas: *mut u32,
        ) -> u32;
        pub(crate) fn proxy_set_shared_data(
            key: *const u8,
            key_size: usize,
            value: *const u8,
            value_size: usize,
            cas: u32,
        ) -> u32;
        pub(crate) fn proxy_call_foreign_function(
            name: *const u8,
            name_size: usize,
            argument: *const u8,
            argument_size: usize,
            data: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(crate) fn proxy_get_buffer_bytes(
            buffer: u32,
            start: usize,
            max_size: usize,
            data: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(crate) fn proxy_send_local_response(
            status: u32,
            details: *const u8,
            details_size: usize,
            body: *const u8,
            body_size: usize,
            headers: *const u8,
            headers_size: usize,
            grpc_status: i32,
        ) -> u32;
        pub(crate) fn proxy_http_call(
            cluster: *const u8,
            cluster_size: usize,
            headers: *const u8,
            headers_size: usize,
            body: *const u8,
            body_size: usize,
            trailers: *const u8,
            trailers_size: usize,
            timeout: u32,
            token: *mut u32,
        ) -> u32;
        pub(crate) fn proxy_grpc_call(
            target: *const u8,
            target_size: usize,
            service: *const u8,
            service_size: usize,
            method: *const u8,
            method_size: usize,
            metadata: *const u8,
            metadata_size: usize,
            message: *const u8,
            message_size: usize,
            timeout: u32,
            token: *mut u32,
        ) -> u32;
        pub(crate) fn proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) -> u32;
        pub(crate) fn proxy_increment_metric(id: u32, offset: i64) -> u32;
        pub(crate) fn proxy_record_metric(id: u32, value: u64) -> u32;
    }
}

/// Every call is unimplemented, so that the adapter can be checked and documented anywhere.
#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::too_many_arguments, reason = "the ABI's")]
mod native {
    use crate::hostcalls::Status;

    type Bytes = *const u8;
    type Given = *mut *mut u8;

    macro_rules! no_host {
        ($($name:ident($($argument:ty),*))+) => {
            $(pub(crate) const unsafe fn $name($(_: $argument),*) -> u32 {
                Status::UNIMPLEMENTED.0
            })+
        };
    }

    no_host! {
        clock_time_get(u32, u64, *mut u64)
        random_get(*mut u8, usize)
        proxy_set_property(Bytes, usize, Bytes, usize)
        proxy_get_shared_data(Bytes, usize, Given, *mut usize, *mut u32)
        proxy_set_shared_data(Bytes, usize, Bytes, usize, u32)
        proxy_call_foreign_function(Bytes, usize, Bytes, usize, Given, *mut usize)
        proxy_log(u32, Bytes, usize)
        proxy_get_current_time_nanoseconds(*mut u64)
        proxy_set_tick_period_milliseconds(u32)
        proxy_set_effective_context(u32)
        proxy_continue_stream(u32)
        proxy_get_header_map_pairs(u32, Given, *mut usize)
        proxy_remove_header_map_value(u32, Bytes, usize)
        proxy_add_header_map_value(u32, Bytes, usize, Bytes, usize)
        proxy_get_property(Bytes, usize, Given, *mut usize)
        proxy_get_buffer_bytes(u32, usize, usize, Given, *mut usize)
        proxy_send_local_response(u32, Bytes, usize, Bytes, usize, Bytes, usize, i32)
        proxy_http_call(Bytes, usize, Bytes, usize, Bytes, usize, Bytes, usize, u32, *mut u32)
        proxy_grpc_call(Bytes, usize, Bytes, usize, Bytes, usize, Bytes, usize, Bytes, usize, u32, *mut u32)
        proxy_define_metric(u32, Bytes, usize, *mut u32)
        proxy_increment_metric(u32, i64)
        proxy_record_metric(u32, u64)
    }
}
