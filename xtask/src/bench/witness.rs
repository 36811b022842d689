//! A witness in a module: whatever the module hands to the host is written into Envoy's log first. Envoy itself only logs where
//! the bytes lie and how many they are.
//!
//! Each call to a host function that takes bytes goes to a function of the same type instead, which says the bytes, calls the host,
//! and says the number of a metric that was defined. It says them at level `trace`, which no module of ours writes.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, Function, FunctionSection, GlobalSection, GlobalType, MemArg,
    MemArgTarget, Module, TypeSection, ValType,
};

use super::outline::Outline;
use super::signature::{self, Argument};

const LOG: &str = "proxy_log";
/// The level `trace` of `proxy_log`.
const LEVEL: i32 = 0;
/// The first letter of a word of bytes that are handed over, and of one of a metric's number.
const GIVEN: u8 = b'G';
const DEFINED: u8 = b'D';
/// The most bytes that a word says. A longer word is cut, and found out by its length.
const MOST: i32 = 32_768;
/// Pages of the module's memory that words are made in.
const PAGES: i32 = 2;
const PAGE_BITS: i32 = 16;
/// A nibble `n` is the letter `a` + n: hexadecimal without a table.
const NIBBLE: u8 = b'a';

/// What a witness says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Bytes that the next host call hands over.
    Given(Vec<u8>),
    /// The number that the host has given a metric.
    Defined(i64),
}

/// Whether this host call is a witness's.
pub(super) fn is_word(name: &str, arguments: &[i64]) -> bool {
    name == LOG && arguments.first() == Some(&i64::from(LEVEL))
}

/// What was said in this line of the log.
pub(super) fn heard(text: &str) -> Result<Word> {
    let word = text.rsplit_once(": ").map_or(text, |(_, word)| word).as_bytes();
    let (kind, letters) = word.split_first().context("a witness said nothing")?;
    let pairs = letters.chunks_exact(2);
    ensure!(pairs.remainder().is_empty(), "a witness broke off: `{text}`");
    let bytes: Result<Vec<u8>> = pairs.map(byte).collect();
    let bytes = bytes?;
    match *kind {
        GIVEN => Ok(Word::Given(bytes)),
        DEFINED => {
            let number = bytes.try_into().ok().map(u32::from_le_bytes);
            number.map(|number| Word::Defined(i64::from(number))).context("a metric's number has four bytes")
        }
        _ => bail!("not a witness's word: `{text}`"),
    }
}

fn byte(letters: &[u8]) -> Result<u8> {
    letters.iter().try_fold(0_u8, |byte, letter| {
        let nibble =
            letter.checked_sub(NIBBLE).filter(|nibble| *nibble < 16).context("not a letter of a witness")?;
        Ok((byte << 4) | nibble)
    })
}

/// The module with a witness in it.
///
/// # Errors
///
/// When it is no module, or imports a host call that is not known.
pub(super) fn add(wasm: &[u8]) -> Result<Vec<u8>> {
    let outline = Outline::of(wasm)?;
    let log = outline.imports.iter().position(|import| import.name == LOG);
    let log = u32::try_from(log.context("it does not import `proxy_log`, through which a witness speaks")?)?;
    ensure!(outline.globals > 0, "it has no globals, so there is no section to put one into");
    let mut witness = Witness::new(&outline, log)?;
    let mut module = Module::new();
    let parsed = witness.parse_core_module(&mut module, wasmparser::Parser::new(0), wasm);
    parsed.map_err(|error| anyhow::anyhow!("the module could not be rewritten: {error}"))?;
    Ok(module.finish())
}

/// What becomes of a module.
struct Witness {
    /// The import `proxy_log`.
    log: u32,
    /// The function that says bytes, its type, and the global that says where it makes words.
    say: u32,
    say_type: u32,
    scratch: u32,
    wrappers: Vec<Wrapper>,
    /// Who is called in an import's place.
    instead: BTreeMap<u32, u32>,
}

/// A function in a host function's place.
struct Wrapper {
    import: u32,
    of_type: u32,
    arguments: &'static [Argument],
}

impl Witness {
    fn new(outline: &Outline, log: u32) -> Result<Self> {
        let say = outline.functions()?;
        let mut wrappers = Vec::new();
        let mut instead = BTreeMap::new();
        for (import, index) in outline.imports.iter().zip(0_u32..) {
            // One that no trace meets may be unknown.
            let Ok(arguments) = signature::of(&import.name) else { continue };
            if arguments.iter().any(|argument| matches!(argument, Argument::Given | Argument::Defined)) {
                wrappers.push(Wrapper { import: index, of_type: import.of_type, arguments });
                let place = say.checked_add(u32::try_from(wrappers.len())?).context("too many functions")?;
                instead.insert(index, place);
            }
        }
        let say_type = u32::try_from(outline.types.len())?;
        Ok(Self { log, say, say_type, scratch: outline.globals, wrappers, instead })
    }

