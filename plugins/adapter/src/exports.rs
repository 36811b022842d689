//! What the proxy calls.
//!
//! Envoy calls every callback that a module exports, and each costs about 0.4 µs a request: so there is one macro that exports
//! what a plugin needs and nothing else.

/// Exports a plugin that decides on request headers, and the further doors that it has: `asks`, `responds`, `observes`, as the
/// constants of [`Plugin`](crate::Plugin) say. A door too many or too few does not compile.
///
/// ```text
/// meshward_adapter::plugin!(meshward_pipeline::Authz);
/// meshward_adapter::plugin!(meshward_pipeline::Guard, asks, responds, observes);
/// ```
///
/// `proxy_on_delete` is always there: without it every stream's context would stay for ever. The exports of asking are called per
/// answer and per tick, not per request.
#[macro_export]
macro_rules! plugin {
    ($plugin:ty $(, $door:ident)* $(,)?) => {
        #[expect(unsafe_code, reason = "exported names are fixed by the proxy-wasm ABI")]
        mod exports {
            use ::core::cell::RefCell;
            use $crate::Worker;

            const DOORS: &[&str] = &[$(stringify!($door)),*];
            const _: () = assert!(
                $crate::exports::fit::<$plugin>(DOORS),
                "the doors that are exported are those of the plugin's constants, in their order"
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

            $($crate::door!($door);)*
        }
    };
}

/// The exports of one door; inside [`plugin!`](crate::plugin), whose `with` they use.
#[doc(hidden)]
#[macro_export]
macro_rules! door {
    (asks) => {
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
        fn finish(acts: Option<$crate::Acts>) {
            if let Some(acts) = acts {
                for stuck in acts.carry_out() {
                    let request = stuck.request();
                    with(|worker| worker.stuck(stuck));
                    $crate::Stuck::refuse(request);
                }
            }
        }
    };

    (responds) => {
        #[unsafe(no_mangle)]
        extern "C" fn proxy_on_response_headers(context: u32, _headers: u32, _end_of_stream: u32) -> u32 {
            with(|worker| worker.response_headers(context));
            $crate::Action::Continue as u32
        }
    };

    (observes) => {
        #[unsafe(no_mangle)]
        extern "C" fn proxy_on_log(context: u32) {
            with(|worker| worker.ended(context));
        }
    };
}

/// Whether these are the doors that the plugin has.
#[doc(hidden)]
pub const fn fit<P: crate::Plugin>(doors: &[&str]) -> bool {
    let all = [(P::ASKS, "asks"), (P::RESPONDS, "responds"), (P::OBSERVES, "observes")];
    let mut rest = doors;
    let mut known: &[(bool, &str)] = &all;
    while let [(has, door), others @ ..] = known {
        known = others;
        if !*has {
            continue;
        }
        match rest {
            [first, more @ ..] if same(first.as_bytes(), door.as_bytes()) => rest = more,
            _ => return false,
        }
    }
    rest.is_empty()
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    match (left, right) {
        ([], []) => true,
        ([a, left @ ..], [b, right @ ..]) if *a == *b => same(left, right),
        _ => false,
    }
}
