//! The requests of one root that wait for an answer.

use meshward_model::{Request, RequestId, Ticket};

use crate::moment::Steady;

/// The most requests that a worker parks, over all its roots. Each holds its header map, and each is a caller kept waiting.
pub(crate) const MAX_PARKED: usize = 256;

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) request: Box<Request>,
    /// The question whose answer lets it go on.
    pub(crate) ticket: Ticket,
    /// When it is too late.
    pub(crate) late: Steady,
    /// How often it has been parked, this time included.
    pub(crate) times: u32,
}

/// The table of parked requests, in the order in which they came. At most [`MAX_PARKED`], so that a walk is cheap.
#[derive(Debug, Default)]
pub(crate) struct ParkedTable {
    parked: Vec<Parked>,
}

impl ParkedTable {
    pub(crate) fn len(&self) -> usize {
        self.parked.len()
    }

    pub(crate) fn insert(&mut self, parked: Parked) {
        self.parked.push(parked);
    }

    /// Takes a request out if it waits for this ticket.
    pub(crate) fn take(&mut self, id: RequestId, ticket: Ticket) -> Option<Parked> {
        self.take_if(|parked| parked.request.id == id && parked.ticket == ticket)
    }

    /// Forgets a request that has ended.
    pub(crate) fn remove(&mut self, id: RequestId) -> Option<Parked> {
        self.take_if(|parked| parked.request.id == id)
    }

    /// Takes a request out whose deadline has passed; call it until there is none.
    pub(crate) fn take_late(&mut self, now: Steady) -> Option<Parked> {
        self.take_if(|parked| parked.late <= now)
    }

    /// Takes any request out; call it until there is none.
    pub(crate) fn take_any(&mut self) -> Option<Parked> {
        self.take_if(|_| true)
    }

    /// Those that wait for this ticket.
    pub(crate) fn waiting_for(&mut self, ticket: Ticket) -> Vec<&mut Request> {
        let waiting = self.parked.iter_mut().filter(|parked| parked.ticket == ticket);
        waiting.map(|parked| &mut *parked.request).collect()
    }

    /// When the next one is late.
    pub(crate) fn earliest(&self) -> Option<Steady> {
        self.parked.iter().map(|parked| parked.late).min()
    }

    fn take_if(&mut self, wanted: impl Fn(&Parked) -> bool) -> Option<Parked> {
        let at = self.parked.iter().position(wanted)?;
        // In order, so that who came first goes first.
        Some(self.parked.remove(at))
    }
}
