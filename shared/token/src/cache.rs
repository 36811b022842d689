//! Tokens that were verified, so that the same token is not verified again. Only good ones get in: whoever sends forged tokens can
//! push nothing out.

use core::hash::Hasher;
use std::collections::{BTreeMap, VecDeque};
use std::hash::DefaultHasher;
use std::sync::Arc;

use meshward_model::{Seed, Token};

use crate::compact::Times;
use crate::key::Key;

/// Where a token is looked for: a seeded hash of its end, which is that of its signature and as good as random. Two tokens of one hash
/// are told apart by their bytes; a cryptographic digest in their place took a third of what a request with a known token costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Print(u64);

/// How much of a token's end is hashed, in bytes.
const TAIL: usize = 32;

/// The most tokens that are kept.
const MAX_TOKENS: usize = 1024;
/// How many bytes the kept tokens may have had as they were sent; in memory they take several times that.
const MAX_BYTES: usize = 1024 * 1024;

/// A verified token.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    /// Which issuer of the configuration it is from.
    pub(crate) issuer: usize,
    /// The key that verified it.
    pub(crate) key: Arc<Key>,
    /// When it is valid.
    pub(crate) times: Times,
    /// The token as it was sent.
    pub(crate) sent: Box<[u8]>,
    /// The token.
    pub(crate) token: Arc<Token>,
}

/// The verified tokens of one worker.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    seed: u64,
    tokens: BTreeMap<Print, Verified>,
    /// The oldest first; exactly those that are in `tokens`.
    order: VecDeque<Print>,
    bytes: usize,
}

impl Cache {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed: seed.0, ..Self::default() }
    }

    /// Where this token lies, or would.
    pub(crate) fn print(&self, token: &[u8]) -> Print {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.seed);
        hasher.write(token.last_chunk::<TAIL>().map_or(token, |tail| tail));
        Print(hasher.finish())
    }

    /// What is known of this very token, whose place is `print`.
    pub(crate) fn get(&self, print: Print, token: &[u8]) -> Option<&Verified> {
        self.tokens.get(&print).filter(|verified| are_equal(&verified.sent, token))
    }

    /// Keeps a token, in the place of one with the same hash; the oldest make room.
    pub(crate) fn put(&mut self, print: Print, verified: Verified) {
        self.remove(print);
        while self.tokens.len() >= MAX_TOKENS || self.bytes.saturating_add(verified.sent.len()) > MAX_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(gone) = self.tokens.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(gone.sent.len());
            }
        }
        self.bytes = self.bytes.saturating_add(verified.sent.len());
        self.order.push_back(print);
        self.tokens.insert(print, verified);
    }

    /// Forgets a token.
    pub(crate) fn remove(&mut self, print: Print) {
        if let Some(gone) = self.tokens.remove(&print) {
            self.bytes = self.bytes.saturating_sub(gone.sent.len());
            self.order.retain(|known| *known != print);
        }
    }

    /// Keeps only what `keep` says.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Verified) -> bool) {
        self.tokens.retain(|_, verified| keep(verified));
        self.order.retain(|print| self.tokens.contains_key(print));
        self.bytes = self.tokens.values().map(|verified| verified.sent.len()).sum();
    }
}

/// Whether they are the same. In a module the library compares byte by byte, and a token has many.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let ((words, rest), (others, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    let is_equal =
        |(word, other): (&[u8; 8], &[u8; 8])| u64::from_ne_bytes(*word) == u64::from_ne_bytes(*other);
    one.len() == other.len() && words.iter().zip(others).all(is_equal) && rest == other_rest
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
