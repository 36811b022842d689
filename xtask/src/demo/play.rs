//! Playing the script: every call in order, then what the logs say of each.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::call::{self, Made};
use super::evidence::{self, Evidence};
use super::mesh::Mesh;
use super::script::{Call, Outcome, Times};
use super::workload::Workload;
use super::{deeds, scenes};
use crate::{interrupt, show};

/// What is repeated until it comes out as expected has this long.
const UNTIL: Duration = Duration::from_secs(30);

/// One time that a call was made, with all that is known of it.
pub(super) struct Try {
    pub(super) made: Made,
    pub(super) evidence: Evidence,
}

/// One call with everything that became of it.
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) call: Call,
    /// What happened before it, in words.
    pub(super) done: Option<String>,
    /// Each time that it was made; once at the least.
    pub(super) tries: Vec<Try>,
}

/// The rows of one scene.
pub(super) struct Played {
    pub(super) title: &'static str,
    pub(super) rows: Vec<Row>,
}

impl Try {
    fn is_as_permitted(&self, call: &Call) -> bool {
        let permitted = matches!(self.made.got, Ok(got) if call.permits(got, &self.evidence.decided_by));
        permitted && (self.made.arrived > 0) == (self.made.got == Ok(Outcome::Reached))
    }

    fn is_as_expected(&self, call: &Call) -> bool {
        self.made.got == Ok(call.expected) && self.evidence.decided_by == call.decided_by
    }
}

impl Row {
    /// Outcome, what decided, and whether it arrived: all as expected, each time.
    pub(super) fn is_as_expected(&self) -> bool {
        let Self { call, tries, .. } = self;
        let first = call.before.first().is_none_or(|(outcome, by)| {
            tries.iter().any(|one| one.made.got == Ok(*outcome) && one.evidence.decided_by == *by)
        });
        first
            && tries.iter().all(|one| one.is_as_permitted(call))
            && tries
                .last()
                .is_some_and(|last| last.is_as_expected(call) && last.made.shown.len() == call.shows.len())
    }

    /// How many requests arrived that should not have.
    pub(super) fn arrived_without_permission(&self) -> u64 {
        if self.call.may_arrive() { 0 } else { self.arrived() }
    }

    /// How many requests arrived.
    pub(super) fn arrived(&self) -> u64 {
        self.tries.iter().map(|one| one.made.arrived).fold(0, u64::saturating_add)
    }
}

/// Plays the whole script. All calls of a scene come first: logs are written a moment later.
pub(super) fn play(mesh: &Mesh) -> Result<Vec<Played>> {
    let mut player = Player { mesh, number: 0, failures: BTreeMap::new() };
    let mut played = Vec::new();
    for scene in scenes::all() {
        show::progress(&format!("      {} …", scene.title));
        played.push(Played { title: scene.title, rows: player.scene(scene.calls)? });
    }
    Ok(played)
}

struct Player<'a> {
    mesh: &'a Mesh,
    number: usize,
    /// How many connections of each workload TLS has refused so far.
    failures: BTreeMap<Workload, usize>,
}

/// A row that is being made; what is looked up later has no evidence yet.
struct Making {
    number: usize,
    call: Call,
    done: Option<String>,
    tries: Vec<(Made, Option<Evidence>, usize)>,
}

