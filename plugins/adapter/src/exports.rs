//! What the proxy calls.
//!
//! Envoy calls every callback that a module exports, and each costs about 0.4 µs a request: so there is one macro that exports
//! what a plugin needs and nothing else.

/// Exports a plugin that decides on request headers; with `asks`, one that asks before it decides.
///
/// ```text
/// meshward_adapter::plugin!(meshward_pipeline::Authz);
/// meshward_adapter::plugin!(meshward_pipeline::Authn, asks);
/// ```
///
/// `proxy_on_delete` is always there: without it every stream's context would stay for ever. The exports of asking are called per
/// answer and per tick, not per request.
#[macro_export]
macro_rules! plugin {
    ($plugin:ty) => {
        $crate::plugin!(@always $plugin, false, {});
    };

    ($plugin:ty, asks) => {
        $crate::plugin!(@always $plugin, true, {
            use $crate::Acts;

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_tick(context: u32) {
                finish(with(|worker| worker.tick(context)));
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_http_call_response(
                context: u32,
                token: u32,
                headers: u32,
                body_size: usize,
                _trailers: u32,
            ) {
                finish(with(|worker| worker.http_answered(context, token, headers, body_size)));
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_grpc_receive(context: u32, token: u32, size: usize) {
                finish(with(|worker| worker.grpc_answered(context, token, size)));
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_grpc_close(context: u32, token: u32, _status: u32) {
                finish(with(|worker| worker.grpc_failed(context, token)));
            }

            /// An answer that met a busy worker is lost; what waits for it ends at its deadline.
            fn finish(acts: Option<Acts>) {
                if let Some(acts) = acts {
                    acts.carry_out();
                }
            }
        });
    };

    (@always $plugin:ty, $asks:literal, { $($more:item)* }) => {
        #[expect(unsafe_code, reason = "exported names are fixed by the proxy-wasm ABI")]
        mod exports {
            use ::core::cell::RefCell;
            use $crate::Worker;

            const _: () = assert!(
                <$plugin as $crate::Plugin>::ASKS == $asks,
                "a plugin that asks is exported with `asks`, and no other is"
            );

            ::std::thread_local! {
                static WORKER: RefCell<Worker<$plugin>> = const { RefCell::new(Worker::new()) };
            }

            /// The proxy calls a module's functions one at a time, so the worker is always free; if it were not, `None`.
            fn with<T>(act: impl FnOnce(&mut Worker<$plugin>) -> T) -> Option<T> {
                WORKER.with(|worker| worker.try_borrow_mut().ok().map(|mut worker| act(&mut worker)))
            }

            #[cfg(target_os = "wasi")]
            unsafe extern "C" {
                fn __wasm_call_ctors();
            }

            #[unsafe(no_mangle)]
            extern "C" fn _initialize() {
                // SAFETY: called once by the host, before anything else, as the WASI reactor ABI demands.
                #[cfg(target_os = "wasi")]
                unsafe {
                    __wasm_call_ctors();
                }
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_abi_version_0_2_1() {}

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
                $crate::hostcalls::allocate(size)
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_context_create(context: u32, parent: u32) {
                with(|worker| worker.create(context, parent));
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_configure(context: u32, size: usize) -> u32 {
                // Without a worker nothing is configured, and what is not configured refuses; `false` could leave the filter out.
                u32::from(with(|worker| worker.configure(context, size)).unwrap_or(true))
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_request_headers(context: u32, _headers: u32, _end_of_stream: u32) -> u32 {
                with(|worker| worker.request_headers(context)).unwrap_or_else($crate::refuse_internal) as u32
            }

            #[unsafe(no_mangle)]
            extern "C" fn proxy_on_delete(context: u32) {
                with(|worker| worker.delete(context));
            }

            $($more)*
        }
    };
}
