//! The questions of one root that are under way.

use meshward_model::{Question, Ticket};

use crate::hostcalls::Token;
use crate::moment::Steady;

/// The most questions of a root that are under way at once. More parked requests than this may share them.
pub(crate) const MAX_ASKED: usize = 512;

/// How much longer than its own timeout a call is waited for, in milliseconds: the host answers for itself when a call times
/// out, and only if that, too, gets lost does the mark expire.
pub(crate) const GRACE_MILLIS: u64 = 1_000;

/// How a question travels: the host numbers the calls of each way by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Http,
    Grpc,
}

/// A question under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) way: Way,
    pub(crate) token: Token,
    pub(crate) ticket: Ticket,
    /// The longest answer that is read, in bytes.
    pub(crate) max_bytes: u32,
    /// When it no longer counts as under way.
    pub(crate) expires: Steady,
}

impl Asked {
    /// A question that the host has just taken.
    pub(crate) fn new(question: &Question, (way, token): (Way, Token), ticket: Ticket, now: Steady) -> Self {
        let (max_bytes, timeout) = match question {
            Question::Http { max_body_bytes, timeout_millis, .. } => (*max_body_bytes, *timeout_millis),
            Question::Grpc { max_message_bytes, timeout_millis, .. } => (*max_message_bytes, *timeout_millis),
            Question::Load { .. } | Question::Store { .. } | Question::Call { .. } => (0, 0),
        };
        let life = u64::from(timeout).saturating_add(GRACE_MILLIS);
        Self { way, token, ticket, max_bytes, expires: now.plus(life) }
    }
}

/// The table of questions under way. At most [`MAX_ASKED`], so that a walk is cheap.
#[derive(Debug, Default)]
pub(crate) struct AskedTable {
    asked: Vec<Asked>,
}

impl AskedTable {
    pub(crate) fn is_full(&self) -> bool {
        self.asked.len() >= MAX_ASKED
    }

    pub(crate) fn insert(&mut self, asked: Asked) {
        self.asked.push(asked);
    }

    /// Whether a question of this ticket is under way.
    pub(crate) fn has(&self, ticket: Ticket) -> bool {
        self.asked.iter().any(|asked| asked.ticket == ticket)
    }

    /// Takes out the question that this token answers. An unknown token (expired, or never ours) gives nothing.
    pub(crate) fn take(&mut self, way: Way, token: Token) -> Option<Asked> {
        self.take_if(|asked| asked.way == way && asked.token == token)
    }

    /// Takes out a question that no longer counts; call it until there is none.
    pub(crate) fn take_expired(&mut self, now: Steady) -> Option<Asked> {
        self.take_if(|asked| asked.expires <= now)
    }

    /// When the next one expires.
    pub(crate) fn earliest(&self) -> Option<Steady> {
        self.asked.iter().map(|asked| asked.expires).min()
    }

    fn take_if(&mut self, wanted: impl Fn(&Asked) -> bool) -> Option<Asked> {
        let at = self.asked.iter().position(wanted)?;
        Some(self.asked.swap_remove(at))
    }
}
