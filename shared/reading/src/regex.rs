//! Regular expressions, as an automaton: one step a character, whatever the expression and the text.

/// The longest text that is matched, in bytes; of a longer one nothing is said.
pub const MAX_TEXT_BYTES: usize = 8192;

/// A deterministic automaton over characters. It matches a whole text or not; there is nothing to backtrack, so that no text is dear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Regex {
    /// The first character of every class but the first, in order; a class is what no part of the expression tells apart.
    bounds: Box<[u32]>,
    /// The next state, by state and class; [`Regex::DEAD`] matches nothing any more.
    next: Box<[u16]>,
    /// Whether a text may end in the state.
    ends: Box<[bool]>,
}

impl Regex {
    /// The state in which nothing matches any more.
    pub const DEAD: u16 = u16::MAX;

    /// An automaton that begins in state 0: `bounds` are the first characters of all classes but the first, `next` holds
    /// `bounds.len() + 1` states for each state, `ends` says where a text may end. A state that does not exist is dead.
    pub const fn new(bounds: Box<[u32]>, next: Box<[u16]>, ends: Box<[bool]>) -> Self {
        Self { bounds, next, ends }
    }

    /// Whether the whole of `text` matches; `None` where it is too long.
    pub fn matches(&self, text: &str) -> Option<bool> {
        if text.len() > MAX_TEXT_BYTES {
            return None;
        }
        let classes = self.bounds.len().saturating_add(1);
        let mut state = 0_usize;
        for character in text.chars() {
            let class = self.bounds.partition_point(|bound| *bound <= u32::from(character));
            let at = state.saturating_mul(classes).saturating_add(class);
            match self.next.get(at) {
                Some(&Self::DEAD) | None => return Some(false),
                Some(next) => state = usize::from(*next),
            }
        }
        Some(self.ends.get(state).copied().unwrap_or_default())
    }
}
