//! Regular expressions of policies: a small language, compiled when configured into an automaton that takes one step a character.
//!
//! The language is what expressions that describe a whole value need: literals, `.`, sets, `\d \w \s`, groups, `|`, `* + ?` and counts. It is
//! that of the `regex` crate, less what needs more than an automaton or says nothing about a whole value (anchors, flags, captures, lazy
//! repeats, Unicode classes); each is refused with what to write instead. Why it is not that crate: docs/decisions/0009.

mod automaton;
mod parse;

use std::borrow::Cow;

use meshward_reading::regex::Regex;

/// The longest expression, in bytes.
pub(crate) const MAX_BYTES: usize = 1024;

/// What is wrong, and what to write instead.
pub(crate) type Fault = (Cow<'static, str>, &'static str);

/// Compiles `pattern`, which shall match whole values.
///
/// # Errors
/// What is wrong, and what to write instead.
pub(crate) fn compile(pattern: &str) -> Result<Regex, Fault> {
    if pattern.len() > MAX_BYTES {
        let message = format!("the expression is {} bytes long, at most {MAX_BYTES} are read", pattern.len());
        return Err((message.into(), "split the rule"));
    }
    automaton::build(&parse::parse(pattern)?)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "regex/tests.rs"]
mod tests;
