//! What a worker has taken out of a shared bucket and not yet spent, so that a request rarely touches shared data.
//!
//! A lease grows with the demand: one request at first, twice as many each time it is used up before it expires, at most an eighth
//! of the burst and what comes in 25 ms. What is left when it expires is lost, which costs a caller no more than those 25 ms.
//! Times in a shared bucket only ever go up; so does what a worker knows of it, whatever somebody writes there.

use meshward_model::UnixMillis;

use crate::gcra::{Rate, Tat};
use crate::slot::{Fingerprint, Slot};

/// How long leased requests may be spent, in milliseconds.
const LEASE_MILLIS: u64 = 100;

/// How long a worker decides alone where shared data has no place for the key, in milliseconds.
const ALONE_MILLIS: u64 = 100;

/// A lease is at most what comes in this time, in milliseconds.
const LARGEST_MILLIS: u64 = 25;

/// A lease is at most the burst divided by this, so that several workers hold only a part of it.
const BURST_PARTS: u32 = 8;

/// What one worker knows of one shared bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lease {
    pub(crate) key: Fingerprint,
    /// The latest time that was seen in the bucket.
    pub(crate) known: Tat,
    left: u32,
    granted: u32,
    expires: UnixMillis,
    size: u32,
    /// Admitted without having been taken out of the bucket, when everybody wrote to it at once.
    owed: u32,
    blocked_until: UnixMillis,
    alone_until: UnixMillis,
    seen: UnixMillis,
}

/// What a worker can say of a key by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// There is some left of a lease.
    Ready,
    /// The bucket is known to be empty.
    Empty,
    /// Shared data has no place for the key: the worker's own bucket decides.
    Alone,
    /// Shared data has to be asked.
    Ask,
}

/// What is to be done with what shared data said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Take that many out of the bucket, which then holds `tat`.
    Take {
        /// How many.
        count: u32,
        /// What the bucket holds then.
        tat: Tat,
    },
    /// There is nothing in it.
    Empty,
    /// The slot has no place.
    Alone,
}

impl Lease {
    const fn new(key: Fingerprint) -> Self {
        let never = UnixMillis(0);
        Self {
            key,
            known: Tat::FULL,
            left: 0,
            granted: 0,
            expires: never,
            size: 1,
            owed: 0,
            blocked_until: never,
            alone_until: never,
            seen: never,
        }
    }

    /// What can be said without asking.
    pub(crate) fn look(&mut self, rate: Rate, now: UnixMillis) -> Look {
        self.seen = now;
        if within(now, self.alone_until, ALONE_MILLIS) {
            return Look::Alone;
        }
        if within(now, self.expires, LEASE_MILLIS) {
            if self.left > 0 {
                return Look::Ready;
            }
            if self.granted > 0 {
                self.size = self.size.saturating_mul(2).min(largest(rate));
            }
        } else if self.granted > 0 {
            self.size = self.granted.saturating_sub(self.left).clamp(1, largest(rate));
        }
        (self.left, self.granted) = (0, 0);
        if within(now, self.blocked_until, rate.fill_millis().max(1)) { Look::Empty } else { Look::Ask }
    }

    /// Spends one.
    pub(crate) fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// How many may still come, and when all may.
    pub(crate) fn remaining(&self, rate: Rate, now: UnixMillis) -> u32 {
        self.left.saturating_add(rate.available(self.known, now)).min(rate.burst())
    }

    /// When one may come.
    pub(crate) fn ready_at(&self, rate: Rate) -> UnixMillis {
        rate.ready_at(self.known, self.owed.saturating_add(1))
    }

