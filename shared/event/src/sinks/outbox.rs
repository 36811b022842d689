//! The queue of records that travel: bounded, one batch under way, back-off.

use std::collections::VecDeque;

use meshward_model::{Seed, UnixMillis};

use super::otlp::{self, Taken};

/// The first pause after a batch that was not taken, in milliseconds; each further one is twice as long.
const FIRST_PAUSE_MILLIS: u64 = 1_000;
/// The longest pause, in milliseconds; also the longest that a collector may ask for.
const LONGEST_PAUSE_MILLIS: u64 = 30_000;
/// How long after its own timeout a call is given up that nobody answered, in milliseconds.
const LATE_MILLIS: u64 = 5_000;
/// How often dropped records are told of while the collector takes others, in milliseconds.
const TELL_EVERY_MILLIS: u64 = 10_000;

/// What a queue and a batch hold at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Records of a batch.
    pub(super) batch_events: usize,
    /// Bytes of a batch.
    pub(super) batch_bytes: usize,
    /// Bytes of everything that is held, the batch under way included.
    pub(super) queue_bytes: usize,
}

/// What is to be told of the collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// It has not taken a batch, for the first time.
    Fails(String),
    /// It takes batches again, after so many that it did not.
    Works(u64),
}

/// What has happened since it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) recorded: u32,
    pub(super) sent: u32,
    pub(super) dropped: u32,
    pub(super) failed: u32,
}

#[derive(Debug)]
struct UnderWay {
    number: u64,
    records: Vec<String>,
    given_up_at: UnixMillis,
}

/// The records of a worker that are on their way.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: VecDeque<String>,
    /// Bytes of the queue and of the batch under way.
    held_bytes: usize,
    under_way: Option<UnderWay>,
    resource: String,
    last_number: u64,
    /// Batches in a row that were not taken.
    failures: u64,
    /// Whether the collector took the last batch.
    is_heard: bool,
    not_before: UnixMillis,
    untold: u64,
    told_at: UnixMillis,
    /// The latest time that was heard of.
    latest: UnixMillis,
    counts: Counts,
    chance: u64,
}

