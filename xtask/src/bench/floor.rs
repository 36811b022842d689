//! Makes a plugin's floor: a module with the plugin's exports that makes the plugin's host calls with the plugin's arguments, and
//! drops whatever comes back. What any module must pay that reads and writes the same; nothing is decided in it.
//!
//! Every call is an instruction of its own with its arguments as constants, so that nothing is interpreted. Memory for the host is
//! what lies behind the constants, from the start again in each callback. A metric's number is what the host gave at its definition.

mod memory;

use anyhow::{Context, Result, bail, ensure};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    GlobalSection, GlobalType, ImportSection, InstructionSink, MemArg, MemArgTarget, MemorySection,
    MemoryType, Module, TypeSection, ValType,
};

use super::life::Life;
use super::outline::{Import, Outline, Signature};
use super::signature::{self, Argument};
use super::trace::{Callback, HostCall};
use memory::Memory;

const ALLOCATE: &str = "proxy_on_memory_allocate";
const LOG: &str = "proxy_log";
/// The globals: where the next allocation lies, and how many ticks there were.
const NEXT: u32 = 0;
const TICKS: u32 = 1;
const PAGE_BITS: i32 = 16;
/// Allocations begin at multiples of this.
const ALIGNMENT: i32 = 8;

/// The floor of a module with this outline that lived this life.
///
/// # Errors
///
/// When a callback cannot be written down: calls within calls, metrics that are defined nowhere, bytes that were not traced.
pub(super) fn of(plugin: &Outline, life: &Life) -> Result<Vec<u8>> {
    let mut maker = Maker::new(plugin, life)?;
    let mut bodies = Vec::with_capacity(plugin.exports.len());
    for (name, of_type) in &plugin.exports {
        let signature = plugin.signature(*of_type)?;
        let body = maker.body(name, signature).with_context(|| format!("the floor of `{name}`"))?;
        bodies.push(body);
    }
    maker.module(&bodies)
}

/// What is made so far.
struct Maker<'a> {
    plugin: &'a Outline,
    life: &'a Life,
    /// The imports that are called, and `proxy_log`, for a witness.
    imports: Vec<&'a Import>,
    memory: Memory,
}

impl<'a> Maker<'a> {
    fn new(plugin: &'a Outline, life: &'a Life) -> Result<Self> {
        let all = || life.beginning.iter().chain(&life.ticks).chain(&life.request.callbacks);
        let is_called =
            |import: &Import| all().flat_map(|callback| &callback.calls).any(|call| call.name == import.name);
        let imports =
            plugin.imports.iter().filter(|import| import.name == LOG || is_called(import)).collect();
        let mut memory = Memory::default();
        for call in life.beginning.iter().flat_map(|callback| &callback.calls) {
            if signature::of(&call.name)?.contains(&Argument::Defined) {
                memory.metric(call.defined.context("the number of a metric was not traced")?)?;
            }
        }
        Ok(Self { plugin, life, imports, memory })
    }

    /// One exported function.
    fn body(&mut self, name: &str, signature: &Signature) -> Result<Function> {
        if name == ALLOCATE {
            return Ok(allocate());
        }
        let life = self.life;
        let mut function = Function::new([]);
        let mut code = function.instructions();
        let ticks = life.distinct_ticks()?;
        if let Some((last, first)) = ticks.split_last().filter(|(last, _)| last.name == name) {
            for (number, tick) in (0_i32..).zip(first) {
                code.global_get(TICKS).i32_const(number).i32_eq().if_(BlockType::Empty);
                self.calls(tick, &mut code)?;
                code.i32_const(number.saturating_add(1)).global_set(TICKS).return_().end();
            }
            self.calls(last, &mut code)?;
            code.end();
            return Ok(function);
        }
        let same = |callback: &&Callback| callback.name == name;
        let traced = life.request.callbacks.iter().find(same);
        let traced = traced.or_else(|| life.beginning.iter().find(same));
        if let Some(callback) = traced {
            self.calls(callback, &mut code)?;
        }
        if let [gives] = signature.gives.as_slice() {
            number(traced.and_then(|callback| callback.returned).unwrap_or_default(), *gives, &mut code)?;
        }
        code.end();
        Ok(function)
    }

    fn calls(&mut self, callback: &Callback, code: &mut InstructionSink<'_>) -> Result<()> {
        if callback.calls.iter().any(|call| !call.nested.is_empty()) {
            code.global_get(memory::BEGINNING_GLOBAL).global_set(NEXT);
        }
        callback.calls.iter().try_for_each(|call| self.call(call, code))
    }

