//! All buckets that a worker sees: its own, and its leases of those that the workers share.

use meshward_model::{Request, Seed, UnixMillis};

use crate::counters::{Counts, OVERFLOW};
use crate::gcra::Tat;
use crate::key::Key;
use crate::lease::{Lease, Leases, Look};
use crate::limit::Limit;
use crate::slot::Fingerprint;
use crate::table::{Spot, Table};

/// The buckets of every limit. Their size does not depend on how many callers there are.
#[derive(Debug)]
pub(crate) struct Buckets {
    /// One for each limit.
    tables: Vec<Table>,
    pub(crate) leases: Option<Leases>,
    pub(crate) counts: Counts,
    /// The key that was looked at last.
    key: Key,
}

/// Where a request that is within a limit is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Room {
    /// In the worker's own bucket of the limit with this place, which then holds that.
    Own(usize, Spot, Tat),
    /// In what was leased of a shared one.
    Leased(Fingerprint),
}

/// What one limit says of a request, as far as the worker knows.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Said {
    /// There is room.
    Room(Room),
    /// There is none before that.
    Full(UnixMillis),
    /// Shared data has to be asked.
    Ask(Fingerprint),
}

/// How many own buckets there are for all limits together: half a MiB.
const BUCKETS: usize = 32_768;

/// How many a limit has at least.
const FEWEST: usize = 2_048;

impl Buckets {
    /// All of them full.
    pub(crate) fn new(limits: &[Limit], seed: Seed) -> Self {
        let capacity = BUCKETS.checked_div(limits.len()).unwrap_or(BUCKETS).max(FEWEST);
        Self {
            tables: limits.iter().map(|limit| Table::new(limit.rate, capacity, seed)).collect(),
            leases: limits.iter().any(|limit| limit.shared).then(Leases::new),
            counts: Counts::default(),
            key: Key::default(),
        }
    }

    /// The lease of a shared bucket.
    pub(crate) fn lease(&mut self, key: Fingerprint) -> Option<&mut Lease> {
        self.leases.as_mut()?.of(key)
    }

    /// What the limit in place `at` says.
    pub(crate) fn look(
        &mut self,
        at: usize,
        limit: &Limit,
        request: &Request,
        path: Option<&str>,
        now: UnixMillis,
    ) -> Said {
        self.key.set(&limit.parts, request, path);
        if limit.shared
            && let Some(said) = self.look_shared(limit, now)
        {
            return said;
        }
        let Some(table) = self.tables.get(at) else { return Said::Full(now) };
        let spot = table.find(self.key.bytes(), now);
        match limit.rate.take(spot.tat, now, 1) {
            Some(taken) => Said::Room(Room::Own(at, spot, taken)),
            None => Said::Full(limit.rate.ready_at(spot.tat, 1)),
        }
    }

    /// What the leases say; `None` where the worker decides alone. Apart from the way of limits that the workers do not share.
    #[inline(never)]
    fn look_shared(&mut self, limit: &Limit, now: UnixMillis) -> Option<Said> {
        let fingerprint = self.key.fingerprint(&limit.identity);
        let lease = self.lease(fingerprint)?;
        match lease.look(limit.rate, now) {
            Look::Ready => Some(Said::Room(Room::Leased(fingerprint))),
            Look::Empty => Some(Said::Full(lease.ready_at(limit.rate))),
            Look::Ask => Some(Said::Ask(fingerprint)),
            Look::Alone => None,
        }
    }

    /// Counts one request; how many are left, and when all are there again.
    pub(crate) fn spend(&mut self, limit: &Limit, room: Room, now: UnixMillis) -> (u32, UnixMillis) {
        match room {
            Room::Own(at, spot, taken) => {
                if let Some(table) = self.tables.get_mut(at) {
                    table.put(spot, taken);
                }
                if spot.is_overflow() {
                    self.counts.add(OVERFLOW);
                }
                left_of(limit, taken, now)
            }
            Room::Leased(key) => {
                if let Some(lease) = self.lease(key) {
                    lease.spend();
                }
                self.left(limit, room, now)
            }
        }
    }

    /// How many are left, and when all are there again.
    pub(crate) fn left(&mut self, limit: &Limit, room: Room, now: UnixMillis) -> (u32, UnixMillis) {
        let rate = limit.rate;
        match room {
            Room::Own(_, spot, _) => left_of(limit, spot.tat, now),
            Room::Leased(key) => self
                .lease(key)
                .map_or((0, now), |lease| (lease.remaining(rate, now), rate.full_at(lease.known, now))),
        }
    }
}

/// How many are left in a bucket that holds this, and when all are there again.
fn left_of(limit: &Limit, tat: Tat, now: UnixMillis) -> (u32, UnixMillis) {
    (limit.rate.available(tat, now), limit.rate.full_at(tat, now))
}
