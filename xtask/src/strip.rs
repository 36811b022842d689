//! Takes exports away from a finished module. The SDK exports every callback that the ABI knows; Envoy calls each of
//! them, so one that does nothing still costs every request. The code stays: what is measured is the calls.

use anyhow::{Context, Result};
use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{ExternalKind, Parser, Payload};

/// The module with those of its exports that are in `keep`; every other section is copied byte for byte.
///
/// # Errors
///
/// When it is no module, or exports something that is neither a function nor a memory.
pub(crate) fn keep_exports(wasm: &[u8], keep: &[&str]) -> Result<Vec<u8>> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.context("the module is not valid")?;
        if let Payload::ExportSection(section) = payload {
            let mut exports = ExportSection::new();
            for export in section {
                let export = export.context("an export is not valid")?;
                if keep.contains(&export.name) {
                    exports.export(export.name, kind(export.kind)?, export.index);
                }
            }
            module.section(&exports);
        } else if let Some((id, range)) = payload.as_section() {
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let data = wasm.get(range).context("a section reaches beyond the module")?;
            module.section(&RawSection { id, data });
        }
    }
    Ok(module.finish())
}

fn kind(kind: ExternalKind) -> Result<ExportKind> {
    let known = [(ExternalKind::Func, ExportKind::Func), (ExternalKind::Memory, ExportKind::Memory)];
    let found = known.into_iter().find(|(ours, _)| *ours == kind).map(|(_, theirs)| theirs);
    found.context("it exports something that is neither a function nor a memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_goes_and_all_else_stays() {
        let text = r#"(module
            (import "env" "proxy_log" (func (param i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "proxy_on_delete") (param i32))
            (func (export "proxy_on_log") (param i32))
            (data (i32.const 0) "kept"))"#;
        let wasm = wat::parse_str(text).expect("the example is a module");
        let keep = ["memory", "proxy_on_delete"];
        let stripped = keep_exports(&wasm, &keep).expect("it can be read");
        crate::interface::check(&stripped, Some(&keep)).expect("what is left is a module with these exports");
        assert!(stripped.windows(4).any(|bytes| bytes == b"kept"));
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        assert!(keep_exports(b"not wasm", &["memory"]).is_err());
    }
}