    /// `say(kind, place, size)`
    fn say(&self) -> Function {
        const KIND: u32 = 0;
        const PLACE: u32 = 1;
        const SIZE: u32 = 2;
        const AT: u32 = 3;
        let [first, there, next] = [0, 1, 2].map(byte_at);
        let letter = i32::from(NIBBLE);
        let mut function = Function::new([(1, ValType::I32)]);
        let mut code = function.instructions();
        code.global_get(self.scratch).i32_eqz().if_(BlockType::Empty);
        code.i32_const(PAGES.saturating_add(1))
            .memory_grow(0)
            .i32_const(PAGE_BITS)
            .i32_shl()
            .global_set(self.scratch);
        code.end();
        code.local_get(SIZE)
            .i32_const(MOST)
            .local_get(SIZE)
            .i32_const(MOST)
            .i32_lt_u()
            .select()
            .local_set(SIZE);
        code.global_get(self.scratch).local_get(KIND).i32_store8(first);
        code.block(BlockType::Empty).loop_(BlockType::Empty);
        code.local_get(AT).local_get(SIZE).i32_ge_u().br_if(1);
        for (memory, high) in [(there, true), (next, false)] {
            code.global_get(self.scratch).local_get(AT).i32_const(1).i32_shl().i32_add();
            code.local_get(PLACE).local_get(AT).i32_add().i32_load8_u(first);
            if high {
                code.i32_const(4).i32_shr_u();
            } else {
                code.i32_const(15).i32_and();
            }
            code.i32_const(letter).i32_add().i32_store8(memory);
        }
        code.local_get(AT).i32_const(1).i32_add().local_set(AT).br(0).end().end();
        code.i32_const(LEVEL).global_get(self.scratch);
        code.local_get(SIZE).i32_const(1).i32_shl().i32_const(1).i32_add();
        code.call(self.log).drop().end();
        function
    }

    fn wrapper(&self, wrapper: &Wrapper) -> Function {
        let mut function = Function::new([]);
        let mut code = function.instructions();
        let mut all = 0;
        let mut defined = None;
        for argument in wrapper.arguments {
            if *argument == Argument::Given {
                code.i32_const(i32::from(GIVEN))
                    .local_get(all)
                    .local_get(all.saturating_add(1))
                    .call(self.say);
            } else if *argument == Argument::Defined {
                defined = Some(all);
            }
            all = all.saturating_add(if *argument == Argument::Given { 2 } else { 1 });
        }
        for number in 0..all {
            code.local_get(number);
        }
        code.call(wrapper.import);
        if let Some(place) = defined {
            code.i32_const(i32::from(DEFINED)).local_get(place).i32_const(4).call(self.say);
        }
        code.end();
        function
    }
}

/// A byte so far behind an address.
fn byte_at(offset: u64) -> MemArg {
    MemArg { offset, align: 0, target: MemArgTarget::default(), ordering: None }
}

impl Reencode for Witness {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error<Self::Error>> {
        Ok(self.instead.get(&function).copied().unwrap_or(function))
    }

    fn parse_type_section(
        &mut self,
        types: &mut TypeSection,
        section: wasmparser::TypeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_type_section(self, types, section)?;
        types.ty().function([ValType::I32; 3], []);
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_function_section(self, functions, section)?;
        functions.function(self.say_type);
        for wrapper in &self.wrappers {
            functions.function(wrapper.of_type);
        }
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_global_section(self, globals, section)?;
        let number = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(number, &ConstExpr::i32_const(0));
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: wasmparser::CodeSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_code_section(self, code, section)?;
        code.function(&self.say());
        for wrapper in &self.wrappers {
            code.function(&self.wrapper(wrapper));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = r#"(module
        (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        (import "env" "proxy_get_current_time_nanoseconds" (func (param i32) (result i32)))
        (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (global (mut i32) (i32.const 0))
        (func (export "proxy_on_log") (param i32)
            (drop (call $log (i32.const 2) (i32.const 8) (i32.const 4)))
            (drop (call $define (i32.const 0) (i32.const 8) (i32.const 4) (i32.const 16)))))"#;

    #[test]
    fn a_module_with_a_witness_is_one_with_the_same_doors() -> Result<()> {
        let wasm = wat::parse_str(MODULE)?;
        let witnessed = add(&wasm)?;
        crate::interface::check(&witnessed, Some(&["memory", "proxy_on_log"]))?;
        let (before, after) = (Outline::of(&wasm)?, Outline::of(&witnessed)?);
        assert_eq!(after.imports.len(), before.imports.len());
        // One that speaks, and one for each host call that takes bytes or defines a metric.
        assert_eq!(after.functions()?, before.functions()?.saturating_add(3));
        Ok(())
    }

    #[test]
    fn calls_that_take_bytes_go_to_the_witness_and_others_to_the_host() -> Result<()> {
        let outline = Outline::of(&wat::parse_str(MODULE)?)?;
        let mut witness = Witness::new(&outline, 0)?;
        let becomes = [0, 1, 2, 3].map(|function| witness.function_index(function).unwrap_or_default());
        assert_eq!(becomes, [5, 1, 6, 3]);
        Ok(())
    }

    #[test]
    fn a_module_that_cannot_speak_is_refused() -> Result<()> {
        let silent = wat::parse_str(r#"(module (memory (export "memory") 1))"#)?;
        assert!(add(&silent).is_err_and(|error| error.to_string().contains("proxy_log")));
        assert!(add(b"not wasm").is_err());
        Ok(())
    }

    #[test]
    fn words_are_read_as_they_are_said() -> Result<()> {
        assert_eq!(heard("wasm log one two: Ggbgc")?, Word::Given(b"ab".to_vec()));
        assert_eq!(heard("wasm log: G")?, Word::Given(Vec::new()));
        assert_eq!(heard("wasm log: Dbeaaaaaa")?, Word::Defined(20));
        for wrong in ["wasm log: Gg", "wasm log: Gzz", "wasm log: Xaa", "wasm log: Daa", ": "] {
            assert!(heard(wrong).is_err(), "{wrong}");
        }
        Ok(())
    }
}
