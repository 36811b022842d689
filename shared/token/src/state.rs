//! What the stage remembers in one worker.

use std::collections::BTreeMap;
use std::sync::Arc;

use meshward_model::{Event, Seed, Token, Trouble};

use crate::cache::{Cache, Print};
use crate::compact::Times;
use crate::fetch::Fetch;
use crate::key::Key;
use crate::offload::Offload;
use crate::settings::Settings;

/// The most signatures that are with the proxy at the same time. The answer comes at once, so there is hardly ever a second.
const MAX_PENDING: usize = 64;

/// What the stage remembers between requests, in one worker.
#[derive(Debug)]
pub struct State {
    /// By the issuers' places in the configuration; of those with inline keys it is never used.
    pub(crate) fetches: Vec<Fetch>,
    pub(crate) offload: Offload,
    pub(crate) cache: Cache,
    /// Tokens whose signature the proxy verifies right now.
    pending: BTreeMap<u64, Candidate>,
    sequence: u64,
    /// By how much this worker fetches keys sooner than others, in thousandths: so they do not all come at once.
    pub(crate) early: u64,
    /// Whether the first tick is over.
    pub(crate) started: bool,
    /// What the next answer or tick writes down.
    troubles: Vec<Trouble>,
}

/// A token in which everything is right but, maybe, its signature.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) print: Print,
    pub(crate) issuer: usize,
    pub(crate) times: Times,
    pub(crate) token: Token,
    /// The first two parts.
    pub(crate) message: String,
    pub(crate) signature: String,
    /// The keys that may have signed it, the next one last.
    pub(crate) keys: Vec<Arc<Key>>,
}

impl State {
    pub(crate) fn new(settings: &Settings, seed: Seed) -> Self {
        let issuers = settings.jwt.as_ref().map_or(0, |jwt| jwt.issuers.len());
        Self {
            fetches: (0..issuers).map(|_| Fetch::default()).collect(),
            offload: Offload::default(),
            cache: Cache::new(seed),
            pending: BTreeMap::new(),
            sequence: 0,
            early: seed.0 % 100,
            started: false,
            troubles: Vec::new(),
        }
    }

    /// A number that no other question of this worker has.
    pub(crate) const fn next_sequence(&mut self) -> u64 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }

    /// Whether another token may wait for the proxy's word.
    pub(crate) fn has_room(&self) -> bool {
        self.pending.len() < MAX_PENDING
    }

    /// Keeps a token until the proxy has looked at its signature.
    pub(crate) fn park(&mut self, sequence: u64, candidate: Candidate) {
        self.pending.insert(sequence, candidate);
    }

    /// The token of this question.
    pub(crate) fn unpark(&mut self, sequence: u64) -> Option<Candidate> {
        self.pending.remove(&sequence)
    }

    pub(crate) fn say(&mut self, trouble: Option<Trouble>) {
        self.troubles.extend(trouble);
    }

    /// What there is to write down.
    pub(crate) fn events(&mut self) -> Vec<Event<'static>> {
        self.troubles.drain(..).map(Event::Trouble).collect()
    }
}
