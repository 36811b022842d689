//! A module: compiled once, checked as Envoy checks it.

use std::sync::{Arc, OnceLock};

use wasmtime::{
    Config, Engine, ExternType, Instance, InstancePre, Linker, ModuleExport, Store, StoreLimits,
    StoreLimitsBuilder,
};

use crate::hostcalls;
use crate::memory::MAX_MEMORY;
use crate::vm::VmData;

/// Why a module cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// It is no WebAssembly, or not one that this engine compiles.
    #[error("the module cannot be compiled: {0}")]
    Compile(String),
    /// It does not say which proxy-wasm ABI it speaks.
    #[error("the module exports no `proxy_abi_version_…`; link it as a proxy-wasm plugin")]
    NoAbi,
    /// It speaks an ABI that this host does not.
    #[error(
        "the module speaks proxy-wasm ABI {0}; this host speaks 0.2.0 and 0.2.1: build it with a current SDK"
    )]
    Abi(&'static str),
    /// It imports something that Envoy does not have.
    #[error("the module imports `{module}.{name}`, which Envoy does not have; {remedy}")]
    Import {
        /// From where.
        module: String,
        /// What.
        name: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// It imports something that Envoy has, with another type.
    #[error("the module's imports do not fit Envoy's: {0}")]
    ImportType(String),
    /// It exports neither `malloc` nor `proxy_on_memory_allocate`.
    #[error(
        "the module exports neither `malloc` nor `proxy_on_memory_allocate`, so that nothing can be handed to it"
    )]
    NoAllocator,
    /// It exports a callback with another type.
    #[error("the module exports `{name}` with a type that Envoy does not call: {found}")]
    ExportType {
        /// The callback.
        name: &'static str,
        /// Its type.
        found: String,
    },
    /// It has no memory.
    #[error("the module exports no `memory`")]
    NoMemory,
    /// The engine itself does not work here.
    #[error("the engine cannot be set up: {0}")]
    Engine(String),
    /// No instance of it can be had.
    #[error("the module cannot be instantiated: {0}")]
    Instantiate(String),
}

/// A compiled module; cheap to clone.
#[derive(Clone)]
pub struct Module {
    compiled: Arc<Compiled>,
}

struct Compiled {
    pre: InstancePre<VmData>,
    callbacks: Vec<(&'static str, ModuleExport)>,
    fingerprint: [u8; 32],
}

impl core::fmt::Debug for Module {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Module").finish_non_exhaustive()
    }
}

/// The engine of this process: fuel is on, memory is copied on write.
fn engine() -> Result<&'static Engine, HostError> {
    static ENGINE: OnceLock<Result<Engine, String>> = OnceLock::new();
    ENGINE
        .get_or_init(|| {
            let mut config = Config::new();
            config.consume_fuel(true);
            Engine::new(&config).map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| HostError::Engine(error.clone()))
}

/// The host functions, linked once for all modules.
fn linker(engine: &Engine) -> Result<&'static Linker<VmData>, HostError> {
    static LINKER: OnceLock<Result<Linker<VmData>, String>> = OnceLock::new();
    LINKER
        .get_or_init(|| {
            let mut linker = Linker::new(engine);
            hostcalls::link(&mut linker).map_err(|error| error.to_string())?;
            Ok(linker)
        })
        .as_ref()
        .map_err(|error| HostError::Engine(error.clone()))
}

