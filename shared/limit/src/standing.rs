//! How a caller stands: its score, and what has become of it.
//!
//! Pure steps from one standing to the next. Whoever writes the next one into shared data first says what has changed; everybody
//! else begins anew from what was written.

use meshward_model::{Change, UnixMillis};

use crate::caller::{Caller, CallerId};
use crate::decay::{self, UNIT};
use crate::detection::{Detection, Detector, MAX_STAY_MILLIS};

/// What is done about a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Nothing.
    Clear,
    /// It is conspicuous.
    Noted,
    /// It is slowed down.
    Throttled,
    /// Nothing of it is let through.
    Quarantined,
}

/// How one caller stands. Times are milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) id: CallerId,
    pub(crate) name: String,
    pub(crate) level: Level,
    /// Whether it was scored by a detection that only simulates.
    pub(crate) simulated: bool,
    /// How often it was in quarantine.
    pub(crate) strikes: u16,
    /// In thousandths, at `updated`.
    pub(crate) score: u32,
    pub(crate) updated: u64,
    /// When the stay in the penalty box began; 0 outside of one.
    pub(crate) since: u64,
    /// When the stay ends by itself; 0 outside of one.
    pub(crate) until: u64,
    /// Since when it has been out of quarantine, or will be; forgiven hours aside. 0 where it has no strikes.
    pub(crate) calm: u64,
    /// Which paths have counted: a bit for each, by its hash.
    pub(crate) paths: u128,
}

/// What a detector has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) detector: Detector,
    /// The path's bit; 0 where the path does not matter.
    pub(crate) path: u128,
}

/// Something that is to be said once the standing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) change: Change,
    pub(crate) stay: String,
    pub(crate) detector: Option<Detector>,
    pub(crate) score: u32,
    pub(crate) threshold: u32,
    pub(crate) strikes: u16,
}

/// After an hour without a quarantine the strikes count half, in milliseconds.
const FORGIVEN_MILLIS: u64 = 3_600_000;

/// The highest score, in thousandths: no flood makes a score that stays for days.
const HIGHEST: u32 = 2_000_000;

impl Standing {
    /// The standing of a caller of which nothing is known.
    pub(crate) fn new(caller: &Caller, simulated: bool, now: UnixMillis) -> Self {
        Self {
            id: caller.id,
            name: caller.name.clone(),
            level: Level::Clear,
            simulated,
            strikes: 0,
            score: 0,
            updated: now.0,
            since: 0,
            until: 0,
            calm: 0,
            paths: 0,
        }
    }

    /// The same by a clock that was set back by so many milliseconds: what was left of a stay is still left, and no more.
    ///
    /// A stay is never shorter for it: whoever could set the clock back would free everybody. Nor longer: it would last for as
    /// long as the clock was wrong. When it began stays as it was said, since that is its name.
    pub(crate) fn follow(&mut self, back: u64) {
        self.updated = self.updated.saturating_sub(back);
        self.until = self.until.saturating_sub(back);
        self.calm = self.calm.saturating_sub(back);
    }

    /// What is done about the caller now.
    pub(crate) fn level_at(&self, now: UnixMillis) -> Level {
        if self.until > now.0 { self.level } else { Level::Clear }
    }

    /// Whether a stay has ended and nobody has said so.
    pub(crate) fn is_due(&self, now: UnixMillis) -> bool {
        self.level > Level::Clear && self.until <= now.0
    }

    /// Ends a stay that is over. The strikes stay, and are forgiven hour by hour without a quarantine, whatever else it does.
    pub(crate) fn release(&mut self, detection: &Detection, now: UnixMillis) -> Option<Said> {
        if !self.is_due(now) {
            return None;
        }
        let score = self.score_at(detection, now);
        let said = self.said(Change::Released, None, score, detection.note);
        (self.updated, self.score, self.paths) = (self.until.min(now.0), 0, 0);
        (self.level, self.since, self.until) = (Level::Clear, 0, 0);
        Some(said)
    }

    /// Adds a hit: what has changed, in order. `None` when the hit does not count.
    pub(crate) fn hit(&mut self, detection: &Detection, hit: Hit, now: UnixMillis) -> Option<Vec<Said>> {
        let mut said: Vec<Said> = self.release(detection, now).into_iter().collect();
        let counted = !said.is_empty();
        let Some(weight) = detection.weight(hit.detector) else { return counted.then_some(said) };
        // What was under way when the quarantine began does not make it longer.
        if self.level == Level::Quarantined || (hit.path != 0 && self.paths & hit.path == hit.path) {
            return counted.then_some(said);
        }
        let before = self.score_at(detection, now);
        if before == 0 {
            self.paths = 0;
        }
        self.forgive(now);
        self.paths |= hit.path;
        self.score = before.saturating_add(weight.saturating_mul(UNIT)).min(HIGHEST);
        self.updated = now.0;
        said.extend(self.rise(detection, hit.detector, now));
        Some(said)
    }

    /// Goes to the level that the score demands; never to a lower one.
    fn rise(&mut self, detection: &Detection, detector: Detector, now: UnixMillis) -> Option<Said> {
        let score = self.score.checked_div(UNIT).unwrap_or_default();
        let (level, threshold) = if score >= detection.quarantine {
            (Level::Quarantined, detection.quarantine)
        } else if score >= detection.throttle {
            (Level::Throttled, detection.throttle)
        } else if score >= detection.note {
            (Level::Noted, detection.note)
        } else {
            (Level::Clear, 0)
        };
        if self.level == Level::Clear && level > Level::Clear {
            self.since = now.0;
        }
        let risen = level > self.level;
        self.level = self.level.max(level);
        let change = match self.level {
            Level::Clear => return None,
            Level::Noted => Change::Noted,
            Level::Throttled => Change::Throttled,
            Level::Quarantined => {
                self.strikes = self.strikes.saturating_add(1);
                self.until = now.0.saturating_add(detection.stay_millis(self.strikes));
                // Whenever the end is noticed, it is then that the hours begin.
                self.calm = self.until;
                Change::Quarantined { until: UnixMillis(self.until) }
            }
        };
        if self.level < Level::Quarantined {
            let note = detection.note.saturating_mul(UNIT);
            let after = decay::below_after(self.score, note, detection.half_life_millis).min(MAX_STAY_MILLIS);
            self.until = now.0.saturating_add(after);
        }
        risen.then(|| self.said(change, Some(detector), self.score, threshold))
    }

    fn forgive(&mut self, now: UnixMillis) {
        let hours = now.0.saturating_sub(self.calm).checked_div(FORGIVEN_MILLIS).unwrap_or_default();
        let halvings = u32::try_from(hours).unwrap_or(u32::MAX);
        self.strikes = self.strikes.checked_shr(halvings).unwrap_or_default();
        let forgiven = self.calm.saturating_add(hours.saturating_mul(FORGIVEN_MILLIS));
        self.calm = if self.strikes == 0 { 0 } else { forgiven };
    }

    fn score_at(&self, detection: &Detection, now: UnixMillis) -> u32 {
        decay::left(self.score, now.0.saturating_sub(self.updated), detection.half_life_millis)
    }

    fn said(&self, change: Change, detector: Option<Detector>, score: u32, threshold: u32) -> Said {
        let score = score.checked_div(UNIT).unwrap_or_default();
        Said { change, stay: self.id.stay(self.since), detector, score, threshold, strikes: self.strikes }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "standing_tests.rs"]
mod tests;
