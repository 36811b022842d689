//! Chance as an argument.

/// A number that nobody outside the worker knows or chooses. Nothing in `shared/` draws one: whoever makes a state says what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seed(pub u64);