impl Player<'_> {
    fn scene(&mut self, calls: Vec<Call>) -> Result<Vec<Row>> {
        let mut made = Vec::new();
        let mut calls = calls.into_iter().peekable();
        while let Some(leader) = calls.next() {
            let mut together = vec![self.making(leader)?];
            while let Some(beside) = calls.next_if(|call| call.times == Times::Beside) {
                together.push(self.making(beside)?);
            }
            self.make(&mut together)?;
            made.extend(together);
        }
        made.into_iter().map(|making| self.row(making)).collect()
    }

    fn making(&mut self, call: Call) -> Result<Making> {
        self.number = self.number.saturating_add(1);
        let done = call.deed.map(|deed| deeds::perform(deed, self.mesh)).transpose();
        let done = done.with_context(|| format!("before call {} (`{}`)", self.number, call.what()))?;
        Ok(Making { number: self.number, call, done, tries: Vec::new() })
    }

    /// Makes the first call as often as it is to be made, and each time the others after it.
    fn make(&mut self, together: &mut [Making]) -> Result<()> {
        let start = Instant::now();
        loop {
            for making in together.iter_mut() {
                self.make_once(making)?;
            }
            let Some(leader) = together.first() else { return Ok(()) };
            if leader.is_finished() {
                return Ok(());
            }
            if start.elapsed() > UNTIL {
                // The row is red and says what came instead.
                return Ok(());
            }
        }
    }

    fn make_once(&mut self, making: &mut Making) -> Result<()> {
        interrupt::check()?;
        let Making { number, call, tries, .. } = making;
        let id = call::id(*number, tries.len());
        let made = call::make(self.mesh, call, &id)
            .with_context(|| format!("call {number} (`{}`) could not be made", call.what()))?;
        let earlier = self.failures.get(&call.to).copied().unwrap_or(0);
        if made.got == Ok(Outcome::NoTls) {
            self.failures.insert(call.to, earlier.saturating_add(1));
        }
        // Whether it goes on depends on what decided.
        let evidence = match call.times {
            Times::Until => Some(self.evidence(*number, call, &id, &made, earlier)?),
            Times::Once | Times::Exactly(_) | Times::Beside => None,
        };
        tries.push((made, evidence, earlier));
        Ok(())
    }

    fn row(&self, making: Making) -> Result<Row> {
        let Making { number, call, done, tries } = making;
        let tries = tries.into_iter().enumerate().map(|(at, (made, evidence, earlier))| {
            let evidence = match evidence {
                Some(evidence) => evidence,
                None => self.evidence(number, &call, &call::id(number, at), &made, earlier)?,
            };
            anyhow::Ok(Try { made, evidence })
        });
        let tries: Vec<Try> = tries.collect::<Result<_>>()?;
        if tries.is_empty() {
            bail!("call {number} (`{}`) was never made", call.what());
        }
        Ok(Row { number, call, done, tries })
    }

    fn evidence(
        &self,
        number: usize,
        call: &Call,
        id: &str,
        made: &Made,
        earlier: usize,
    ) -> Result<Evidence> {
        evidence::gather(self.mesh, call, id, made, earlier)
            .with_context(|| format!("call {number} (`{}`) left no trace", call.what()))
    }
}

impl Making {
    fn is_finished(&self) -> bool {
        match self.call.times {
            Times::Once | Times::Beside => true,
            Times::Exactly(times) => self.tries.len() >= times,
            Times::Until => self.tries.last().is_some_and(|(made, evidence, _)| {
                made.got == Ok(self.call.expected)
                    && evidence.as_ref().is_some_and(|evidence| evidence.decided_by == self.call.decided_by)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::script::How;
    use crate::demo::workload::Caller;

    fn row(call: Call, tries: &[(Outcome, &str)]) -> Row {
        let tries = tries.iter().map(|(outcome, by)| {
            let arrived = u64::from(*outcome == Outcome::Reached);
            let made = Made { got: Ok(*outcome), arrived, seen: None, shown: Vec::new() };
            Try { made, evidence: Evidence { decided_by: (*by).to_owned(), ..Evidence::default() } }
        });
        Row { number: 1, call, done: None, tries: tries.collect() }
    }

    fn call() -> Call {
        Call::new(Caller::Scraper, How::OwnCert, Workload::Orders, "GET", "/prices")
    }

    const REFUSED: (Outcome, &str) = (Outcome::Denied(401), "authn.token_signature");
    const THROTTLED: (Outcome, &str) = (Outcome::Denied(429), "penalty.throttled");
    const REACHED: (Outcome, &str) = (Outcome::Reached, "callers[4]");

    #[test]
    fn a_row_of_many_calls_must_begin_and_end_as_expected_with_nothing_else_between() {
        let call = || call().times(Times::Until).at_first(401, REFUSED.1).too_many(THROTTLED.1);
        assert!(row(call(), &[REFUSED, REFUSED, THROTTLED]).is_as_expected());
        assert!(!row(call(), &[THROTTLED]).is_as_expected(), "what must come first never came");
        assert!(!row(call(), &[REFUSED, THROTTLED, REFUSED]).is_as_expected(), "it did not end so");
        let other = (Outcome::Denied(429), "penalty.quarantined");
        assert!(!row(call(), &[REFUSED, other, THROTTLED]).is_as_expected(), "another decision");
        let leak = row(call(), &[REFUSED, REACHED, THROTTLED]);
        assert!(!leak.is_as_expected() && leak.arrived_without_permission() == 1);
    }

    #[test]
    fn what_may_arrive_at_first_is_no_leak() {
        let call = || call().times(Times::Exactly(2)).at_reached(REACHED.1).too_many(THROTTLED.1);
        let row = row(call(), &[REACHED, THROTTLED]);
        assert!(row.is_as_expected() && row.arrived_without_permission() == 0);
    }

    #[test]
    fn a_header_that_is_to_be_shown_must_be_there() {
        let mut shown = row(call().showing(&["ratelimit"]).reaches(REACHED.1), &[REACHED]);
        assert!(!shown.is_as_expected());
        shown.tries.iter_mut().for_each(|one| one.made.shown.push(("ratelimit", "r=1".to_owned())));
        assert!(shown.is_as_expected());
    }
}
