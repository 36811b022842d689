//! How VMs come into being and plugins are configured: base, canary, workers; updates; reloads; the end of a root.
//!
//! cpp-host `src/wasm.cc` (`createWasm`, `canary`, `getOrCreateThreadLocalPlugin`), Envoy `source/extensions/common/wasm/wasm.cc`
//! (`PluginConfig`).

use std::sync::Arc;

use crate::proxy::{Handle, Proxy, Refused, VmKey};
use crate::root::Root;
use crate::vm::{Context, Restriction, Vm, VmId};
use crate::{Builder, FailurePolicy, LogLevel, Plugin, StartError};

/// How long a failed VM stays failed before the next request loads a new one (Envoy `wasm.cc`, `reload_backoff_`, whose jitter of
/// up to a half is left out).
const RELOAD_BACK_OFF: u64 = 1_000_000_000;

/// Why a plugin could not be loaded.
enum Unloaded {
    /// The VM could not be started.
    Failed(String),
    /// `proxy_on_configure` answered false, or trapped.
    Refused,
}

fn key(plugin: &Plugin) -> VmKey {
    VmKey {
        vm_id: plugin.vm_id.clone(),
        configuration: plugin.vm_configuration.clone(),
        code: plugin.module.fingerprint(),
    }
}

impl Proxy {
    pub(crate) fn start(builder: Builder) -> Result<Self, StartError> {
        let mut proxy = Self::empty(builder);
        let plugins: Vec<Arc<Plugin>> =
            proxy.plugins.iter().map(|installed| Arc::clone(&installed.plugin)).collect();
        let mut based = Vec::new();
        for (place, plugin) in plugins.iter().enumerate() {
            let name = || plugin.name.clone();
            let key = key(plugin);
            if !based.contains(&key) {
                // The base VM runs its start functions and nothing else.
                let base =
                    proxy.load(plugin, None).map_err(|why| StartError::Failed { plugin: name(), why })?;
                proxy.vms.remove(&base);
                based.push(key);
            }
            proxy.canary(plugin, place).map_err(|unloaded| match unloaded {
                Unloaded::Refused => StartError::Refused { plugin: name() },
                Unloaded::Failed(why) => StartError::Failed { plugin: name(), why },
            })?;
            if proxy.main_thread {
                let handle = proxy.load_on(plugin, place, proxy.workers);
                if let Some(installed) = proxy.plugins.get_mut(place) {
                    installed.main = Some(handle);
                }
            }
        }
        for worker in 0..proxy.workers {
            for (place, plugin) in plugins.iter().enumerate() {
                let handle = proxy.load_on(plugin, place, worker);
                if let Some(installed) = proxy.plugins.get_mut(place) {
                    installed.handles.push(handle);
                }
            }
        }
        proxy.settle();
        Ok(proxy)
    }

    /// Gives a plugin (by its place in the chain) another configuration: the canary first, then each worker. Streams that are
    /// open keep the configuration that they began with.
    ///
    /// # Errors
    /// It refused, or its canary trapped; what was configured before stays.
    pub fn configure(&mut self, plugin: usize, configuration: &[u8]) -> Result<(), Refused> {
        let Some(installed) = self.plugins.get(plugin) else {
            return Err(Refused { plugin: format!("number {plugin}") });
        };
        let mut updated = Plugin::clone(&installed.plugin);
        updated.configuration = configuration.to_vec();
        let updated = Arc::new(updated);
        if self.poisoned.contains(&key(&updated)) || self.canary(&updated, plugin).is_err() {
            self.settle();
            return Err(Refused { plugin: updated.name.clone() });
        }
        let main = self.main_thread.then(|| self.load_on(&updated, plugin, self.workers));
        let handles: Vec<Handle> =
            (0..self.workers).map(|worker| self.load_on(&updated, plugin, worker)).collect();
        if let Some(installed) = self.plugins.get_mut(plugin) {
            installed.plugin = updated;
            let main = core::mem::replace(&mut installed.main, main);
            let before = core::mem::replace(&mut installed.handles, handles);
            self.retiring.extend(main.into_iter().chain(before).filter_map(|handle| handle.at));
        }
        self.settle();
        Ok(())
    }