impl Module {
    /// Compiles and checks a module (cpp-host `src/wasm.cc`, `load`, `getFunctions`; `src/v8/v8.cc`, `link`).
    ///
    /// # Errors
    /// What Envoy would refuse to load.
    pub fn new(bytes: &[u8]) -> Result<Self, HostError> {
        let engine = engine()?;
        let module =
            wasmtime::Module::new(engine, bytes).map_err(|error| HostError::Compile(format!("{error:#}")))?;
        abi(&module)?;
        imports(&module)?;
        let callbacks = callbacks(&module)?;
        if !callbacks.iter().any(|(name, _)| matches!(*name, "malloc" | "proxy_on_memory_allocate")) {
            return Err(HostError::NoAllocator);
        }
        if !matches!(module.get_export("memory"), Some(ExternType::Memory(_))) {
            return Err(HostError::NoMemory);
        }
        let pre = linker(engine)?
            .instantiate_pre(&module)
            .map_err(|error| HostError::ImportType(format!("{error:#}")))?;
        let mut fingerprint = [0; 32];
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
        for (place, byte) in fingerprint.iter_mut().zip(digest.as_ref()) {
            *place = *byte;
        }
        Ok(Self { compiled: Arc::new(Compiled { pre, callbacks, fingerprint }) })
    }

    /// A store for an instance.
    pub(crate) fn store(&self, data: VmData) -> Store<VmData> {
        let mut store = Store::new(self.compiled.pre.module().engine(), data);
        store.limiter(|data| &mut data.limits.0);
        store
    }

    /// An instance; nothing of it has run yet but its start function.
    pub(crate) fn instantiate(&self, store: &mut Store<VmData>) -> Result<Instance, HostError> {
        // A start function may run here; fuel is on in this engine, so setting it cannot fail.
        let _ = store.set_fuel(u64::from(u32::MAX));
        self.compiled.pre.instantiate(store).map_err(|error| HostError::Instantiate(format!("{error:#}")))
    }

    /// The callbacks that it exports.
    pub(crate) fn callbacks(&self) -> impl Iterator<Item = (&'static str, &ModuleExport)> {
        self.compiled.callbacks.iter().map(|(name, export)| (*name, export))
    }

    /// Its SHA-256.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        self.compiled.fingerprint
    }
}

/// How much memory a VM may have.
pub(crate) struct Limits(StoreLimits);

impl Default for Limits {
    fn default() -> Self {
        Self(StoreLimitsBuilder::new().memory_size(MAX_MEMORY).build())
    }
}

impl core::fmt::Debug for Limits {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

/// Which ABI a module speaks, by the name of an export (cpp-host `src/bytecode_util.cc`, `getAbiVersion`).
fn abi(module: &wasmtime::Module) -> Result<(), HostError> {
    let exports = |name| module.get_export(name).is_some();
    if exports("proxy_abi_version_0_2_1") || exports("proxy_abi_version_0_2_0") {
        Ok(())
    } else if exports("proxy_abi_version_0_1_0") {
        Err(HostError::Abi("0.1.0"))
    } else {
        Err(HostError::NoAbi)
    }
}

/// Refuses imports that Envoy does not have.
fn imports(module: &wasmtime::Module) -> Result<(), HostError> {
    for import in module.imports() {
        if hostcalls::is_known(import.module(), import.name()) {
            continue;
        }
        let remedy = if import.module().starts_with("wasi") {
            "this WASI function is outside of Envoy's subset: avoid what needs it (files, threads, sockets)"
        } else if import.module().contains("bindgen") {
            "build for `wasm32-wasip1`, so that no JavaScript is imported"
        } else {
            "leave it out"
        };
        return Err(HostError::Import {
            module: import.module().to_owned(),
            name: import.name().to_owned(),
            remedy,
        });
    }
    Ok(())
}

/// The callbacks that a module exports, their types checked.
fn callbacks(module: &wasmtime::Module) -> Result<Vec<(&'static str, ModuleExport)>, HostError> {
    let mut callbacks = Vec::new();
    for (name, parameters, result) in hostcalls::CALLBACKS {
        let Some(ExternType::Func(kind)) = module.get_export(name) else { continue };
        let fits = kind.params().len() == *parameters
            && kind.params().all(|parameter| parameter.is_i32())
            && kind.results().len() == usize::from(*result)
            && kind.results().all(|result| result.is_i32());
        if !fits {
            return Err(HostError::ExportType { name, found: kind.to_string() });
        }
        if let Some(export) = module.get_export_index(name) {
            callbacks.push((*name, export));
        }
    }
    Ok(callbacks)
}
