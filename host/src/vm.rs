//! One VM: an instance of a module, its contexts, and a way to call into it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use wasmtime::{Func, Instance, Memory, Store, Trap, TypedFunc, Val};

use crate::metrics::Ids;
use crate::module::Limits;
use crate::root::Root;
use crate::stream::Way;
use crate::world::World;
use crate::{HostError, Module, Plugin};

/// Names a VM of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct VmId(pub(crate) u64);

/// Which host functions may be called now (cpp-host `wasm_vm.h`, `setRestrictedCallback`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Restriction {
    /// All.
    #[default]
    None,
    /// Those of `startVm`.
    Start,
    /// Those of `allocMemory`.
    Allocate,
}

/// What a context is. The VM's own context is 0 and not in the table.
#[derive(Debug)]
pub(crate) enum Context {
    /// A plugin's root.
    Root(Box<Root>),
    /// A stream's, by stream and place in the chain, under a root.
    Stream { stream: u64, filter: usize, root: u32 },
}

/// What is done when the call into the VM has returned (cpp-host `wasm.h`, `addAfterVmCallAction`).
#[derive(Debug)]
pub(crate) enum AfterCall {
    /// `continueDecoding`, `continueEncoding`.
    Continue { stream: u64, filter: usize, way: Way },
    /// `resetStream`.
    Reset { stream: u64 },
    /// `sendLocalReply`.
    Reply { stream: u64, reply: Reply },
    /// The answer of an HTTP call is not readable any more.
    HttpAnswered { root: u32 },
    /// The message of a gRPC call is not readable any more.
    GrpcReceived { root: u32 },
    /// A gRPC call could not be started.
    GrpcUnstarted { root: u32, token: u32 },
    /// `status_message_` is empty again.
    StatusRead { root: u32 },
    /// `finishShutdown`.
    FinishShutdown,
}

/// A local reply as a plugin asked for it.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// The HTTP status.
    pub(crate) status: u32,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Headers to add.
    pub(crate) headers: crate::Headers,
    /// The gRPC status.
    pub(crate) grpc_status: Option<u32>,
    /// `%RESPONSE_CODE_DETAILS%`.
    pub(crate) details: String,
}

/// What a VM's store holds: the world while it is called, and its own side of the ABI.
#[derive(Debug, Default)]
pub(crate) struct VmData {
    /// The world, during a call.
    pub(crate) world: World,
    /// Its own side.
    pub(crate) own: Own,
    /// How much memory it may have.
    pub(crate) limits: Limits,
}

/// A module's allocator.
#[derive(Clone)]
pub(crate) struct Allocator(pub(crate) TypedFunc<u32, u32>);

impl core::fmt::Debug for Allocator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Allocator").finish_non_exhaustive()
    }
}

/// A VM's own side of the ABI (cpp-host `wasm.h`, `WasmBase`).
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Its name.
    pub(crate) id: VmId,
    /// On which worker; `None` is the main thread.
    pub(crate) worker: Option<usize>,
    /// Whose shared data it sees.
    pub(crate) vm_id: String,
    /// Its configuration.
    pub(crate) vm_configuration: Vec<u8>,
    /// Environment variables.
    pub(crate) environment: Vec<(String, String)>,
    /// Its memory.
    pub(crate) memory: Option<Memory>,
    /// Its allocator.
    pub(crate) allocate: Option<Allocator>,
    /// Contexts by number.
    pub(crate) contexts: HashMap<u32, Context>,
    /// The next context's number.
    pub(crate) next_context: u32,
    /// Whose callback runs (`current_context_`).
    pub(crate) current: u32,
    /// As whom it acts (`effective_context_id_`).
    pub(crate) effective: u32,
    /// Which host functions may be called.
    pub(crate) restriction: Restriction,
    /// `stop_iteration_`.
    pub(crate) stop: bool,
    /// What is done when the call has returned.
    pub(crate) after: VecDeque<AfterCall>,
    /// Metric numbers.
    pub(crate) metrics: Ids,
    /// Tokens of callouts that were started: HTTP, gRPC, gRPC streams.
    pub(crate) tokens: [u32; 3],
    /// Roots that wait for `proxy_done`.
    pub(crate) pending_done: Vec<u32>,
    /// Roots that are deleted when the call has returned.
    pub(crate) pending_delete: Vec<u32>,
    /// It trapped.
    pub(crate) failed: bool,
    /// What it said when it trapped.
    pub(crate) failure: Option<String>,
}

impl Default for VmId {
    fn default() -> Self {
        Self(u64::MAX)
    }
}

impl Own {
    /// A free context number (`allocContextId`).
    pub(crate) fn allocate_context(&mut self) -> u32 {
        loop {
            self.next_context = self.next_context.wrapping_add(1);
            if self.next_context != 0 && !self.contexts.contains_key(&self.next_context) {
                return self.next_context;
            }
        }
    }

    /// As whom the running callback acts (cpp-host `exports.cc`, `contextOrEffectiveContext`).
    pub(crate) fn acting(&self) -> u32 {
        if self.effective != 0 && self.contexts.contains_key(&self.effective) {
            self.effective
        } else {
            self.current
        }
    }

    /// The root of a context (`root_context`); the VM's own context is its own root.
    pub(crate) fn root_of(&self, context: u32) -> u32 {
        match self.contexts.get(&context) {
            Some(Context::Stream { root, .. }) => *root,
            Some(Context::Root(_)) | None => context,
        }
    }

    /// A root by its number.
    pub(crate) fn root(&self, context: u32) -> Option<&Root> {
        match self.contexts.get(&context) {
            Some(Context::Root(root)) => Some(root),
            Some(Context::Stream { .. }) | None => None,
        }
    }