    /// A VM of its own configures first; what it says is remembered. It is thrown away without farewell
    /// (`WasmHandleBase::canary`).
    fn canary(&mut self, plugin: &Arc<Plugin>, place: usize) -> Result<(), Unloaded> {
        let cached = (key(plugin), plugin.root_id.clone(), plugin.configuration.clone());
        match self.canaries.get(&cached) {
            Some(true) => return Ok(()),
            Some(false) => return Err(Unloaded::Refused),
            None => {}
        }
        let vm = self.load(plugin, None).map_err(Unloaded::Failed)?;
        let outcome = self.begin(vm, plugin, place);
        let trapped = self.vms.get(&vm).and_then(|vm| vm.own().failure.clone());
        self.vms.remove(&vm);
        self.world.callouts.retain(|_, open| open.vm != vm);
        match outcome {
            Ok(_) => {
                self.canaries.insert(cached, true);
                Ok(())
            }
            Err(Unloaded::Refused) => {
                self.world.write(
                    LogLevel::Error,
                    "",
                    None,
                    b"Wasm VM failed Failed to configure base Wasm plugin",
                );
                self.canaries.insert(cached, false);
                match trapped {
                    Some(why) => Err(Unloaded::Failed(why)),
                    None => Err(Unloaded::Refused),
                }
            }
            Err(Unloaded::Failed(why)) => {
                self.world.write(LogLevel::Error, "", None, b"Wasm VM failed Failed to start base Wasm");
                Err(Unloaded::Failed(why))
            }
        }
    }

    /// A plugin on a worker; a worker that refuses what the canary took poisons the module
    /// (`getOrCreateThreadLocalPlugin`).
    fn load_on(&mut self, plugin: &Arc<Plugin>, place: usize, worker: usize) -> Handle {
        let loaded = self.world.now;
        let key = key(plugin);
        let known = self.by_key.get(&(worker, key.clone())).copied();
        let vm = known.map_or_else(|| self.load(plugin, Some(worker)), Ok);
        let at = vm.ok().and_then(|vm| {
            self.by_key.insert((worker, key.clone()), vm);
            self.begin(vm, plugin, place).ok().map(|root| (vm, root))
        });
        if at.is_none() {
            self.poisoned.insert(key);
            self.world.write(
                LogLevel::Error,
                "",
                Some(worker),
                b"Wasm VM failed Failed to configure thread-local Wasm plugin",
            );
        } else if let Some((vm, _)) = at
            && self.is_failed(vm)
        {
            self.by_key.retain(|_, known| *known != vm);
        }
        Handle { at, loaded }
    }

