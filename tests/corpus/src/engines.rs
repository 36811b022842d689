//! Where the engines are: environment variables that `cargo xtask test` sets.

use meshward_harness::envoy::binary_from_environment;
use std::path::PathBuf;

/// The variable that names the older Envoy.
pub const SECOND_VARIABLE: &str = "MESHWARD_ENVOY_SECOND";
/// The variable that names the folder of the built modules.
pub const MODULES_VARIABLE: &str = "MESHWARD_MODULES";

/// The newest Envoy.
///
/// # Errors
/// The remedy, when the variable is not set.
pub fn main() -> Result<PathBuf, String> {
    binary_from_environment()
}

/// The older Envoy.
///
/// # Errors
/// The remedy, when the variable is not set.
pub fn second() -> Result<PathBuf, String> {
    named_by(SECOND_VARIABLE)
}

/// The module of `authz`.
///
/// # Errors
/// The remedy, when the variable is not set or nothing is there.
pub fn module() -> Result<PathBuf, String> {
    Modules::built()?.of("authz")
}

/// The folder of the modules that ship.
#[derive(Debug, Clone)]
pub struct Modules {
    folder: PathBuf,
}

impl Modules {
    /// What `cargo xtask build` built.
    ///
    /// # Errors
    /// The remedy, when the variable is not set.
    pub fn built() -> Result<Self, String> {
        Ok(Self { folder: named_by(MODULES_VARIABLE)? })
    }

    /// The file of a module.
    ///
    /// # Errors
    /// The remedy, when nothing is there.
    pub fn of(&self, name: &str) -> Result<PathBuf, String> {
        let module = self.folder.join(format!("{name}.wasm"));
        if module.is_file() {
            Ok(module)
        } else {
            Err(format!("{} is not there: run `cargo xtask build`", module.display()))
        }
    }
}

fn named_by(variable: &str) -> Result<PathBuf, String> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .ok_or_else(|| format!("{variable} is not set: run `cargo xtask test --only corpus`, which sets it"))
}
