//! What is refused at load, and with which words.

use meshward_host::{HostError, Module};

use crate::wat::{Outcome, module};

fn refused(text: &str) -> Result<String, Box<dyn std::error::Error>> {
    match Module::new(&wat::parse_str(text)?) {
        Ok(_) => Ok("loaded".to_owned()),
        Err(error) => Ok(error.to_string()),
    }
}

const ALLOCATOR: &str =
    r#"(func (export "malloc") (param i32) (result i32) (i32.const 0)) (memory (export "memory") 1)"#;

#[test]
fn a_module_that_is_none_is_refused() {
    assert!(matches!(Module::new(b"not wasm"), Err(HostError::Compile(_))));
    assert!(matches!(Module::new(b""), Err(HostError::Compile(_))));
}

#[test]
fn a_module_without_an_abi_is_refused() -> Outcome {
    let said = refused(&format!("(module {ALLOCATOR})"))?;
    assert_eq!(said, "the module exports no `proxy_abi_version_…`; link it as a proxy-wasm plugin");
    Ok(())
}

#[test]
fn an_old_abi_is_refused_by_name() -> Outcome {
    let said = refused(&format!("(module (func (export \"proxy_abi_version_0_1_0\")) {ALLOCATOR})"))?;
    assert!(said.contains("0.1.0") && said.contains("current SDK"), "{said}");
    Ok(())
}

#[test]
fn an_import_that_envoy_does_not_have_is_refused_with_a_remedy() -> Outcome {
    let with = |module: &str, name: &str| {
        refused(&format!(
            "(module (import \"{module}\" \"{name}\" (func)) (func (export \"proxy_abi_version_0_2_1\")) {ALLOCATOR})"
        ))
    };
    assert!(with("env", "proxy_fly")?.contains("`env.proxy_fly`, which Envoy does not have"));
    assert!(with("wasi_snapshot_preview1", "fd_fdstat_set_wings")?.contains("Envoy's subset"));
    assert!(with("__wbindgen_placeholder__", "__wbindgen_describe")?.contains("wasm32-wasip1"));
    assert!(with("env", "proxy_log")?.contains("do not fit Envoy's"), "the type of an import counts");
    Ok(())
}

#[test]
fn a_callback_of_another_type_is_refused() -> Outcome {
    let said = refused(&format!(
        "(module (func (export \"proxy_abi_version_0_2_1\")) (func (export \"proxy_on_tick\")) {ALLOCATOR})"
    ))?;
    assert!(said.contains("`proxy_on_tick`"), "{said}");
    Ok(())
}

#[test]
fn a_module_that_nothing_can_be_handed_to_is_refused() -> Outcome {
    let abi = "(func (export \"proxy_abi_version_0_2_0\"))";
    assert!(refused(&format!("(module {abi} (memory (export \"memory\") 1))"))?.contains("neither `malloc`"));
    let malloc = "(func (export \"malloc\") (param i32) (result i32) (i32.const 0))";
    assert!(refused(&format!("(module {abi} {malloc})"))?.contains("no `memory`"));
    Ok(())
}

#[test]
fn a_plugin_of_this_suite_loads() -> Outcome {
    module(&[("proxy_on_request_headers", "")])?;
    Ok(())
}