    /// A VM whose start functions have run (`WasmBase::startVm`).
    fn load(&mut self, plugin: &Arc<Plugin>, worker: Option<usize>) -> Result<VmId, String> {
        self.last_vm = self.last_vm.saturating_add(1);
        let vm = VmId(self.last_vm);
        let instance = Vm::new(&plugin.module, plugin, vm, worker).map_err(|error| error.to_string())?;
        self.vms.insert(vm, instance);
        let reactor = self.exports(vm, "_initialize");
        let main = if self.exports(vm, "main") { "main" } else { "__main_void" };
        let steps: &[(&'static str, &[u32])] = match (reactor, main) {
            (true, "main") => &[("_initialize", &[]), ("main", &[0, 0])],
            (true, _) => &[("_initialize", &[]), ("__main_void", &[])],
            (false, _) => &[("_start", &[])],
        };
        for (name, arguments) in steps {
            if let Some(instance) = self.vms.get_mut(&vm) {
                instance.own_mut().restriction = Restriction::Start;
            }
            self.call(vm, name, 0, arguments);
        }
        let failure = self.vms.get_mut(&vm).and_then(|instance| {
            instance.own_mut().restriction = Restriction::None;
            instance.own().failure.clone()
        });
        match failure {
            None => Ok(vm),
            Some(why) => {
                self.vms.remove(&vm);
                Err(why)
            }
        }
    }

    /// A new root of a VM, started and configured (`WasmBase::start`, `ContextBase::onStart`, `onConfigure`). A VM that trapped
    /// before it configures counts as configured: its requests then fail.
    fn begin(&mut self, vm: VmId, plugin: &Arc<Plugin>, place: usize) -> Result<u32, Unloaded> {
        let gone = || Unloaded::Failed("the VM is gone".to_owned());
        let own = self.vms.get_mut(&vm).ok_or_else(gone)?.own_mut();
        let root = own.allocate_context();
        let mut context = Root::new(Arc::clone(plugin), place);
        context.configuring = true;
        context.created = true;
        own.contexts.insert(root, Context::Root(Box::new(context)));
        self.call(vm, "proxy_on_context_create", root, &[root, 0]);
        self.with_root(vm, root, |root| root.configuring = false);
        let size = u32::try_from(plugin.vm_configuration.len()).unwrap_or(u32::MAX);
        let started = self.call(vm, "proxy_on_vm_start", root, &[root, size]);
        self.after(vm);
        if started.is_some_and(|started| started.result == 0) {
            return Err(Unloaded::Failed("proxy_on_vm_start answered false".to_owned()));
        }
        if self.is_failed(vm) {
            return Ok(root);
        }
        self.with_root(vm, root, |root| root.configuring = true);
        let size = u32::try_from(plugin.configuration.len()).unwrap_or(u32::MAX);
        let configured = self.call(vm, "proxy_on_configure", root, &[root, size]);
        self.with_root(vm, root, |root| root.configuring = false);
        self.after(vm);
        if configured.is_some_and(|configured| configured.result == 0) {
            return Err(Unloaded::Refused);
        }
        Ok(root)
    }

    /// The VM and root for a new stream. With `Reload`, a VM that trapped is replaced once the back-off is over
    /// (`PluginConfig::maybeReloadHandleIfNeeded`).
    pub(crate) fn handle(&mut self, place: usize, worker: usize) -> Option<Handle> {
        let installed = self.plugins.get(place)?;
        let plugin = Arc::clone(&installed.plugin);
        let handle = *installed.handles.get(worker)?;
        let (vm, _) = handle.at?;
        if !self.is_failed(vm) || plugin.failure_policy != FailurePolicy::Reload {
            return Some(handle);
        }
        if self.world.now.saturating_sub(handle.loaded) < RELOAD_BACK_OFF {
            self.count(&plugin.name, "vm_reload_backoff");
            return Some(handle);
        }
        let mut fresh = self.load_on(&plugin, place, worker);
        let reloaded = fresh.at.is_some_and(|(fresh, _)| !self.is_failed(fresh));
        if !reloaded {
            fresh.at = handle.at;
        }
        let known = self.plugins.get_mut(place)?.handles.get_mut(worker)?;
        *known = fresh;
        self.count(&plugin.name, if reloaded { "vm_reload_success" } else { "vm_reload_failure" });
        self.forget_vm(vm);
        Some(fresh)
    }

    /// Envoy's own counters of a plugin (`stats_handler.h`).
    fn count(&mut self, plugin: &str, what: &str) {
        let counter = self.world.metrics.counters.entry(format!("wasm.{plugin}.{what}")).or_default();
        *counter = counter.saturating_add(1);
    }

    /// A VM that nothing refers to any more.
    fn forget_vm(&mut self, vm: VmId) {
        let used = self.plugins.iter().any(|plugin| {
            plugin.handles.iter().any(|handle| handle.at.is_some_and(|(known, _)| known == vm))
        });
        if self.is_failed(vm) && !used {
            self.vms.remove(&vm);
            self.world.callouts.retain(|_, open| open.vm != vm);
        }
    }

    /// Ends roots of earlier configurations that no stream uses any more (`WasmBase::startShutdown`).
    pub(crate) fn retire(&mut self) {
        let streams = &self.world.streams;
        let (busy, idle): (Vec<_>, Vec<_>) = self.retiring.drain(..).partition(|(vm, root)| {
            streams.values().any(|stream| {
                !stream.over
                    && stream.filters.iter().any(|filter| filter.vm == Some(*vm) && filter.root == *root)
            })
        });
        self.retiring = busy;
        for (vm, root) in idle {
            let done = if self.is_failed(vm) { None } else { self.call(vm, "proxy_on_done", root, &[root]) };
            self.after(vm);
            if done.is_some_and(|done| done.result == 0) {
                if let Some(instance) = self.vms.get_mut(&vm) {
                    instance.own_mut().pending_done.push(root);
                }
            } else {
                self.delete_root(vm, root);
            }
        }
    }

    /// Deletes roots whose end was deferred (`WasmBase::finishShutdown`).
    pub(crate) fn finish_shutdown(&mut self, vm: VmId) {
        let pending = self.vms.get_mut(&vm).map(|vm| core::mem::take(&mut vm.own_mut().pending_delete));
        for root in pending.unwrap_or_default() {
            self.delete_root(vm, root);
        }
    }

    /// The last callback of a root; callouts that it waits for are cancelled (Envoy `context.cc`, `~Context`).
    fn delete_root(&mut self, vm: VmId, root: u32) {
        if !self.is_failed(vm) {
            self.call(vm, "proxy_on_delete", root, &[root]);
            self.after(vm);
        }
        if let Some(instance) = self.vms.get_mut(&vm) {
            instance.own_mut().contexts.remove(&root);
        }
        self.world.callouts.retain(|_, open| open.vm != vm || open.root != root);
    }
}
