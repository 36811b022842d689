//! A module's outline: its types, what it imports, what it exports.

use anyhow::{Context, Result, bail};
use wasm_encoder::ValType;
use wasmparser::{ExternalKind, FuncType, Parser, Payload, TypeRef};

/// What a function takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    pub(super) takes: Vec<ValType>,
    pub(super) gives: Vec<ValType>,
}

/// A function that the host provides.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) module: String,
    pub(super) name: String,
    /// Which of the types it has.
    pub(super) of_type: u32,
}

/// What can be seen of a module from the outside, and how much of what it has.
#[derive(Clone, Debug, Default)]
pub(super) struct Outline {
    pub(super) types: Vec<Signature>,
    pub(super) imports: Vec<Import>,
    /// The exported functions, in their order, with their types.
    pub(super) exports: Vec<(String, u32)>,
    /// Which of the types each function has, beginning with those that are imported.
    functions: Vec<u32>,
    pub(super) globals: u32,
}

impl Outline {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// When it is no module, imports something that is not a function, or exports something that is neither function nor memory.
    pub(super) fn of(wasm: &[u8]) -> Result<Self> {
        let mut outline = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload.context("the module is not valid")?;
            if let Payload::TypeSection(section) = payload {
                for one in section.into_iter_err_on_gc_types() {
                    outline.types.push(signature(&one.context("a type is not valid")?)?);
                }
            } else if let Payload::ImportSection(section) = payload {
                for import in section.into_imports() {
                    let import = import.context("an import is not valid")?;
                    let TypeRef::Func(of_type) = import.ty else {
                        bail!("it imports `{}`, which is no function", import.name)
                    };
                    let (module, name) = (import.module.to_owned(), import.name.to_owned());
                    outline.imports.push(Import { module, name, of_type });
                    outline.functions.push(of_type);
                }
            } else if let Payload::FunctionSection(section) = payload {
                for of_type in section {
                    outline.functions.push(of_type.context("a function is not valid")?);
                }
            } else if let Payload::GlobalSection(section) = payload {
                outline.globals = section.count();
            } else if let Payload::ExportSection(section) = payload {
                for export in section {
                    let export = export.context("an export is not valid")?;
                    outline.export(export.name, export.kind, export.index)?;
                }
            }
        }
        Ok(outline)
    }

    fn export(&mut self, name: &str, kind: ExternalKind, index: u32) -> Result<()> {
        if kind == ExternalKind::Func {
            let of_type = self.functions.get(usize::try_from(index)?);
            let of_type =
                of_type.with_context(|| format!("`{name}` exports a function that is not there"))?;
            self.exports.push((name.to_owned(), *of_type));
        } else if kind != ExternalKind::Memory {
            bail!("it exports `{name}`, which is neither a function nor a memory");
        }
        Ok(())
    }

    /// How many functions it has, imported ones included.
    pub(super) fn functions(&self) -> Result<u32> {
        Ok(u32::try_from(self.functions.len())?)
    }

    /// The type of this number.
    pub(super) fn signature(&self, of_type: u32) -> Result<&Signature> {
        self.types.get(usize::try_from(of_type)?).with_context(|| format!("there is no type {of_type}"))
    }
}

fn signature(function: &FuncType) -> Result<Signature> {
    let of = |types: &[wasmparser::ValType]| types.iter().copied().map(value).collect::<Result<Vec<_>>>();
    Ok(Signature { takes: of(function.params())?, gives: of(function.results())? })
}

fn value(of: wasmparser::ValType) -> Result<ValType> {
    let numbers = [
        (wasmparser::ValType::I32, ValType::I32),
        (wasmparser::ValType::I64, ValType::I64),
        (wasmparser::ValType::F32, ValType::F32),
        (wasmparser::ValType::F64, ValType::F64),
    ];
    let found = numbers.into_iter().find(|(theirs, _)| *theirs == of);
    found.map(|(_, ours)| ours).with_context(|| format!("a function takes or gives a {of}"))
}
