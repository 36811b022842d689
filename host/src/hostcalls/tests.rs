//! Every host function, called with arguments that make no sense: it answers, and the host lives.

use wasmtime::{Linker, Store, ValType};

use super::{OTHER, PROXY, WASI, link};
use crate::vm::VmData;
use crate::{Attributes, Module, Plugin, Proxy};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What is passed, for every parameter at once.
const ARGUMENTS: [u32; 6] = [0, 1, 7, 65_535, 0x7fff_ffff, u32::MAX];

fn functions() -> Vec<(&'static str, &'static str)> {
    let mut all: Vec<_> = PROXY.iter().map(|name| ("env", *name)).collect();
    for module in ["wasi_unstable", "wasi_snapshot_preview1"] {
        all.extend(WASI.iter().map(|name| (module, *name)));
    }
    all.extend_from_slice(OTHER);
    all
}

/// A module that calls one function with every argument for all its parameters.
fn caller(module: &str, name: &str, kind: &wasmtime::FuncType) -> String {
    let types: Vec<&str> = kind
        .params()
        .map(|parameter| if matches!(parameter, ValType::I64) { "i64" } else { "i32" })
        .collect();
    let parameters = types.join(" ");
    let (result, drop) = if kind.results().len() > 0 { ("(result i32)", "drop") } else { ("", "") };
    let mut call = String::new();
    for argument in ARGUMENTS {
        let values: Vec<String> = types.iter().map(|kind| format!("({kind}.const {argument})")).collect();
        call.push_str(&format!("(call $f {}) {drop}\n", values.join(" ")));
    }
    format!(
        r#"(module (import "{module}" "{name}" (func $f (param {parameters}) {result})) (memory (export "memory") 1)
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 1024))
        (func (export "proxy_on_configure") (param i32 i32) (result i32) {call} (i32.const 1))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {call} (i32.const 0))
        (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) {call} (i32.const 0))
        (func (export "proxy_on_log") (param i32) {call}))"#
    )
}

#[test]
fn every_function_answers_whatever_it_is_called_with() -> Outcome {
    let engine = wasmtime::Engine::default();
    let mut linker: Linker<VmData> = Linker::new(&engine);
    link(&mut linker)?;
    let mut store = Store::new(&engine, VmData::default());
    for (module, name) in functions() {
        let func = linker.get(&mut store, module, name)?.into_func();
        let kind = func.ok_or(name)?.ty(&store);
        let text = caller(module, name, &kind);
        let plugin = Plugin::new(Module::new(&wat::parse_str(text)?)?, "p");
        let mut proxy = Proxy::builder().plugin(plugin).start()?;
        let stream = proxy.open(0, Attributes::plaintext());
        let headers = [(":method", "GET"), (":path", "/"), (":authority", "a")];
        let headers = headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        proxy.request_headers(stream, headers.to_vec(), true);
        proxy.response_headers(stream, vec![(b":status".to_vec(), b"200".to_vec())], true);
        proxy.finish(stream);
        assert_eq!(proxy.vm_state(0, 0), crate::VmState::Running, "{module}.{name}");
        assert!(proxy.total_calls() > 0 || OTHER.contains(&(module, name)), "{module}.{name} was not called");
    }
    Ok(())
}
