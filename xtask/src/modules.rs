//! The Wasm modules: what there is to build, and building it. A module leaves here checked against what Envoy provides,
//! with exactly the exports that are written down, and within its ceiling; otherwise it does not leave.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::toolchain::{self, MODULE_TARGET, Toolchain};
use crate::{interface, paths, setup, strip};

/// A module that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plugin {
    /// What ships: access policy.
    Authz,
    /// A probe: the stage that asks, for the tests of the adapter.
    Asking,
    /// The bench's lower bound: the same host calls, none of our crates.
    Floor,
    /// The bench's rival: the stock SDK with nothing implemented, every export kept.
    SdkEmpty,
    /// The same with only those exports that a filter of request headers needs.
    SdkStripped,
    /// The module of `tests/probes`: does what a script says.
    Probe,
}

/// All of them, in the order of `build`.
pub(crate) const ALL: [Plugin; 6] =
    [Plugin::Authz, Plugin::Asking, Plugin::Floor, Plugin::SdkEmpty, Plugin::SdkStripped, Plugin::Probe];

/// What `authz` exports, and nothing else: Envoy calls every callback that it finds, on every request.
/// `proxy_on_delete` frees a stream's context and stays in every module.
const AUTHZ_EXPORTS: [&str; 8] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_context_create",
    "proxy_on_configure",
    "proxy_on_request_headers",
    "proxy_on_delete",
];

/// What a plugin that asks exports beside that: called per answer and per tick, not per request.
const ASKING_EXPORTS: [&str; 12] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_context_create",
    "proxy_on_configure",
    "proxy_on_request_headers",
    "proxy_on_delete",
    "proxy_on_tick",
    "proxy_on_http_call_response",
    "proxy_on_grpc_receive",
    "proxy_on_grpc_close",
];

impl Plugin {
    /// The file's name without `.wasm`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Authz => "authz",
            Self::Asking => "asking",
            Self::Floor => "floor",
            Self::SdkEmpty => "sdk_empty",
            Self::SdkStripped => "sdk_stripped",
            Self::Probe => "probe",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Authz => "meshward-authz",
            Self::Asking => "meshward-asking",
            Self::Floor => "meshward-bench-floor",
            Self::SdkEmpty | Self::SdkStripped => "meshward-bench-sdk-empty",
            Self::Probe => "meshward-probe",
        }
    }

    /// The exports that it must have and may keep; `None`: whatever its crates export.
    fn exports(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Authz | Self::Floor | Self::SdkStripped => Some(&AUTHZ_EXPORTS),
            Self::Asking => Some(&ASKING_EXPORTS),
            Self::SdkEmpty | Self::Probe => None,
        }
    }

    /// The most that it may weigh, in KiB: start-up time in every proxy of the mesh.
    pub(crate) fn ceiling_kib(self) -> Option<u32> {
        match self {
            Self::Authz => Some(400),
            Self::Asking | Self::Floor | Self::SdkEmpty | Self::SdkStripped | Self::Probe => None,
        }
    }
}

/// A finished module.
#[derive(Debug)]
pub(crate) struct Module {
    /// Which.
    pub(crate) plugin: Plugin,
    /// Where.
    pub(crate) path: PathBuf,
    /// How many bytes.
    pub(crate) bytes: usize,
    /// SHA-256 of the file, in hexadecimal, as Envoy's configuration wants it.
    pub(crate) sha256: String,
}

impl Module {
    /// `312.4 KiB`.
    pub(crate) fn size(&self) -> String {
        format!("{:.1} KiB", self.bytes as f64 / 1024.0)
    }

    fn check_ceiling(&self) -> Result<()> {
        let Some(ceiling) = self.plugin.ceiling_kib() else { return Ok(()) };
        let most = usize::try_from(ceiling)?.saturating_mul(1024);
        if self.bytes > most {
            bail!(
                "`{}` weighs {}, its ceiling is {ceiling} KiB: a dependency must earn its size",
                self.plugin.name(),
                self.size()
            );
        }
        Ok(())
    }
}

/// Builds the modules in release mode into [`paths::modules`], setting up the toolchain first where it is missing.
pub(crate) fn build(plugins: &[Plugin]) -> Result<Vec<Module>> {
    setup::ensure(&[setup::Step::Toolchain], false)?;
    let toolchain = toolchain::install()?;
    std::fs::create_dir_all(paths::modules()).context("could not create the folder of modules")?;
    plugins.iter().map(|plugin| build_one(*plugin, toolchain)).collect()
}

fn build_one(plugin: Plugin, toolchain: Toolchain) -> Result<Module> {
    // One package a call: features of the others must not change the bytes of this one.
    let call = toolchain.cargo("build", MODULE_TARGET).args([
        "--quiet",
        "--profile",
        "module",
        "--package",
        plugin.package(),
    ]);
    call.logged(&format!("build-{}", plugin.name()))?;
    let built = artefact(plugin);
    let bytes = std::fs::read(&built).with_context(|| format!("cargo left no {}", paths::short(&built)))?;
    let bytes = match plugin {
        Plugin::SdkStripped => strip::keep_exports(&bytes, &AUTHZ_EXPORTS)?,
        Plugin::Authz | Plugin::Asking | Plugin::Floor | Plugin::SdkEmpty | Plugin::Probe => bytes,
    };
    interface::check(&bytes, plugin.exports())
        .with_context(|| format!("`{}` would not run in Envoy", plugin.name()))?;
    let path = paths::modules().join(plugin.name()).with_extension("wasm");
    let module = Module { plugin, bytes: bytes.len(), sha256: hex(&Sha256::digest(&bytes)), path };
    write_if_new(&module.path, &bytes)?;
    module.check_ceiling()?;
    Ok(module)
}

fn artefact(plugin: Plugin) -> PathBuf {
    let file = format!("{}.wasm", plugin.package().replace('-', "_"));
    paths::wasm_target().join(MODULE_TARGET).join("module").join(file)
}

/// A file that did not change keeps its time; one that did is replaced at once, so that a reader never sees half of it.
fn write_if_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if std::fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let new = path.with_extension("wasm.new");
    std::fs::write(&new, bytes).with_context(|| format!("could not write {}", new.display()))?;
    std::fs::rename(&new, path).with_context(|| format!("could not write {}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
