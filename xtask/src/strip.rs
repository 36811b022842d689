//! Takes exports away from a finished module, and with them the code that only they reach. The SDK exports every
//! callback that the ABI knows; Envoy calls each of them, so one that does nothing still costs every request.

use anyhow::{Context, Result, bail};
use walrus::{Module, ModuleConfig};

/// The module with these exports only.
///
/// # Errors
///
/// When the module lacks one of them, or is no module.
pub(crate) fn keep_exports(wasm: &[u8], keep: &[&str]) -> Result<Vec<u8>> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    let mut module = config.parse(wasm).context("not a module that can be read")?;
    let missing: Vec<&str> = keep.iter().copied().filter(|name| !has_export(&module, name)).collect();
    if !missing.is_empty() {
        bail!(
            "the module does not export {}: is the callback implemented and `#[no_mangle]`?",
            missing.join(", ")
        );
    }
    let unwanted: Vec<_> = module
        .exports
        .iter()
        .filter(|export| !keep.contains(&export.name.as_str()))
        .map(|e| e.id())
        .collect();
    for id in unwanted {
        module.exports.delete(id);
    }
    walrus::passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

fn has_export(module: &Module, name: &str) -> bool {
    module.exports.iter().any(|export| export.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"(module
        (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (func $used (export "proxy_on_delete") (param i32))
        (func (export "proxy_on_log") (param i32) (drop (call $log (i32.const 0) (i32.const 0) (i32.const 0)))))"#;

    #[test]
    fn an_export_goes_with_all_that_only_it_reaches() {
        let wasm = wat::parse_str(TWO).expect("the example is a module");
        let stripped = keep_exports(&wasm, &["memory", "proxy_on_delete"]).expect("it has both");
        let module = Module::from_buffer(&stripped).expect("what is left is a module");
        assert_eq!(module.exports.iter().count(), 2);
        assert_eq!(module.imports.iter().count(), 0, "only the removed callback logged");
    }

    #[test]
    fn an_export_that_is_not_there_is_an_error() {
        let wasm = wat::parse_str(TWO).expect("the example is a module");
        let error = keep_exports(&wasm, &["proxy_on_tick"]).expect_err("it has none").to_string();
        assert!(error.contains("proxy_on_tick"), "{error}");
    }
}
