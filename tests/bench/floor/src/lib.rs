//! The floor: what any module must pay that reads what the bench's policy needs. Raw ABI, no SDK, none of our crates.
//!
//! The same exports as `authz`, and for a request that the bench's policy allows the same host calls with the same arguments in
//! the same order; what the host hands over is dropped unread. `cargo xtask bench --trace` counts the calls of both in a real
//! Envoy and fails when they differ.
#![expect(unsafe_code, reason = "raw pointers to and from the host; exported names are fixed by the ABI")]

use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

const REQUEST_HEADERS: u32 = 0;
const PLUGIN_CONFIGURATION: u32 = 7;
const COUNTER: u32 = 0;
const GAUGE: u32 = 1;

const PEER: &[u8] = b"connection\0uri_san_peer_certificate";
const NODE: [&[u8]; 3] =
    [b"xds\0node\0id", b"xds\0node\0metadata\0NAMESPACE", b"xds\0node\0metadata\0WORKLOAD_NAME"];
const COUNTERS: [&str; 3] =
    ["meshward_authz_allowed_total", "meshward_authz_denied_total", "meshward_authz_shadow_denied_total"];
const MEMORY: &str = "meshward_authz_memory_bytes";

/// The counter of allowed requests.
static ALLOWED: AtomicU32 = AtomicU32::new(0);
/// The gauge of memory.
static HELD: AtomicU32 = AtomicU32::new(0);
/// How many pages the gauge said last.
static PAGES: AtomicUsize = AtomicUsize::new(0);

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        most: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
}

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
extern "C" fn proxy_on_context_create(_context: u32, _parent: u32) {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(_context: u32, size: usize) -> u32 {
    // SAFETY: the pointers are those that `dropped` passes.
    dropped(|data, len| unsafe { proxy_get_buffer_bytes(PLUGIN_CONFIGURATION, 0, size, data, len) });
    NODE.into_iter().for_each(property);
    let [allowed, _, _] = COUNTERS.map(|name| metric(COUNTER, name));
    ALLOWED.store(allowed, Relaxed);
    HELD.store(metric(GAUGE, MEMORY), Relaxed);
    measure();
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(_context: u32, _headers: u32, _end_of_stream: u32) -> u32 {
    let mut now = 0;
    // SAFETY: the host writes eight bytes into a live `u64`.
    unsafe { proxy_get_current_time_nanoseconds(&raw mut now) };
    // SAFETY: the pointers are those that `dropped` passes.
    dropped(|data, size| unsafe { proxy_get_header_map_pairs(REQUEST_HEADERS, data, size) });
    property(PEER);
    // SAFETY: plain numbers.
    unsafe { proxy_increment_metric(ALLOWED.load(Relaxed), 1) };
    measure();
    0
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(_context: u32) {}

/// Reads a property and drops it.
fn property(path: &[u8]) {
    // SAFETY: the path is a live slice; the other pointers are those that `dropped` passes.
    dropped(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) });
}

/// Runs a call that hands bytes back, and drops them.
fn dropped(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) {
    let mut data: *mut u8 = core::ptr::null_mut();
    let mut size: usize = 0;
    if call(&raw mut data, &raw mut size) == 0 && !data.is_null() && size > 0 {
        // SAFETY: the host got `size` bytes from `proxy_on_memory_allocate(size)` during the call and wrote all of them.
        drop(unsafe { Vec::from_raw_parts(data, size, size) });
    }
}

fn metric(kind: u32, name: &str) -> u32 {
    let mut id = 0;
    // SAFETY: the name is a live `str`; the host writes four bytes into a live `u32`.
    unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) };
    id
}

/// Says how much memory the VM holds, when that has changed.
fn measure() {
    const PAGE: u64 = 65_536;
    let pages = pages();
    if PAGES.swap(pages, Relaxed) != pages {
        let bytes = u64::try_from(pages).unwrap_or(u64::MAX).saturating_mul(PAGE);
        // SAFETY: plain numbers.
        unsafe { proxy_record_metric(HELD.load(Relaxed), bytes) };
    }
}

#[cfg(target_arch = "wasm32")]
fn pages() -> usize {
    core::arch::wasm32::memory_size(0)
}

/// Natively the module is only checked.
#[cfg(not(target_arch = "wasm32"))]
const fn pages() -> usize {
    0
}
