//! What a door saw of one step.

use serde_json::Value;

use crate::case::Because;

/// What a door saw. What it cannot see it does not claim: such a field is [`Shown::Hidden`] and is not compared.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Whether the request went on.
    pub allowed: bool,
    /// What the caller got.
    pub status: u16,
    /// The reason's code.
    pub reason: Shown<String>,
    /// The rule that decided.
    pub rule: Shown<Option<String>>,
    /// What the shadow documents would have done.
    pub shadow: Shown<Option<Because>>,
    /// `%RESPONSE_CODE_DETAILS%`; empty for a request that went on.
    pub details: String,
    /// The answer's headers.
    pub headers: Shown<Vec<(String, Vec<u8>)>>,
    /// The events that were written down since the step before.
    pub events: Shown<Vec<Value>>,
}

/// A fact, or the fact that the door cannot see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown<T> {
    /// This.
    Is(T),
    /// It is written nowhere that this door can look.
    Hidden,
}
