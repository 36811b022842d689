//! Tokens that were verified, so that the same token is not verified again. Only good ones get in: whoever sends forged tokens can
//! push nothing out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use meshward_model::Token;

use crate::compact::Times;
use crate::key::Key;

/// What a token is known by: SHA-256 over the whole of it, signature included.
pub(crate) type Print = [u8; 32];

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
    /// How long it was as it was sent, in bytes.
    pub(crate) bytes: usize,
    /// The token.
    pub(crate) token: Arc<Token>,
}

/// The verified tokens of one worker.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    tokens: BTreeMap<Print, Verified>,
    /// The oldest first; exactly those that are in `tokens`.
    order: VecDeque<Print>,
    bytes: usize,
}

impl Cache {
    pub(crate) fn get(&self, print: &Print) -> Option<&Verified> {
        self.tokens.get(print)
    }

    /// Keeps a token; the oldest make room.
    pub(crate) fn put(&mut self, print: Print, verified: Verified) {
        self.remove(&print);
        while self.tokens.len() >= MAX_TOKENS || self.bytes.saturating_add(verified.bytes) > MAX_BYTES {
            let Some(oldest) = self.order.pop_front() else { return };
            if let Some(gone) = self.tokens.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(gone.bytes);
            }
        }
        self.bytes = self.bytes.saturating_add(verified.bytes);
        self.order.push_back(print);
        self.tokens.insert(print, verified);
    }

    /// Forgets a token.
    pub(crate) fn remove(&mut self, print: &Print) {
        if let Some(gone) = self.tokens.remove(print) {
            self.bytes = self.bytes.saturating_sub(gone.bytes);
            self.order.retain(|known| known != print);
        }
    }

    /// Keeps only what `keep` says.
    pub(crate) fn retain(&mut self, keep: impl Fn(&Verified) -> bool) {
        self.tokens.retain(|_, verified| keep(verified));
        self.order.retain(|print| self.tokens.contains_key(print));
        self.bytes = self.tokens.values().map(|verified| verified.bytes).sum();
    }
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
