//! What one worker knows of callers in the penalty box, whatever becomes of shared data.

use meshward_model::UnixMillis;

use crate::caller::CallerId;
use crate::standing::{Level, Standing};

/// The most callers that a worker keeps in mind; about as many as shared data has places for.
const MOST: usize = 4_096;

/// Callers in the penalty box, as this worker saw or wrote them last, sorted by their ids.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(Vec<Standing>);

impl Known {
    /// Takes note of a standing; one that is clear is forgotten.
    pub(crate) fn note(&mut self, standing: &Standing, now: UnixMillis) {
        let place = self.place(standing.id);
        if standing.level_at(now) == Level::Clear {
            if let Ok(at) = place
                && self.0.get(at).is_some_and(|known| known.level_at(now) == Level::Clear)
            {
                self.0.remove(at);
            }
            return;
        }
        match place {
            Ok(at) => {
                // What is simulated says nothing of what is not, and a stay ends when it was said to end.
                if let Some(known) = self.0.get_mut(at)
                    && known.level_at(now) <= standing.level_at(now)
                    && (known.simulated || !standing.simulated)
                {
                    known.clone_from(standing);
                }
            }
            Err(at) if self.0.len() < MOST => self.0.insert(at, standing.clone()),
            // The next one finds a place where somebody was released.
            Err(_) => self.0.retain(|known| known.level_at(now) > Level::Clear),
        }
    }

    /// Follows a clock that was set back by so many milliseconds.
    pub(crate) fn follow(&mut self, back: u64) {
        for known in &mut self.0 {
            known.follow(back);
        }
    }

    /// How the caller stands, if it is in the penalty box.
    pub(crate) fn find(&self, id: CallerId, now: UnixMillis) -> Option<&Standing> {
        let standing = self.0.get(self.place(id).ok()?)?;
        (standing.level_at(now) > Level::Clear).then_some(standing)
    }

    fn place(&self, id: CallerId) -> Result<usize, usize> {
        self.0.binary_search_by(|known| known.id.cmp(&id))
    }

    /// Those of one slot that are in the penalty box.
    pub(crate) fn in_cell(&self, cell: u8, now: UnixMillis) -> impl Iterator<Item = &Standing> {
        let inside =
            move |standing: &&Standing| standing.id.cell() == cell && standing.level_at(now) > Level::Clear;
        self.0.iter().filter(inside)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
