//! The bench's rival: the stock SDK with nothing implemented, so what a filter of its kind costs before it does anything.
//!
//! `cargo xtask build` makes two modules of it: `sdk_empty.wasm` with every export that the SDK has, and `sdk_stripped.wasm`
//! with only those that a filter of request headers needs.
#![expect(missing_docs, reason = "the SDK's `main!` writes the entry point, without documentation")]

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

struct Root;
struct Stream;

impl Context for Root {}

impl RootContext for Root {
    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream))
    }
}

impl Context for Stream {}

impl HttpContext for Stream {}

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root));
}}
