//! The host functions: which there are, with which types, and what happens before each.
//!
//! The list is Envoy's: cpp-host `include/proxy-wasm/exports.h` (`FOR_ALL_HOST_FUNCTIONS`, `FOR_ALL_WASI_FUNCTIONS`) and what
//! `src/wasm.cc`, `registerCallbacks` adds for ABI 0.2.0 and 0.2.1, with Envoy's own `envoy_resolve_dns` left out.

use wasmtime::{Caller, Linker};

use crate::Status;
use crate::memory::Call;
use crate::vm::{Restriction, VmData};

mod buffers;
mod calls;
mod contexts;
mod foreign;
mod general;
mod headers;
mod shared;
mod streams;
#[cfg(test)]
mod tests;
mod wasi;

/// The callbacks that the host calls: name, number of parameters, whether there is a result (cpp-host `wasm.h`).
pub(crate) const CALLBACKS: &[(&str, usize, bool)] = &[
    ("_initialize", 0, false),
    ("_start", 0, false),
    ("main", 2, true),
    ("__main_void", 0, true),
    ("malloc", 1, true),
    ("proxy_on_memory_allocate", 1, true),
    ("proxy_on_vm_start", 2, true),
    ("proxy_on_configure", 2, true),
    ("proxy_on_tick", 1, false),
    ("proxy_on_context_create", 2, false),
    ("proxy_on_request_headers", 3, true),
    ("proxy_on_request_body", 3, true),
    ("proxy_on_request_trailers", 2, true),
    ("proxy_on_response_headers", 3, true),
    ("proxy_on_response_body", 3, true),
    ("proxy_on_response_trailers", 2, true),
    ("proxy_on_http_call_response", 5, false),
    ("proxy_on_grpc_receive", 3, false),
    ("proxy_on_grpc_close", 3, false),
    ("proxy_on_grpc_receive_initial_metadata", 3, false),
    ("proxy_on_grpc_receive_trailing_metadata", 3, false),
    ("proxy_on_queue_ready", 2, false),
    ("proxy_on_foreign_function", 3, false),
    ("proxy_on_done", 1, true),
    ("proxy_on_log", 1, false),
    ("proxy_on_delete", 1, false),
];

/// What may be called while a VM starts (cpp-host `src/wasm.cc`, `startVm`).
const AT_START: &[&str] = &[
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "emscripten_notify_memory_growth",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_readdir",
    "fd_renumber",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proxy_log",
    "random_get",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// What may be called while the allocator runs (cpp-host `wasm.h`, `allocMemory`).
const WHILE_ALLOCATING: &[&str] = &["clock_time_get", "fd_write", "poll_oneoff", "proxy_log"];

/// What may be called, in a given phase.
fn allowed(restriction: Restriction, name: &str) -> bool {
    match restriction {
        Restriction::None => true,
        Restriction::Start => AT_START.contains(&name),
        Restriction::Allocate => WHILE_ALLOCATING.contains(&name),
    }
}

/// What precedes every host function: phases, counts, faults.
fn enter(caller: &mut Caller<'_, VmData>, name: &'static str) -> wasmtime::Result<Option<Status>> {
    let data = caller.data_mut();
    if !allowed(data.own.restriction, name) {
        return Err(wasmtime::Error::msg(format!("restricted_callback: {name} cannot be called now")));
    }
    Ok(data.world.plan.enter(name))
}

fn proxy_call(
    caller: &mut Caller<'_, VmData>,
    name: &'static str,
    act: impl FnOnce(&mut Call<'_, '_>) -> Result<(), Status>,
) -> wasmtime::Result<u32> {
    if let Some(fault) = enter(caller, name)? {
        return Ok(fault.number());
    }
    Ok(act(&mut Call::new(caller)).err().unwrap_or(Status::Ok).number())
}

fn wasi_call(
    caller: &mut Caller<'_, VmData>,
    name: &'static str,
    act: impl FnOnce(&mut Call<'_, '_>) -> u32,
) -> wasmtime::Result<u32> {
    if let Some(fault) = enter(caller, name)? {
        return Ok(fault.number());
    }
    Ok(act(&mut Call::new(caller)))
}

macro_rules! functions {
    (
        proxy { $($proxy:literal = $proxy_body:path: ($($p:ident: $pt:ty),*);)* }
        wasi { $($wasi:literal = $wasi_body:path: ($($w:ident: $wt:ty),*);)* }
    ) => {
        /// The functions of module `env`.
        const PROXY: &[&str] = &[$($proxy),*];
        /// The functions of modules `wasi_unstable` and `wasi_snapshot_preview1`.
        const WASI: &[&str] = &[$($wasi),*];

        fn link_all(linker: &mut Linker<VmData>) -> wasmtime::Result<()> {
            $(linker.func_wrap("env", $proxy, |mut caller: Caller<'_, VmData>, $($p: $pt),*| {
                proxy_call(&mut caller, $proxy, |call| $proxy_body(call, $($p),*))
            })?;)*
            for module in ["wasi_unstable", "wasi_snapshot_preview1"] {
                $(linker.func_wrap(module, $wasi, |mut caller: Caller<'_, VmData>, $($w: $wt),*| {
                    wasi_call(&mut caller, $wasi, |call| $wasi_body(call, $($w),*))
                })?;)*
            }
            Ok(())
        }
    };
}

