//! The Wasm modules: what there is to build, and building it. A module leaves here checked against what Envoy provides,
//! with exactly the exports that are written down, and within its ceiling; otherwise it does not leave.

mod doors;
mod plugin;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::toolchain::{self, MODULE_TARGET, Toolchain};
use crate::{interface, paths, setup, strip};

pub(crate) use plugin::{ALL, Plugin};

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

/// Builds the modules in release mode into [`paths::modules`], setting up the toolchain first where it is missing. Those that are
/// not there yet are left out.
pub(crate) fn build(plugins: &[Plugin]) -> Result<Vec<Module>> {
    setup::ensure(&[setup::Step::Toolchain], false)?;
    let toolchain = toolchain::install()?;
    std::fs::create_dir_all(paths::modules()).context("could not create the folder of modules")?;
    let mut modules = Vec::with_capacity(plugins.len());
    for plugin in plugins {
        if plugin.is_there()? {
            modules.push(build_one(*plugin, toolchain)?);
        }
    }
    Ok(modules)
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
    let exports = plugin.exports()?;
    let bytes = match (plugin, &exports) {
        (Plugin::SdkStripped, Some(keep)) => strip::keep_exports(&bytes, keep)?,
        _ => bytes,
    };
    interface::check(&bytes, exports.as_deref())
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