impl Outbox {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            queue: VecDeque::new(),
            held_bytes: 0,
            under_way: None,
            resource: String::new(),
            last_number: 0,
            failures: 0,
            is_heard: false,
            not_before: UnixMillis(0),
            untold: 0,
            told_at: UnixMillis(0),
            latest: UnixMillis(0),
            counts: Counts::default(),
            // Never zero, at which the sequence would stand still.
            chance: seed.0 | 1,
        }
    }

    /// Takes a record in. What is oldest makes room for it; a record for which there cannot be room is dropped itself.
    pub(super) fn push(&mut self, record: String, resource: impl FnOnce() -> String, bounds: &Bounds) {
        if self.resource.is_empty() {
            self.resource = resource();
        }
        self.counts.recorded = self.counts.recorded.saturating_add(1);
        let fits = |held: usize| held.saturating_add(record.len()) <= bounds.queue_bytes;
        while !fits(self.held_bytes) {
            let Some(oldest) = self.queue.pop_front() else { break };
            self.held_bytes = self.held_bytes.saturating_sub(oldest.len());
            self.drop_records(1);
        }
        if fits(self.held_bytes) {
            self.held_bytes = self.held_bytes.saturating_add(record.len());
            self.queue.push_back(record);
        } else {
            self.drop_records(1);
        }
    }

    /// Takes over what another one holds. It is older than what waits here, and goes before it; what does not fit is dropped, the
    /// oldest first. A pause goes on, too, unless the collector was heard here.
    pub(super) fn inherit(&mut self, left: &mut Self, bounds: &Bounds) {
        if self.resource.is_empty() {
            self.resource = core::mem::take(&mut left.resource);
        }
        self.untold = self.untold.saturating_add(core::mem::take(&mut left.untold));
        if !self.is_heard {
            self.not_before = self.not_before.max(left.not_before);
            self.failures = self.failures.max(left.failures);
            // Should the clock have been set back since, the next tick follows it.
            self.latest = self.latest.max(left.latest);
        }
        let mut fits = true;
        for record in left.take_all().into_iter().rev() {
            fits &= self.held_bytes.saturating_add(record.len()) <= bounds.queue_bytes;
            if fits {
                self.held_bytes = self.held_bytes.saturating_add(record.len());
                self.queue.push_front(record);
            } else {
                self.drop_records(1);
            }
        }
    }

    /// Drops whatever is held, and says how much that was.
    pub(super) fn give_up(&mut self) -> u32 {
        let held = u32::try_from(self.take_all().len()).unwrap_or(u32::MAX);
        self.counts.dropped = self.counts.dropped.saturating_add(held);
        held
    }

    /// Whatever is held, the batch under way first: nobody knows whether the collector has taken that.
    fn take_all(&mut self) -> VecDeque<String> {
        self.held_bytes = 0;
        let mut all: VecDeque<String> =
            self.under_way.take().map(|batch| batch.records.into()).unwrap_or_default();
        all.append(&mut self.queue);
        all
    }

    /// Follows a clock that was set back: what was to be in a minute is still to be in a minute.
    pub(super) fn follow(&mut self, now: UnixMillis) {
        let back = self.latest.0.saturating_sub(now.0);
        self.latest = now;
        if back > 0 {
            let earlier = |time: UnixMillis| UnixMillis(time.0.saturating_sub(back));
            self.not_before = earlier(self.not_before);
            self.told_at = earlier(self.told_at);
            if let Some(batch) = &mut self.under_way {
                batch.given_up_at = earlier(batch.given_up_at);
            }
        }
    }

    /// Whether this batch is the one under way.
    pub(super) fn is_under_way(&self, number: u64) -> bool {
        self.under_way.as_ref().is_some_and(|batch| batch.number == number)
    }

    /// Whether records wait.
    pub(super) fn is_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether as many records wait as a batch holds.
    pub(super) fn is_full_batch(&self, bounds: &Bounds) -> bool {
        self.queue.len() >= bounds.batch_events || self.held_bytes >= bounds.batch_bytes
    }

    /// The next batch: its number and the call's body. `None` while one is under way, in a pause, and where nothing waits.
    pub(super) fn take(
        &mut self,
        now: UnixMillis,
        bounds: &Bounds,
        timeout_millis: u32,
    ) -> Option<(u64, Vec<u8>)> {
        if self.under_way.is_some() || now < self.not_before || self.queue.is_empty() {
            return None;
        }
        let mut records: Vec<String> = Vec::new();
        let mut bytes = 0_usize;
        while let Some(next) = self.queue.front() {
            let more = bytes.saturating_add(next.len());
            if records.len() >= bounds.batch_events || (more > bounds.batch_bytes && !records.is_empty()) {
                break;
            }
            bytes = more;
            records.extend(self.queue.pop_front());
        }
        self.last_number = self.last_number.wrapping_add(1);
        let body = otlp::body(&self.resource, &records, bytes);
        let wait = u64::from(timeout_millis).saturating_add(LATE_MILLIS);
        let given_up_at = UnixMillis(now.0.saturating_add(wait));
        self.under_way = Some(UnderWay { number: self.last_number, records, given_up_at });
        Some((self.last_number, body))
    }

    /// The batch under way was answered.
    pub(super) fn answered(&mut self, taken: Taken, now: UnixMillis, bounds: &Bounds) -> Option<Told> {
        let UnderWay { records, .. } = self.under_way.take()?;
        match taken {
            Taken::All { rejected } => {
                let all = u32::try_from(records.len()).unwrap_or(u32::MAX);
                let rejected = u32::try_from(rejected).unwrap_or(u32::MAX).min(all);
                self.release(&records);
                self.counts.sent = self.counts.sent.saturating_add(all.saturating_sub(rejected));
                self.drop_records(rejected);
                self.not_before = now;
                self.is_heard = true;
                let failures = core::mem::take(&mut self.failures);
                (failures > 0).then(|| {
                    // Now somebody hears of it.
                    self.told_at = UnixMillis(0);
                    Told::Works(failures)
                })
            }
            Taken::Later { why, after_millis } => {
                self.put_back(records, bounds);
                self.failed(why, after_millis, now)
            }
            Taken::Never { why } => {
                self.release(&records);
                self.drop_records(u32::try_from(records.len()).unwrap_or(u32::MAX));
                self.failed(why, None, now)
            }
        }
    }

    /// Gives up a call that nobody has answered long after its time.
    pub(super) fn expire(&mut self, now: UnixMillis, bounds: &Bounds) -> Option<Told> {
        self.under_way.as_ref().filter(|batch| now >= batch.given_up_at)?;
        self.answered(Taken::Later { why: "no answer".to_owned(), after_millis: None }, now, bounds)
    }

    /// How many records were dropped that the collector was not told of yet; 0 while it takes nothing, and shortly after it was told.
    pub(super) fn dropped_to_tell(&mut self, now: UnixMillis) -> u64 {
        let is_due = now.0 >= self.told_at.0.saturating_add(TELL_EVERY_MILLIS);
        if self.untold == 0 || !self.is_heard || !is_due {
            return 0;
        }
        self.told_at = now;
        core::mem::take(&mut self.untold)
    }

    /// What has happened since it was last asked.
    pub(super) fn counts(&mut self) -> Counts {
        core::mem::take(&mut self.counts)
    }

    /// Whether it leaves the collector alone.
    #[cfg(test)]
    pub(super) fn is_pausing(&self, now: UnixMillis) -> bool {
        now < self.not_before
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub(super) const fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// How many records are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> u64 {
        let under_way = self.under_way.as_ref().map_or(0, |batch| batch.records.len());
        self.queue.len().saturating_add(under_way) as u64
    }

    fn failed(&mut self, why: String, after_millis: Option<u64>, now: UnixMillis) -> Option<Told> {
        let doubled = FIRST_PAUSE_MILLIS.saturating_mul(1_u64 << self.failures.min(16));
        let pause = after_millis.unwrap_or_else(|| self.jittered(doubled.min(LONGEST_PAUSE_MILLIS)));
        self.not_before = UnixMillis(now.0.saturating_add(pause.min(LONGEST_PAUSE_MILLIS)));
        self.is_heard = false;
        self.failures = self.failures.saturating_add(1);
        self.counts.failed = self.counts.failed.saturating_add(1);
        (self.failures == 1).then_some(Told::Fails(why))
    }

    /// Three quarters to all of a pause, so that workers do not all come back at once.
    fn jittered(&mut self, pause: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        let quarter = pause >> 2;
        pause.saturating_sub(self.chance.checked_rem(quarter.saturating_add(1)).unwrap_or_default())
    }

    fn put_back(&mut self, records: Vec<String>, bounds: &Bounds) {
        for record in records.into_iter().rev() {
            self.queue.push_front(record);
        }
        debug_assert!(self.held_bytes <= bounds.queue_bytes, "they never ceased to be held");
    }

    fn release(&mut self, records: &[String]) {
        let bytes = records.iter().fold(0_usize, |sum, record| sum.saturating_add(record.len()));
        self.held_bytes = self.held_bytes.saturating_sub(bytes);
    }

    fn drop_records(&mut self, count: u32) {
        self.counts.dropped = self.counts.dropped.saturating_add(count);
        self.untold = self.untold.saturating_add(count.into());
    }
}