functions! {
    proxy {
        "proxy_log" = general::log: (level: u32, text: u32, size: u32);
        "proxy_get_log_level" = general::log_level: (level: u32);
        "proxy_get_status" = general::status: (code: u32, text: u32, size: u32);
        "proxy_get_current_time_nanoseconds" = general::now: (time: u32);
        "proxy_set_tick_period_milliseconds" = general::tick_period: (millis: u32);
        "proxy_set_property" = general::set_property: (path: u32, path_size: u32, value: u32, size: u32);
        "proxy_get_property" = general::get_property: (path: u32, path_size: u32, value: u32, size: u32);
        "proxy_define_metric" = general::define_metric: (kind: u32, name: u32, size: u32, id: u32);
        "proxy_increment_metric" = general::increment_metric: (id: u32, offset: i64);
        "proxy_record_metric" = general::record_metric: (id: u32, value: u64);
        "proxy_get_metric" = general::get_metric: (id: u32, value: u32);
        "proxy_call_foreign_function" = foreign::call:
            (name: u32, name_size: u32, arguments: u32, arguments_size: u32, results: u32, results_size: u32);
        "proxy_set_effective_context" = contexts::set_effective: (context: u32);
        "proxy_done" = contexts::done: ();
        "proxy_continue_stream" = streams::resume: (kind: u32);
        "proxy_close_stream" = streams::close: (kind: u32);
        "proxy_send_local_response" = streams::reply:
            (status: u32, details: u32, details_size: u32, body: u32, body_size: u32, headers: u32, headers_size: u32,
             grpc_status: u32);
        "proxy_get_header_map_value" = headers::get: (map: u32, name: u32, name_size: u32, value: u32, size: u32);
        "proxy_add_header_map_value" = headers::add: (map: u32, name: u32, name_size: u32, value: u32, size: u32);
        "proxy_replace_header_map_value" = headers::replace:
            (map: u32, name: u32, name_size: u32, value: u32, size: u32);
        "proxy_remove_header_map_value" = headers::remove: (map: u32, name: u32, name_size: u32);
        "proxy_get_header_map_pairs" = headers::get_pairs: (map: u32, pairs: u32, size: u32);
        "proxy_set_header_map_pairs" = headers::set_pairs: (map: u32, pairs: u32, size: u32);
        "proxy_get_header_map_size" = headers::size: (map: u32, size: u32);
        "proxy_get_buffer_bytes" = buffers::get: (buffer: u32, start: u32, length: u32, bytes: u32, size: u32);
        "proxy_get_buffer_status" = buffers::status: (buffer: u32, length: u32, flags: u32);
        "proxy_set_buffer_bytes" = buffers::set: (buffer: u32, start: u32, length: u32, bytes: u32, size: u32);
        "proxy_get_shared_data" = shared::get: (key: u32, key_size: u32, value: u32, size: u32, cas: u32);
        "proxy_set_shared_data" = shared::set: (key: u32, key_size: u32, value: u32, size: u32, cas: u32);
        "proxy_register_shared_queue" = shared::register: (name: u32, size: u32, token: u32);
        "proxy_resolve_shared_queue" = shared::resolve:
            (vm_id: u32, vm_id_size: u32, name: u32, name_size: u32, token: u32);
        "proxy_dequeue_shared_queue" = shared::dequeue: (token: u32, item: u32, size: u32);
        "proxy_enqueue_shared_queue" = shared::enqueue: (token: u32, item: u32, size: u32);
        "proxy_http_call" = calls::http:
            (cluster: u32, cluster_size: u32, headers: u32, headers_size: u32, body: u32, body_size: u32, trailers: u32,
             trailers_size: u32, timeout: u32, token: u32);
        "proxy_grpc_call" = calls::grpc:
            (target: u32, target_size: u32, service: u32, service_size: u32, method: u32, method_size: u32,
             metadata: u32, metadata_size: u32, message: u32, message_size: u32, timeout: u32, token: u32);
        "proxy_grpc_stream" = calls::grpc_stream:
            (target: u32, target_size: u32, service: u32, service_size: u32, method: u32, method_size: u32,
             metadata: u32, metadata_size: u32, token: u32);
        "proxy_grpc_cancel" = calls::grpc_cancel: (token: u32);
        "proxy_grpc_close" = calls::grpc_close: (token: u32);
        "proxy_grpc_send" = calls::grpc_send: (token: u32, message: u32, size: u32, end: u32);
    }
    wasi {
        "fd_write" = wasi::fd_write: (fd: u32, iovs: u32, count: u32, written: u32);
        "fd_read" = wasi::no_system4: (a: u32, b: u32, c: u32, d: u32);
        "fd_seek" = wasi::fd_seek: (fd: u32, offset: i64, whence: u32, place: u32);
        "fd_close" = wasi::done1: (fd: u32);
        "fd_fdstat_get" = wasi::fd_fdstat_get: (fd: u32, stat: u32);
        "fd_fdstat_set_flags" = wasi::no_system2: (fd: u32, flags: u32);
        "fd_fdstat_set_rights" = wasi::fd_fdstat_set_rights: (fd: u32, base: u64, inheriting: u64);
        "environ_get" = wasi::environ_get: (pointers: u32, text: u32);
        "environ_sizes_get" = wasi::environ_sizes_get: (count: u32, size: u32);
        "args_get" = wasi::done2: (pointers: u32, text: u32);
        "args_sizes_get" = wasi::args_sizes_get: (count: u32, size: u32);
        "clock_time_get" = wasi::clock_time_get: (clock: u32, precision: u64, time: u32);
        "clock_res_get" = wasi::clock_res_get: (clock: u32, resolution: u32);
        "fd_advise" = wasi::fd_advise: (fd: u32, offset: u64, length: u64, advice: u32);
        "fd_allocate" = wasi::fd_allocate: (fd: u32, offset: u64, length: u64);
        "fd_datasync" = wasi::output1: (fd: u32);
        "fd_filestat_set_size" = wasi::fd_filestat_set_size: (fd: u32, size: u64);
        "fd_filestat_set_times" = wasi::fd_filestat_set_times: (fd: u32, access: u64, change: u64, flags: u32);
        "fd_pread" = wasi::fd_pread: (fd: u32, iovs: u32, count: u32, offset: u64, read: u32);
        "fd_pwrite" = wasi::fd_pwrite: (fd: u32, iovs: u32, count: u32, offset: u64, written: u32);
        "fd_readdir" = wasi::fd_readdir: (fd: u32, text: u32, size: u32, cookie: u64, read: u32);
        "fd_renumber" = wasi::fd_renumber: (fd: u32, to: u32);
        "fd_sync" = wasi::output1: (fd: u32);
        "fd_tell" = wasi::fd_tell: (fd: u32, place: u32);
        "path_create_directory" = wasi::not_supported3: (fd: u32, path: u32, size: u32);
        "path_filestat_set_times" = wasi::path_filestat_set_times:
            (fd: u32, flags: u32, path: u32, size: u32, access: u64, change: u64, which: u32);
        "path_link" = wasi::not_supported6: (a: u32, b: u32, c: u32, d: u32, e: u32, f: u32);
        "path_readlink" = wasi::path_readlink: (fd: u32, path: u32, size: u32, text: u32, room: u32, read: u32);
        "path_remove_directory" = wasi::not_supported3: (fd: u32, path: u32, size: u32);
        "path_rename" = wasi::not_supported6: (a: u32, b: u32, c: u32, d: u32, e: u32, f: u32);
        "path_symlink" = wasi::path_symlink: (old: u32, old_size: u32, fd: u32, new: u32);
        "path_unlink_file" = wasi::not_supported3: (fd: u32, path: u32, size: u32);
        "sock_accept" = wasi::sock_accept: (fd: u32, flags: u32, accepted: u32);
        "sock_recv" = wasi::sock_recv: (fd: u32, iovs: u32, count: u32, flags: u32, read: u32, out: u32);
        "sock_send" = wasi::sock_send: (fd: u32, iovs: u32, count: u32, flags: u32, sent: u32);
        "sock_shutdown" = wasi::sock_shutdown: (fd: u32, how: u32);
        "random_get" = wasi::random_get: (bytes: u32, size: u32);
        "sched_yield" = wasi::done0: ();
        "poll_oneoff" = wasi::poll_oneoff: (subscriptions: u32, events: u32, count: u32, happened: u32);
        "path_open" = wasi::path_open:
            (fd: u32, dir: u32, path: u32, size: u32, open: u32, base: i64, inheriting: i64, flags: u32, opened: u32);
        "fd_prestat_get" = wasi::bad_descriptor2: (fd: u32, stat: u32);
        "fd_prestat_dir_name" = wasi::no_system3: (fd: u32, path: u32, size: u32);
        "path_filestat_get" = wasi::path_filestat_get: (fd: u32, flags: u32, path: u32, size: u32, stat: u32);
        "fd_filestat_get" = wasi::bad_descriptor2: (fd: u32, stat: u32);
    }
}

