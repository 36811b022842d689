//! The stage's tickets: what a number stands for.

use meshward_model::{StageId, Ticket};

use crate::offload::Known;

/// What a question was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The keys of an issuer; `sequence` tells this call from earlier ones.
    Keys { issuer: usize, sequence: u64 },
    /// The signature of a token.
    Signature { sequence: u64 },
    /// The known-answer test.
    Known(Known),
}

/// Two bits for the kind, five for the issuer (or the question of the test), the rest for the sequence.
const KIND_BITS: u32 = 2;
const PLACE_BITS: u32 = 5;
const KEYS: u64 = 0;
const SIGNATURE: u64 = 1;
const KNOWN: u64 = 2;
/// Where the sequence begins.
const SEQUENCE_AT: u32 = 7;

impl Asked {
    /// The ticket of this question.
    pub(crate) fn ticket(self) -> Ticket {
        let (kind, place, sequence) = match self {
            Self::Keys { issuer, sequence } => (KEYS, issuer, sequence),
            Self::Signature { sequence } => (SIGNATURE, 0, sequence),
            Self::Known(known) => {
                (KNOWN, Known::ALL.iter().position(|one| *one == known).unwrap_or_default(), 0)
            }
        };
        let place = u64::try_from(place).unwrap_or_default();
        let number = (sequence << SEQUENCE_AT) | (place << KIND_BITS) | kind;
        Ticket::new(StageId::Authn, number)
    }

    /// What a ticket of this stage stands for.
    pub(crate) fn of(ticket: Ticket) -> Option<Self> {
        let Ticket { stage: StageId::Authn, number } = ticket else { return None };
        let kind = number & ((1 << KIND_BITS) - 1);
        let place = usize::try_from((number >> KIND_BITS) & ((1 << PLACE_BITS) - 1)).ok()?;
        let sequence = number >> SEQUENCE_AT;
        match kind {
            KEYS => Some(Self::Keys { issuer: place, sequence }),
            SIGNATURE => Some(Self::Signature { sequence }),
            KNOWN => Known::ALL.get(place).copied().map(Self::Known),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::MAX_ISSUERS;

    #[test]
    fn a_ticket_stands_for_one_question_only() {
        let mut all = Vec::new();
        for sequence in [0, 1, 2, 1 << 40] {
            all.push(Asked::Signature { sequence });
            all.extend((0..MAX_ISSUERS).map(|issuer| Asked::Keys { issuer, sequence }));
        }
        all.extend(Known::ALL.map(Asked::Known));
        let tickets: std::collections::BTreeSet<Ticket> = all.iter().map(|asked| asked.ticket()).collect();
        assert_eq!(tickets.len(), all.len());
        for asked in all {
            assert_eq!(Asked::of(asked.ticket()), Some(asked));
        }
        assert_eq!(Asked::of(Ticket::new(StageId::Authn, 3)), None);
        assert_eq!(Asked::of(Ticket::new(StageId::Penalty, 0)), None);
    }
}