    fn call(&mut self, call: &HostCall, code: &mut InstructionSink<'_>) -> Result<()> {
        let name = &call.name;
        ensure!(call.nested.iter().all(Callback::is_allocation), "`{name}` makes the host call back");
        let index = self.imports.iter().position(|import| import.name == *name);
        let index = index.with_context(|| format!("`{name}` is called and not imported"))?;
        let import = self.imports.get(index).context("no such import")?;
        let takes = &self.plugin.signature(import.of_type)?.takes;
        ensure!(
            takes.len() == call.arguments.len(),
            "`{name}` was traced with other arguments than it takes"
        );
        let mut takes = takes.iter().copied();
        let mut given = call.given.iter();
        let mut places = 0..;
        for (argument, numbers) in signature::split(name, &call.arguments)? {
            let own: Vec<ValType> = takes.by_ref().take(argument.width()).collect();
            match (argument, numbers, own.as_slice()) {
                (Argument::Number, [value], [of]) => number(*value, *of, code)?,
                (Argument::Given, [_, size], [_, _]) => {
                    let bytes = &given
                        .next()
                        .with_context(|| format!("what `{name}` was given was not traced"))?
                        .bytes;
                    ensure!(
                        i64::try_from(bytes.len())? == *size,
                        "what `{name}` was given was not traced to its end"
                    );
                    code.i32_const(self.memory.constant(bytes)?).i32_const(i32::try_from(bytes.len())?);
                }
                (Argument::Place, [_], [_]) => {
                    code.i32_const(memory::place(places.next().unwrap_or_default())?);
                }
                (Argument::Defined, [_], [_]) => {
                    let id = call.defined.context("the number of a metric was not traced")?;
                    code.i32_const(self.memory.of_metric(id)?);
                }
                (Argument::Metric, [id], [_]) => {
                    code.i32_const(self.memory.of_metric(*id)?);
                    code.i32_load(MemArg {
                        offset: 0,
                        align: 2,
                        target: MemArgTarget::default(),
                        ordering: None,
                    });
                }
                (
                    Argument::Number
                    | Argument::Given
                    | Argument::Place
                    | Argument::Defined
                    | Argument::Metric,
                    _,
                    _,
                ) => {
                    bail!("`{name}` has arguments that do not fit what is known of it")
                }
            }
        }
        code.call(u32::try_from(index)?).drop();
        Ok(())
    }

    /// Puts the parts together.
    fn module(&self, bodies: &[Function]) -> Result<Vec<u8>> {
        let mut types = TypeSection::new();
        for Signature { takes, gives } in &self.plugin.types {
            types.ty().function(takes.iter().copied(), gives.iter().copied());
        }
        let mut imports = ImportSection::new();
        for Import { module, name, of_type } in &self.imports {
            imports.import(module, name, EntityType::Function(*of_type));
        }
        let (mut functions, mut exports, mut code) =
            (FunctionSection::new(), ExportSection::new(), CodeSection::new());
        exports.export("memory", ExportKind::Memory, 0);
        let first = u32::try_from(self.imports.len())?;
        for (((name, of_type), body), index) in self.plugin.exports.iter().zip(bodies).zip(first..) {
            functions.function(*of_type);
            exports.export(name, ExportKind::Func, index);
            code.function(body);
        }
        let mut memories = MemorySection::new();
        let minimum = self.memory.pages();
        memories.memory(MemoryType {
            minimum,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        let mut globals = GlobalSection::new();
        let changes = |mutable| GlobalType { val_type: ValType::I32, mutable, shared: false };
        globals.global(changes(true), &ConstExpr::i32_const(self.memory.end()?));
        globals.global(changes(true), &ConstExpr::i32_const(0));
        globals.global(changes(false), &ConstExpr::i32_const(self.memory.end()?));
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&memories).section(&globals);
        module.section(&exports).section(&code).section(&self.memory.data());
        Ok(module.finish())
    }
}

/// The memory behind the last allocation; the VM's memory grows when it has to.
fn allocate() -> Function {
    const SIZE: u32 = 0;
    const AT: u32 = 1;
    let mut function = Function::new([(1, ValType::I32)]);
    let mut code = function.instructions();
    code.global_get(NEXT).local_tee(AT).local_get(SIZE).i32_add();
    code.i32_const(ALIGNMENT.saturating_sub(1)).i32_add().i32_const(ALIGNMENT.saturating_neg()).i32_and();
    code.global_set(NEXT);
    code.global_get(NEXT).memory_size(0).i32_const(PAGE_BITS).i32_shl().i32_gt_u().if_(BlockType::Empty);
    code.local_get(SIZE).i32_const(PAGE_BITS).i32_shr_u().i32_const(1).i32_add().memory_grow(0).drop().end();
    code.local_get(AT).end();
    function
}

/// A constant of this type; an `i32` may have been traced with or without a sign.
fn number(value: i64, of: ValType, code: &mut InstructionSink<'_>) -> Result<()> {
    if of == ValType::I64 {
        code.i64_const(value);
        return Ok(());
    }
    ensure!(of == ValType::I32, "a host call takes or gives something that is no whole number");
    let signed = i32::try_from(value).or_else(|_| u32::try_from(value).map(u32::cast_signed));
    code.i32_const(signed.with_context(|| format!("{value} does not fit into 32 bits"))?);
    Ok(())
}

#[cfg(test)]
#[path = "floor_tests.rs"]
mod tests;