/// Functions that give nothing back or are Emscripten's.
const OTHER: &[(&str, &str)] = &[
    ("env", "pthread_equal"),
    ("env", "emscripten_notify_memory_growth"),
    ("wasi_unstable", "proc_exit"),
    ("wasi_snapshot_preview1", "proc_exit"),
];

/// Links all host functions.
///
/// # Errors
/// One of them is there twice.
pub(crate) fn link(linker: &mut Linker<VmData>) -> wasmtime::Result<()> {
    link_all(linker)?;
    linker.func_wrap("env", "pthread_equal", |left: u32, right: u32| u32::from(left == right))?;
    linker.func_wrap("env", "emscripten_notify_memory_growth", |_index: u32| {})?;
    for module in ["wasi_unstable", "wasi_snapshot_preview1"] {
        // `proc_exit` only notes the error (cpp-host `exports.cc`, `wasi_unstable_proc_exit`); what the module does next is
        // to trap.
        linker.func_wrap(module, "proc_exit", |mut caller: Caller<'_, VmData>, _code: u32| {
            enter(&mut caller, "proc_exit").map(|_| ())
        })?;
    }
    Ok(())
}

/// Whether a module may import this.
pub(crate) fn is_known(module: &str, name: &str) -> bool {
    match module {
        "env" => PROXY.contains(&name) || OTHER.contains(&(module, name)),
        "wasi_unstable" | "wasi_snapshot_preview1" => WASI.contains(&name) || OTHER.contains(&(module, name)),
        _ => false,
    }
}
