//! The streams that a worker knows: under which root each is, and what is kept of it.
//!
//! Every callback of the proxy names a stream and begins by looking here, so this is one table for all of it: open addressing, at most
//! half full.

use meshward_model::Seen;

/// The table.
pub(crate) struct Streams {
    keys: Vec<Key>,
    /// What is kept of each, at the same places; empty as long as nothing is.
    kept: Vec<Option<Seen>>,
    count: usize,
    /// How far a spread number is shifted to give a place.
    shift: u32,
}

/// A stream; a place is free where `root` is 0, which is the root of none.
#[derive(Debug, Clone, Copy, Default)]
struct Key {
    id: u32,
    root: u32,
}

/// How many places the first table has, as a power of two.
const FEWEST_BITS: u32 = 6;

impl Streams {
    /// No stream.
    pub(crate) const fn new() -> Self {
        Self { keys: Vec::new(), kept: Vec::new(), count: 0, shift: u32::BITS - FEWEST_BITS }
    }

    /// The root of a stream; 0 for one that is not known.
    pub(crate) fn root(&self, id: u32) -> u32 {
        self.find(id).and_then(|at| self.keys.get(at)).map_or(0, |key| key.root)
    }

    /// A stream begins.
    pub(crate) fn insert(&mut self, id: u32, root: u32) {
        if self.count.saturating_mul(2) >= self.keys.len() {
            self.grow();
        }
        let at = self.place(id, |key| key.root == 0 || key.id == id);
        if let Some(key) = self.keys.get_mut(at) {
            self.count = self.count.saturating_add(usize::from(key.root == 0));
            *key = Key { id, root };
        }
    }

    /// A stream ends. Its root; `None` for one that was not known.
    pub(crate) fn remove(&mut self, id: u32) -> Option<u32> {
        let at = self.find(id)?;
        if let Some(kept) = self.kept.get_mut(at) {
            *kept = None;
        }
        let key = core::mem::take(self.keys.get_mut(at)?);
        self.count = self.count.saturating_sub(1);
        if !self.is_free(self.after(at)) {
            self.close(at);
        }
        Some(key.root)
    }

    /// What is kept of a stream.
    pub(crate) fn seen(&self, id: u32) -> Option<&Seen> {
        self.kept.get(self.find(id)?)?.as_ref()
    }

    /// The same, to be changed.
    pub(crate) fn seen_mut(&mut self, id: u32) -> Option<&mut Seen> {
        let at = self.find(id)?;
        self.kept.get_mut(at)?.as_mut()
    }

    /// What is kept of a stream, which is then not kept any more.
    pub(crate) fn take(&mut self, id: u32) -> Option<Seen> {
        let at = self.find(id)?;
        self.kept.get_mut(at)?.take()
    }

    /// Keeps something of a stream, if there is one: nobody would take it out again of one that is gone.
    pub(crate) fn keep(&mut self, id: u32, seen: Seen) {
        let Some(at) = self.find(id) else { return };
        if self.kept.is_empty() {
            self.kept.resize_with(self.keys.len(), || None);
        }
        if let Some(kept) = self.kept.get_mut(at) {
            *kept = Some(seen);
        }
    }

    fn find(&self, id: u32) -> Option<usize> {
        let at = self.place(id, |key| key.root == 0 || key.id == id);
        if self.is_free(at) { None } else { Some(at) }
    }

    /// The first place from the stream's own on that is `wanted`; there is a free one always, but in a table without places.
    fn place(&self, id: u32, wanted: impl Fn(&Key) -> bool) -> usize {
        let mut at = self.home(id);
        while self.keys.get(at).is_some_and(|key| !wanted(key)) {
            at = self.after(at);
        }
        at
    }

    fn is_free(&self, at: usize) -> bool {
        self.keys.get(at).is_none_or(|key| key.root == 0)
    }

    fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.keys.len().wrapping_sub(1)
    }

    /// A stream's own place. The proxy numbers streams one after another, so that a multiplication spreads them: 2^32 divided by the
    /// golden ratio, as in Fibonacci hashing.
    fn home(&self, id: u32) -> usize {
        let spread = id.wrapping_mul(0x9e37_79b9).checked_shr(self.shift).unwrap_or_default();
        usize::try_from(spread).unwrap_or_default()
    }

    /// Moves those together that come after a place which has become free, so that each is found from its own place on.
    #[cold]
    fn close(&mut self, mut free: usize) {
        let mask = self.keys.len().wrapping_sub(1);
        let mut at = self.after(free);
        while let Some(key) = self.keys.get(at).copied().filter(|key| key.root != 0) {
            let (from_home, from_free) = (at.wrapping_sub(self.home(key.id)), at.wrapping_sub(free));
            if from_home & mask >= from_free & mask {
                self.keys.swap(free, at);
                if !self.kept.is_empty() {
                    self.kept.swap(free, at);
                }
                free = at;
            }
            at = self.after(at);
        }
    }

    #[cold]
    fn grow(&mut self) {
        if !self.keys.is_empty() {
            self.shift = self.shift.saturating_sub(1);
        }
        let places = 1_usize.checked_shl(u32::BITS.saturating_sub(self.shift)).unwrap_or_default();
        let keys = core::mem::replace(&mut self.keys, vec![Key::default(); places]);
        let kept = core::mem::take(&mut self.kept);
        self.count = 0;
        let mut kept = kept.into_iter();
        for key in keys {
            let seen = kept.next().flatten();
            if key.root != 0 {
                self.insert(key.id, key.root);
                if let Some(seen) = seen {
                    self.keep(key.id, seen);
                }
            }
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "streams_tests.rs"]
mod tests;
