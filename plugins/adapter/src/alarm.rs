//! The root's timer: the stage's own period, shortened while something has a deadline.

use crate::moment::Steady;

/// The longest time that the timer is set to, in milliseconds: a day. An early tick does no harm.
const MAX_DELAY_MILLIS: u64 = 86_400_000;

/// How late a tick may be, in milliseconds, before the timer is set anew.
const LOST_MILLIS: u64 = 1_000;

/// What the host's timer does, and what it should do.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    /// How often the stage wants its tick, in milliseconds; 0: never.
    period: u32,
    /// When the stage's next tick is due.
    due: Option<Steady>,
    /// What the host's timer was set to last, in milliseconds; 0: it stands still.
    set_to: u32,
    /// When the host's timer fires next.
    fires: Option<Steady>,
}

impl Alarm {
    /// A plugin was configured: its first tick is due at once. What the host's timer was set to before it still is.
    pub(crate) fn configured(&mut self, period: u32, now: Steady) {
        self.period = period;
        self.due = (period > 0).then_some(now);
    }

    /// The host's timer fired. `true` when the stage's own tick is due.
    pub(crate) fn fired(&mut self, now: Steady) -> bool {
        // The host sets its timer again by itself, after the callback.
        self.fires = (self.set_to > 0).then(|| now.plus(u64::from(self.set_to)));
        let due = self.due.is_some_and(|due| due <= now);
        if due {
            self.due = Some(now.plus(u64::from(self.period)));
        }
        due
    }

    /// What the host's timer must be set to so that nothing is missed, if it must be touched at all. `exactly`: also when it
    /// would fire earlier than need be, as it goes on doing so.
    pub(crate) fn wanted(&self, earliest: Option<Steady>, exactly: bool, now: Steady) -> Option<u32> {
        let Some(at) = self.due.into_iter().chain(earliest).min() else {
            return (self.set_to > 0 && exactly).then_some(0);
        };
        let enough = self.fires.is_some_and(|fires| {
            let in_time = if exactly { fires == at } else { fires <= at };
            // A tick that is long overdue was lost; one that is a little late must not be put off by every request.
            in_time && now <= fires.plus(LOST_MILLIS)
        });
        if enough {
            return None;
        }
        let delay = at.since(now).clamp(1, MAX_DELAY_MILLIS);
        u32::try_from(delay).ok()
    }

    /// The host's timer was set.
    pub(crate) fn set(&mut self, millis: u32, now: Steady) {
        self.set_to = millis;
        self.fires = (millis > 0).then(|| now.plus(u64::from(millis)));
    }
}
