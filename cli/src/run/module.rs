//! The module that decides: the one that this binary was built with, or a file.

use std::path::Path;

use meshward_host::Module;

use crate::failure::Failure;

#[cfg(embedded_module)]
const EMBEDDED: Option<&[u8]> = Some(include_bytes!(concat!(env!("OUT_DIR"), "/module.wasm")));
#[cfg(not(embedded_module))]
const EMBEDDED: Option<&[u8]> = None;

const HOW_TO_GET_ONE: &str = "in a checkout of meshward, `cargo xtask install` installs a command that holds it, and `cargo xtask build` \
     makes target/modules/authz.wasm for `--module`";

/// A compiled module, and whether it looks at bodies.
pub(super) struct Loaded {
    module: Module,
    bodies: Bodies,
}

/// Which bodies the module looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bodies {
    /// What callers send.
    pub(super) request: bool,
    /// What the upstream sends.
    pub(super) response: bool,
}

impl Loaded {
    /// The module, cheap to clone.
    pub(super) fn module(&self) -> Module {
        self.module.clone()
    }

    /// Which bodies it looks at.
    pub(super) fn bodies(&self) -> Bodies {
        self.bodies
    }
}

/// Reads and compiles it.
///
/// # Errors
/// [`Failure::Input`] where there is none, or none that Envoy would load.
pub(super) fn load(file: Option<&Path>) -> Result<Loaded, Failure> {
    let read;
    let (name, bytes) = match (file, EMBEDDED) {
        (Some(file), _) => {
            let name = file.display().to_string();
            read = std::fs::read(file)
                .map_err(|error| Failure::input(format!("cannot read `{name}`: {error}"), HOW_TO_GET_ONE))?;
            (name, read.as_slice())
        }
        (None, Some(bytes)) => ("the embedded module".to_owned(), bytes),
        (None, None) => {
            let message = "this binary was built without a module; name one with `--module FILE`";
            return Err(Failure::input(message, HOW_TO_GET_ONE));
        }
    };
    let module =
        Module::new(bytes).map_err(|error| Failure::input(format!("{name}: {error}"), HOW_TO_GET_ONE))?;
    Ok(Loaded { module, bodies: bodies(bytes) })
}

/// A callback that the module does not export is never called. Names of exports stand in the module as they are; one that
/// stands elsewhere only makes us hold bodies that nobody looks at.
fn bodies(module: &[u8]) -> Bodies {
    let names = |name: &[u8]| module.windows(name.len()).any(|window| window == name);
    Bodies { request: names(b"proxy_on_request_body"), response: names(b"proxy_on_response_body") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_module_with_the_callback_looks_at_bodies() {
        let module = b"\0asm\x01\0\0\0 proxy_on_request_body ";
        assert_eq!(bodies(module), Bodies { request: true, response: false });
        assert_eq!(bodies(b""), Bodies { request: false, response: false });
    }

    #[test]
    fn a_file_that_is_no_module_is_refused_with_the_remedy() {
        let refused = load(Some(Path::new("/nonexistent/authz.wasm")));
        assert!(refused.is_err_and(|failure| failure.help().contains("cargo xtask install")));
    }
}
