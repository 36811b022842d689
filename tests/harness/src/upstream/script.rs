//! What an upstream answers by path, what it saw, and the gate that holds answers back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A script of replies `R`, and the requests `S` that were seen.
pub(super) struct Script<R, S> {
    inner: Mutex<Inner<R, S>>,
    changed: Condvar,
}

struct Inner<R, S> {
    always: BTreeMap<String, R>,
    once: BTreeMap<String, VecDeque<R>>,
    seen: Vec<S>,
    open: bool,
    stopped: bool,
}

/// When a reply may be sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct When {
    pub(super) after: Duration,
    pub(super) held: bool,
    pub(super) never: bool,
}

/// The upstream ends: nothing is answered any more.
#[derive(Debug)]
pub(super) struct Stopped;

impl<R: Clone, S: Clone> Script<R, S> {
    pub(super) fn new() -> Self {
        let inner = Inner {
            always: BTreeMap::new(),
            once: BTreeMap::new(),
            seen: Vec::new(),
            open: false,
            stopped: false,
        };
        Self { inner: Mutex::new(inner), changed: Condvar::new() }
    }

    pub(super) fn always(&self, path: &str, reply: R) {
        self.lock().always.insert(path.to_owned(), reply);
    }

    pub(super) fn once(&self, path: &str, reply: R) {
        self.lock().once.entry(path.to_owned()).or_default().push_back(reply);
    }

    pub(super) fn seen(&self) -> Vec<S> {
        self.lock().seen.clone()
    }

    pub(super) fn count(&self, wanted: impl Fn(&S) -> bool) -> usize {
        self.lock().seen.iter().filter(|seen| wanted(seen)).count()
    }

    /// Notes a request and chooses its reply: the next of `once`, else `always`.
    pub(super) fn reply(&self, path: &str, seen: S) -> Option<R> {
        let mut inner = self.lock();
        inner.seen.push(seen);
        let next = inner.once.get_mut(path).and_then(VecDeque::pop_front);
        next.or_else(|| inner.always.get(path).cloned())
    }

    /// Opens or closes the gate before replies that are held.
    pub(super) fn open(&self, open: bool) {
        self.lock().open = open;
        self.changed.notify_all();
    }

    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Whether a reply to a request that came at `since` may go; `Err` when the upstream ends.
    pub(super) fn may_go(&self, when: When, since: Instant) -> Result<bool, Stopped> {
        ready(&self.lock(), when, since)
    }

    /// Waits until a reply may go.
    pub(super) fn wait(&self, when: When) -> Result<(), Stopped> {
        let since = Instant::now();
        let mut inner = self.lock();
        while !ready(&inner, when, since)? {
            let left = when.after.saturating_sub(since.elapsed());
            // With the time over (or none to wait for), only a change of the gate or the end can matter.
            let patience = if left.is_zero() { Duration::from_secs(1) } else { left };
            inner = self.changed.wait_timeout(inner, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner<R, S>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ready<R, S>(inner: &Inner<R, S>, when: When, since: Instant) -> Result<bool, Stopped> {
    if inner.stopped {
        return Err(Stopped);
    }
    Ok(!when.never && (inner.open || !when.held) && since.elapsed() >= when.after)
}