    /// Decides what to take, and puts it into the slot.
    pub(crate) fn plan(&mut self, slot: &mut Slot, rate: Rate, now: UnixMillis) -> Plan {
        let own = if rate.is_plausible(self.known, now) { self.known } else { Tat::FULL };
        let tat = slot.find(self.key, rate, now).unwrap_or(Tat::FULL).max(own);
        self.known = tat;
        let wanted = self.size.saturating_add(self.owed);
        let count = rate.available(tat, now).min(wanted);
        match rate.take(tat, now, count) {
            Some(taken) if count > self.owed => {
                if count < wanted {
                    // The bucket is empty now: asking pays again when there is a whole lease in it.
                    self.block(rate, taken, wanted, now);
                }
                if slot.put(self.key, taken, now) {
                    return Plan::Take { count, tat: taken };
                }
                self.alone(now);
                Plan::Alone
            }
            Some(_) | None => {
                self.block(rate, tat, wanted, now);
                Plan::Empty
            }
        }
    }

    /// Does not ask again before `wanted` are in the bucket: now is over before that, and when an empty bucket is full it is not. Another
    /// worker's clock may be ahead of what this one calls now, by as much as this one was kept waiting since it read its own.
    fn block(&mut self, rate: Rate, tat: Tat, wanted: u32, now: UnixMillis) {
        let soonest = now.0.saturating_add(1);
        let latest = now.0.saturating_add(rate.fill_millis()).max(soonest);
        let ready_at = rate.ready_at(tat, wanted.min(rate.burst()));
        self.blocked_until = UnixMillis(ready_at.0.clamp(soonest, latest));
    }

    /// What was planned is written.
    pub(crate) fn taken(&mut self, count: u32, tat: Tat, now: UnixMillis) {
        self.known = tat;
        self.left = count.saturating_sub(self.owed);
        self.granted = self.left;
        self.owed = 0;
        self.expires = UnixMillis(now.0.saturating_add(LEASE_MILLIS));
    }

    /// Everybody writes at once: one more is admitted by what was read last, and taken out with the next lease.
    pub(crate) fn borrow(&mut self, now: UnixMillis) {
        self.owed = self.owed.saturating_add(1);
        (self.left, self.granted) = (1, 0);
        self.expires = UnixMillis(now.0.saturating_add(LEASE_MILLIS));
    }

    /// Shared data has no place for the key, or does not answer.
    pub(crate) fn alone(&mut self, now: UnixMillis) {
        self.alone_until = UnixMillis(now.0.saturating_add(ALONE_MILLIS));
    }
}

/// Whether a time that was set at most `millis` ahead is still to come; a clock that was set back does not count.
const fn within(now: UnixMillis, until: UnixMillis, millis: u64) -> bool {
    now.0 < until.0 && until.0 <= now.0.saturating_add(millis)
}

fn largest(rate: Rate) -> u32 {
    let parts = rate.burst().checked_div(BURST_PARTS).unwrap_or_default();
    let soon = u32::try_from(rate.requests_in(LARGEST_MILLIS)).unwrap_or(parts);
    parts.min(soon).max(1)
}

/// The leases of a worker: a fixed number. One that is forgotten is lost with what is left of it, and frees nobody.
#[derive(Debug, Clone)]
pub(crate) struct Leases {
    sets: Box<[[Lease; LEASE_WAYS]]>,
}

const LEASE_SETS: usize = 512;
const LEASE_WAYS: usize = 4;

impl Leases {
    /// No leases.
    pub(crate) fn new() -> Self {
        Self { sets: vec![[Lease::new(Fingerprint(0)); LEASE_WAYS]; LEASE_SETS].into_boxed_slice() }
    }

    /// The lease of `key`; the one that was not seen for longest makes place for a new one.
    pub(crate) fn of(&mut self, key: Fingerprint) -> Option<&mut Lease> {
        let number = usize::try_from(key.0 >> 32).unwrap_or_default();
        let at = number.checked_rem(self.sets.len()).unwrap_or_default();
        let set = self.sets.get_mut(at)?;
        let known = set.iter().position(|lease| lease.key == key);
        let oldest = || set.iter().enumerate().min_by_key(|(_, lease)| lease.seen).map(|(way, _)| way);
        let way = known.or_else(oldest)?;
        let lease = set.get_mut(way)?;
        if lease.key != key {
            *lease = Lease::new(key);
        }
        Some(lease)
    }
}