    /// A root by its number.
    pub(crate) fn root_mut(&mut self, context: u32) -> Option<&mut Root> {
        match self.contexts.get_mut(&context) {
            Some(Context::Root(root)) => Some(root),
            Some(Context::Stream { .. }) | None => None,
        }
    }

    /// Which stream, and which place in its chain, a context is.
    pub(crate) fn stream(&self, context: u32) -> Option<(u64, usize)> {
        match self.contexts.get(&context) {
            Some(Context::Stream { stream, filter, .. }) => Some((*stream, *filter)),
            Some(Context::Root(_)) | None => None,
        }
    }
}

/// One VM.
pub(crate) struct Vm {
    store: Store<VmData>,
    exports: BTreeMap<&'static str, Func>,
}

impl core::fmt::Debug for Vm {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Vm").field("own", &self.store.data().own).finish_non_exhaustive()
    }
}

/// What a call gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Returned {
    /// Its result; 0 when it has none, or trapped.
    pub(crate) result: u32,
    /// How much fuel it used.
    pub(crate) fuel: u64,
}

impl Vm {
    /// Instantiates a module for a plugin; nothing of it has run yet.
    ///
    /// # Errors
    /// The instance cannot be had.
    pub(crate) fn new(
        module: &Module,
        plugin: &Arc<Plugin>,
        id: VmId,
        worker: Option<usize>,
    ) -> Result<Self, HostError> {
        let own = Own {
            id,
            worker,
            vm_id: plugin.vm_id.clone(),
            vm_configuration: plugin.vm_configuration.clone(),
            environment: plugin.environment.clone(),
            ..Own::default()
        };
        let mut store = module.store(VmData { world: World::default(), own, limits: Limits::default() });
        let instance = module.instantiate(&mut store)?;
        let mut vm = Self { store, exports: BTreeMap::new() };
        vm.bind(module, instance);
        Ok(vm)
    }

    fn bind(&mut self, module: &Module, instance: Instance) {
        for (name, export) in module.callbacks() {
            if let Some(func) =
                instance.get_module_export(&mut self.store, export).and_then(wasmtime::Extern::into_func)
            {
                self.exports.insert(name, func);
            }
        }
        let memory = instance.get_memory(&mut self.store, "memory");
        let allocate = self.exports.get("malloc").or_else(|| self.exports.get("proxy_on_memory_allocate"));
        let allocate = allocate.and_then(|func| func.typed(&self.store).ok()).map(Allocator);
        let own = self.own_mut();
        own.memory = memory;
        own.allocate = allocate;
    }

    /// Whether the module exports a callback.
    pub(crate) fn exports(&self, name: &str) -> bool {
        self.exports.contains_key(name)
    }

    /// Its own side.
    pub(crate) fn own(&self) -> &Own {
        &self.store.data().own
    }

    /// Its own side.
    pub(crate) fn own_mut(&mut self) -> &mut Own {
        &mut self.store.data_mut().own
    }

    /// Calls an export, with the world lent to it. A trap marks the VM as failed; it never comes out of here.
    ///
    /// `current_context_` and `effective_context_id_` are those of the callee for the time of the call (cpp-host
    /// `wasm_vm.h`, `SaveRestoreContext`).
    pub(crate) fn call(
        &mut self,
        world: &mut World,
        name: &'static str,
        context: u32,
        arguments: &[u32],
        fuel: u64,
    ) -> Returned {
        let Some(func) = self.exports.get(name).copied() else { return Returned { result: 0, fuel: 0 } };
        core::mem::swap(world, &mut self.store.data_mut().world);
        let own = self.own_mut();
        own.current = context;
        own.effective = 0;
        let (outcome, used) = self.run(func, arguments, fuel);
        let own = self.own_mut();
        own.current = 0;
        own.effective = 0;
        own.restriction = Restriction::None;
        core::mem::swap(world, &mut self.store.data_mut().world);
        let result = match outcome {
            Ok(result) => result,
            Err(trap) => {
                let own = self.own_mut();
                own.failed = true;
                own.failure = Some(format!("Function: {name} failed: {trap}"));
                0
            }
        };
        Returned { result, fuel: used }
    }

    fn run(&mut self, func: Func, arguments: &[u32], fuel: u64) -> (Result<u32, String>, u64) {
        let results = func.ty(&self.store).results().len();
        let arguments: Vec<Val> = arguments.iter().map(|argument| Val::I32(argument.cast_signed())).collect();
        let mut returned = [Val::I32(0)];
        // Fuel is on in every engine of this crate, so setting and reading it cannot fail.
        let _ = self.store.set_fuel(fuel);
        let outcome = func.call(&mut self.store, &arguments, returned.get_mut(..results).unwrap_or_default());
        let left = self.store.get_fuel().unwrap_or_default();
        let result = match outcome {
            Ok(()) => Ok(returned.first().and_then(Val::i32).unwrap_or_default().cast_unsigned()),
            Err(error) => Err(cause(&error)),
        };
        (result, fuel.saturating_sub(left))
    }
}

/// The innermost cause of a failed call, in one line; V8's words for what V8 has words for.
fn cause(error: &wasmtime::Error) -> String {
    let known = match error.downcast_ref::<Trap>() {
        Some(Trap::UnreachableCodeReached) => "Uncaught RuntimeError: unreachable",
        Some(Trap::MemoryOutOfBounds) => "Uncaught RuntimeError: memory access out of bounds",
        Some(Trap::IntegerDivisionByZero) => "Uncaught RuntimeError: divide by zero",
        Some(Trap::StackOverflow) => "Uncaught RangeError: Maximum call stack size exceeded",
        Some(_) | None => "",
    };
    if !known.is_empty() {
        return known.to_owned();
    }
    error.root_cause().to_string().lines().next().unwrap_or_default().to_owned()
}
