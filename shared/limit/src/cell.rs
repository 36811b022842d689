//! Standings in the proxy's shared data: a fixed number of slots for ever, with a few callers in each.

use meshward_model::UnixMillis;

use crate::caller::CallerId;
use crate::detection::MAX_STAY_MILLIS;
use crate::fields::decimal;
use crate::gcra::CLOCK_SLACK_MILLIS;
use crate::sealed::{Reader, open, seal};
use crate::standing::{Level, Standing};

/// How many slots there are: the first for names, the rest for addresses, so that who can come from many addresses fills no slot that
/// a name needs.
pub(crate) const CELLS: u8 = 255;

/// How many of them are for names.
const NAMED: u8 = 127;

/// How many callers a slot holds: about 4,000 in all.
const WAYS: usize = 16;

/// The longest name that is kept, in bytes; of a longer one its beginning.
const MAX_NAME_BYTES: usize = 512;

/// Magic and version of the layout.
const MAGIC: [u8; 4] = *b"mwp3";

/// How old what a slot says of the time becomes at the most while somebody in it is in the penalty box, in milliseconds. By so much
/// longer a stay lasts, at the most, for a clock that is set back.
const OLD_MILLIS: u64 = 10_000;

const SIMULATED: u8 = 0x80;

/// How the names of slots begin.
const PREFIX: &str = "meshward.penalty.";

/// The slot with this number.
pub(crate) fn name(number: u8) -> String {
    let mut name = String::with_capacity(PREFIX.len().saturating_add(3));
    name.push_str(PREFIX);
    decimal(&mut name, number.into());
    name
}

impl CallerId {
    /// The number of the slot that the caller lies in.
    pub(crate) fn cell(self) -> u8 {
        let [a, b, ..] = self.0;
        let (first, count) =
            if self.is_address() { (NAMED, CELLS.saturating_sub(NAMED)) } else { (0, NAMED) };
        let number = (u16::from_le_bytes([a, b]) >> 1).checked_rem(count.into()).unwrap_or_default();
        u8::try_from(number).unwrap_or_default().saturating_add(first)
    }
}

/// The callers of one slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cell {
    standings: Vec<Standing>,
    /// Whether the clock was set back since it was written; then it is written anew, so that time goes on for all.
    pub(crate) followed: bool,
    /// Whether it was written so long ago that a sweep writes it anew: only what was written lately tells how far a clock was set back.
    pub(crate) is_old: bool,
}

impl Cell {
    /// Reads a slot; `None` for what is no slot. A standing that cannot be, such as a ban beyond the longest there is, counts as none:
    /// it bans nobody, and frees nobody either that a worker knows of.
    pub(crate) fn read(bytes: &[u8], now: UnixMillis) -> Option<Self> {
        let mut reader = Reader(open(MAGIC, bytes)?);
        let written = reader.u64()?;
        let mut standings = Vec::new();
        while !reader.0.is_empty() {
            standings.push(read_standing(&mut reader)?);
        }
        if standings.len() > WAYS {
            return None;
        }
        standings.retain(is_plausible);
        let mut followed = false;
        for standing in &mut standings {
            let back = written.max(standing.updated).saturating_sub(now.0);
            // Workers' clocks may be a little apart.
            if back > CLOCK_SLACK_MILLIS {
                standing.follow(back);
                followed = true;
            }
        }
        let inside = standings.iter().any(|standing| standing.level > Level::Clear);
        let is_old = inside && now.0.saturating_sub(written) >= OLD_MILLIS;
        Some(Self { standings, followed, is_old })
    }

    /// The slot's bytes, as they are written now.
    pub(crate) fn write(&self, now: UnixMillis) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.standings.len().saturating_mul(128).saturating_add(8));
        body.extend_from_slice(&now.0.to_le_bytes());
        for standing in &self.standings {
            write_standing(&mut body, standing);
        }
        seal(MAGIC, &body)
    }

    /// How the caller stands.
    pub(crate) fn find(&self, id: CallerId, simulated: bool) -> Option<&Standing> {
        self.standings.iter().find(|standing| standing.id == id && standing.simulated == simulated)
    }

    /// All of them.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Standing> {
        self.standings.iter_mut()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Standing> {
        self.standings.iter()
    }

    /// Puts a standing in. `false` when there is no place: everybody else is in the penalty box, or has hit as lately and more often.
    pub(crate) fn put(&mut self, standing: Standing) -> bool {
        let same = |known: &&mut Standing| known.id == standing.id && known.simulated == standing.simulated;
        if let Some(known) = self.standings.iter_mut().find(same) {
            *known = standing;
            return true;
        }
        if self.standings.len() >= WAYS {
            let clear = self.standings.iter().enumerate().filter(|(_, known)| known.level == Level::Clear);
            let Some((at, _)) = clear.min_by_key(|(_, known)| (known.strikes, known.updated)) else {
                return false;
            };
            self.standings.swap_remove(at);
        }
        self.standings.push(standing);
        true
    }
}

/// Whether it can be, by itself: what time it is now says nothing, since a clock may be set back.
fn is_plausible(standing: &Standing) -> bool {
    let longest = standing.updated.saturating_add(MAX_STAY_MILLIS);
    let inside = standing.level > Level::Clear;
    standing.until <= longest
        && standing.calm <= longest
        && inside == (standing.until > 0)
        && inside == (standing.since > 0)
}

fn write_standing(body: &mut Vec<u8>, standing: &Standing) {
    let Standing { id, name, level, simulated, strikes, score, updated, since, until, calm, paths } =
        standing;
    let level = match level {
        Level::Clear => 0,
        Level::Noted => 1,
        Level::Throttled => 2,
        Level::Quarantined => 3,
    };
    body.extend_from_slice(&id.0);
    body.push(if *simulated { level | SIMULATED } else { level });
    body.extend_from_slice(&strikes.to_le_bytes());
    body.extend_from_slice(&score.to_le_bytes());
    for time in [updated, since, until, calm] {
        body.extend_from_slice(&time.to_le_bytes());
    }
    body.extend_from_slice(&paths.to_le_bytes());
    // SPIFFE IDs and addresses are ASCII: every byte is a character.
    let name = name.get(..MAX_NAME_BYTES).unwrap_or(name);
    let length = u16::try_from(name.len()).unwrap_or_default();
    body.extend_from_slice(&length.to_le_bytes());
    body.extend_from_slice(name.as_bytes());
}

fn read_standing(reader: &mut Reader<'_>) -> Option<Standing> {
    let id = CallerId(reader.array()?);
    let [flags] = reader.array()?;
    let level = match flags & !SIMULATED {
        0 => Level::Clear,
        1 => Level::Noted,
        2 => Level::Throttled,
        3 => Level::Quarantined,
        _ => return None,
    };
    let strikes = reader.u16()?;
    let score = reader.u32()?;
    let (updated, since, until, calm) = (reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()?);
    let paths = u128::from_le_bytes(reader.array()?);
    let length = reader.u16()?;
    let name = core::str::from_utf8(reader.bytes(length.into())?).ok()?.to_owned();
    Some(Standing {
        id,
        name,
        level,
        simulated: flags & SIMULATED != 0,
        strikes,
        score,
        updated,
        since,
        until,
        calm,
        paths,
    })
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "cell_tests.rs"]
mod tests;
