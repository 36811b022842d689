//! The callbacks of ABI 0.2.1: each says what it was told, and leaves the rest to the script.

use crate::host;
use crate::probe::{create, delete as delete_context, name, run, take_script};

const VM_CONFIGURATION: u32 = 6;
const PLUGIN_CONFIGURATION: u32 = 7;

#[cfg(target_os = "wasi")]
unsafe extern "C" {
    fn __wasm_call_ctors();
}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: called once by the host, before anything else.
    #[cfg(target_os = "wasi")]
    unsafe {
        __wasm_call_ctors();
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    match core::alloc::Layout::array::<u8>(size) {
        // SAFETY: the layout is not empty.
        Ok(layout) if size > 0 => unsafe { std::alloc::alloc(layout) },
        Ok(_) | Err(_) => core::ptr::null_mut(),
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
    create(context, parent);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(context: u32, size: usize) -> u32 {
    let (_, text) = host::get_buffer(VM_CONFIGURATION, 0, size);
    u32::from(take_script(context, &text, true) && run(context, "vm_start", &format!("size={size}"), 1) != 0)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(context: u32, size: usize) -> u32 {
    let (_, text) = host::get_buffer(PLUGIN_CONFIGURATION, 0, size);
    u32::from(take_script(context, &text, false) && run(context, "configure", "", 1) != 0)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(context: u32) {
    run(context, "tick", "", 0);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_queue_ready(context: u32, token: u32) {
    run(context, "queue_ready", &name("queue", token), 0);
}

macro_rules! streams {
    ($($export:ident = $when:literal, $count:literal;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $export(context: u32, count: u32, end: u32) -> u32 {
            run(context, $when, &format!(concat!($count, "={} eos={}"), count, end), 0)
        }
    )*};
}

streams! {
    proxy_on_request_headers = "request_headers", "n";
    proxy_on_request_body = "request_body", "size";
    proxy_on_response_headers = "response_headers", "n";
    proxy_on_response_body = "response_body", "size";
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(context: u32, count: u32) -> u32 {
    run(context, "request_trailers", &format!("n={count}"), 0)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_metadata(context: u32, count: u32) -> u32 {
    run(context, "request_metadata", &format!("n={count}"), 0)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_trailers(context: u32, count: u32) -> u32 {
    run(context, "response_trailers", &format!("n={count}"), 0)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_metadata(context: u32, count: u32) -> u32 {
    run(context, "response_metadata", &format!("n={count}"), 0)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(context: u32, token: u32, headers: u32, body: u32, trailers: u32) {
    let call = name("call", token);
    let said = format!("{call} headers={headers} body={body} trailers={trailers}");
    run(context, "http_call_response", &said, 0);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_receive_initial_metadata(context: u32, token: u32, headers: u32) {
    let said = format!("{} n={headers}", name("grpc", token));
    run(context, "grpc_receive_initial_metadata", &said, 0);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_receive(context: u32, token: u32, size: u32) {
    run(context, "grpc_receive", &format!("{} size={size}", name("grpc", token)), 0);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_receive_trailing_metadata(context: u32, token: u32, trailers: u32) {
    let said = format!("{} n={trailers}", name("grpc", token));
    run(context, "grpc_receive_trailing_metadata", &said, 0);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_grpc_close(context: u32, token: u32, status: u32) {
    run(context, "grpc_close", &format!("{} status={status}", name("grpc", token)), 0);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_foreign_function(context: u32, function: u32, size: u32) {
    run(context, "foreign_function", &format!("{function} size={size}"), 0);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(context: u32) -> u32 {
    run(context, "done", "", 1)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(context: u32) {
    run(context, "log", "", 0);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    delete_context(context);
}
