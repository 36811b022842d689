//! What one worker knows of callers in the penalty box, whatever becomes of shared data.

use std::collections::BTreeMap;

use meshward_model::UnixMillis;

use crate::caller::CallerId;
use crate::standing::{Level, Standing};

/// The most callers that a worker keeps in mind; about as many as shared data has places for.
const MOST: usize = 4_096;

/// Callers in the penalty box, as this worker saw or wrote them last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known(BTreeMap<CallerId, Standing>);

impl Known {
    /// Takes note of a standing; one that is clear is forgotten.
    pub(crate) fn note(&mut self, standing: &Standing, now: UnixMillis) {
        if standing.level_at(now) == Level::Clear {
            self.0.remove(&standing.id);
            return;
        }
        if self.0.len() >= MOST && !self.0.contains_key(&standing.id) {
            self.0.retain(|_, known| known.level_at(now) > Level::Clear);
        }
        if self.0.len() < MOST || self.0.contains_key(&standing.id) {
            self.0.insert(standing.id, standing.clone());
        }
    }

    /// How the caller stands, if it is in the penalty box.
    pub(crate) fn find(&self, id: CallerId, now: UnixMillis) -> Option<&Standing> {
        self.0.get(&id).filter(|standing| standing.level_at(now) > Level::Clear)
    }

    /// Those of one slot that are in the penalty box.
    pub(crate) fn in_cell(&self, cell: u8, now: UnixMillis) -> impl Iterator<Item = &Standing> {
        let inside =
            move |standing: &&Standing| standing.id.cell() == cell && standing.level_at(now) > Level::Clear;
        self.0.values().filter(inside)
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
