//! A twin of a module that traps when a request has a body: the same code, and one callback more, which is `unreachable`.

use crate::setup::Running;
use meshward_harness::client::RawRequest;
use std::path::{Path, PathBuf};
use wasm_encoder::{CodeSection, ExportKind, ExportSection, Function, FunctionSection, Module, RawSection};
use wasmparser::{ExternalKind, FunctionSectionReader, Parser, Payload, TypeRef};

/// A callback whose type is that of the one below, and which the module does not have.
const TRAP: &str = "proxy_on_request_body";
const ALIKE: &str = "proxy_on_request_headers";

/// Writes the twin of `module` into `folder`.
pub(crate) fn twin(module: &Path, folder: &Path) -> PathBuf {
    let wasm = std::fs::read(module).expect("the module");
    let path = folder.join("trapping.wasm");
    std::fs::write(&path, with_trap(&wasm)).expect("the twin");
    path
}

/// Has the VM of the only worker trap.
pub(crate) fn trap(running: &Running) {
    let mark = running.envoy.log_mark();
    let request = RawRequest::new("POST", "/200/orders").host("orders").header("x-key", "trap");
    let request = request.header("x-forwarded-for", "10.9.9.9").body("a body");
    // Whatever is answered: the VM is gone.
    let _ = running.client().send(&request);
    let died = |line: &str| {
        line.contains("wasm trap") || line.contains("unreachable") || line.contains("Wasm VM failed")
    };
    running.envoy.wait_log_since(mark, died, crate::setup::WITHIN).expect("a trap in Envoy's log");
}

fn with_trap(wasm: &[u8]) -> Vec<u8> {
    let (imported, types) = functions(wasm);
    let alike = exported(wasm);
    let kind = types[usize::try_from(alike - imported).expect("an index")];
    let added = imported + u32::try_from(types.len()).expect("a count");
    let mut module = Module::new();
    let mut code = CodeSection::new();
    let mut bodies = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.expect("a module");
        match payload {
            Payload::FunctionSection(_) => {
                let mut section = FunctionSection::new();
                types.iter().chain([&kind]).for_each(|kind| {
                    section.function(*kind);
                });
                module.section(&section);
            }
            Payload::ExportSection(section) => {
                let mut exports = ExportSection::new();
                for export in section {
                    let export = export.expect("an export");
                    assert_ne!(export.name, TRAP, "the module has the callback itself");
                    let kind = match export.kind {
                        ExternalKind::Func => ExportKind::Func,
                        ExternalKind::Memory => ExportKind::Memory,
                        other => panic!("an export of kind {other:?}"),
                    };
                    exports.export(export.name, kind, export.index);
                }
                exports.export(TRAP, ExportKind::Func, added);
                module.section(&exports);
            }
            Payload::CodeSectionStart { .. } => {}
            Payload::CodeSectionEntry(body) => {
                code.raw(body.as_bytes());
                bodies += 1;
                if bodies == types.len() {
                    let mut trap = Function::new([]);
                    trap.instructions().unreachable().end();
                    code.function(&trap);
                    module.section(&code);
                }
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let range = usize::try_from(range.start).expect("an offset")
                        ..usize::try_from(range.end).expect("an offset");
                    module.section(&RawSection { id, data: &wasm[range] });
                }
            }
        }
    }
    module.finish()
}

/// How many functions are imported, and the types of those that are not.
fn functions(wasm: &[u8]) -> (u32, Vec<u32>) {
    let (mut imported, mut types) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect("a module") {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.expect("an import");
                    imported += u32::from(matches!(import.ty, TypeRef::Func(_)));
                }
            }
            Payload::FunctionSection(section) => types.extend(all(section)),
            _ => {}
        }
    }
    (imported, types)
}

fn all(section: FunctionSectionReader<'_>) -> impl Iterator<Item = u32> {
    section.into_iter().map(|kind| kind.expect("a type"))
}

/// The index of the function that is exported as [`ALIKE`].
fn exported(wasm: &[u8]) -> u32 {
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::ExportSection(section) = payload.expect("a module") {
            for export in section {
                let export = export.expect("an export");
                if export.name == ALIKE {
                    return export.index;
                }
            }
        }
    }
    panic!("the module does not export {ALIKE}")
}
