//! The native door's proxy: plugins in a row, without a host between them.
//!
//! It does with filter state, local replies, responses and a request's end what Envoy does (the embedded host and the real Envoy of
//! the corpus prove it): whoever refuses ends the request's way, responses pass the plugins that have seen the request in reverse.

use meshward_model::{
    Decision, Edits, End, Head, Headers, LogLine, Node, Reason, Request, Seen, UnixMillis, Verdict,
};

use crate::CasesError;
use crate::case::{Planted, Server};
use crate::played::{Link, Which, configure};
use crate::station::Station;
use crate::world::World;

/// `%RESPONSE_CODE_DETAILS%` of an answer that came from the upstream.
const VIA_UPSTREAM: &[u8] = b"via_upstream";

/// A chain of configured plugins, and the world around it.
pub struct Proxy {
    stations: Vec<Station>,
    world: World,
    planted: Option<Planted>,
}

/// What one plugin decided of a request.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The plugin.
    pub which: Which,
    /// The request as it saw it.
    pub request: Request,
    /// Its verdict.
    pub verdict: Verdict,
    /// What `%RESPONSE_CODE_DETAILS%` says; empty for a request that goes on.
    pub details: String,
}

/// What came of a request.
#[derive(Debug, Clone)]
pub struct Passed {
    /// What each plugin decided that saw it.
    pub decided: Vec<Decided>,
    /// The status that the caller gets.
    pub status: u16,
    /// The headers that the plugins put into the response.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// What was written to the proxy's log since the request before.
    pub lines: Vec<LogLine>,
}

/// What plugins leave to one another of one request.
#[derive(Default)]
struct FilterState {
    handover: Option<Vec<u8>>,
    note: Option<Vec<u8>>,
}

impl Proxy {
    /// Configures every plugin; ticks and questions begin when the clock moves.
    ///
    /// # Errors
    /// When a configuration is refused, with every problem.
    pub fn new(chain: &[Link], node: &Node, now: UnixMillis, servers: &[Server]) -> Result<Self, CasesError> {
        let station = |link: &Link| {
            let played =
                configure(link, node).map_err(|refusal| CasesError::new(link.which.name(), refusal))?;
            Ok(Station::new(link.which, played, now))
        };
        let stations = chain.iter().map(station).collect::<Result<_, _>>()?;
        Ok(Self { stations, world: World::new(now, servers), planted: None })
    }

    /// The same, with another plugin that writes where the handover belongs.
    #[must_use]
    pub fn planting(self, planted: Option<Planted>) -> Self {
        Self { planted, ..self }
    }

    /// What time it is.
    pub fn now(&self) -> UnixMillis {
        self.world.now
    }

    /// So many milliseconds pass.
    pub fn wait(&mut self, millis: u64) {
        self.until(UnixMillis(self.world.now.0.saturating_add(millis)));
    }

    /// Everything happens that is due until then, in its order.
    fn until(&mut self, end: UnixMillis) {
        loop {
            let due = self.stations.iter().enumerate();
            let due = due.filter_map(|(at, station)| Some((station.next()?, at)));
            let Some((time, at)) = due.min().filter(|(time, _)| *time <= end) else { break };
            self.world.now = self.world.now.max(time);
            if let Some(station) = self.stations.get_mut(at) {
                station.turn(&mut self.world);
            }
        }
        self.world.now = self.world.now.max(end);
    }

    /// Moves a request through the chain; the upstream answers with this status if it is asked.
    pub fn pass(&mut self, mut head: Head, upstream: u16) -> Passed {
        let mut state = FilterState::default();
        let mut decided: Vec<Decided> = Vec::with_capacity(self.stations.len());
        for station in &mut self.stations {
            if let Some(planted) =
                self.planted.as_ref().filter(|one| Which::Apart(one.before) == station.which)
            {
                // Where `authn` has written nobody writes any more: it has declared the place read-only.
                state.handover.get_or_insert_with(|| planted.bytes.clone());
            }
            head.handover.clone_from(&state.handover);
            let (request, verdict) = station.decide(&mut self.world, &head);
            let verdict = state.hand_over(verdict);
            let report = station.report(&self.world, &request, &head, &verdict);
            state.note = Some(report.note.into_bytes()).filter(|note| !note.is_empty()).or(state.note);
            let refused = match &verdict.decision {
                Decision::Deny(_) => true,
                Decision::Allow(allowed) => {
                    head.headers = edited(&head.headers, &allowed.edits);
                    false
                }
            };
            decided.push(Decided { which: station.which, request, verdict, details: report.details });
            if refused {
                break;
            }
        }
        self.answer(&head, decided, upstream, state.note)
    }

    /// The response's way back, and the request's end.
    fn answer(&mut self, head: &Head, decided: Vec<Decided>, upstream: u16, note: Option<Vec<u8>>) -> Passed {
        let last = decided.last();
        let denial = last.and_then(|last| last.verdict.denial().cloned());
        let status = denial.as_ref().map_or(upstream, |denial| denial.status);
        let mut headers = denial.map(|denial| denial.headers).unwrap_or_default();
        let details = match last.map(|last| last.details.clone()) {
            Some(details) if !details.is_empty() => details.into_bytes(),
            Some(_) | None => VIA_UPSTREAM.to_vec(),
        };
        let seen: Vec<Seen> = decided
            .iter()
            .map(|one| Seen { request: Box::new(one.request.clone()), verdict: one.verdict.clone() })
            .collect();
        for (station, seen) in self.stations.iter_mut().zip(&seen).rev() {
            let edits = station.respond(&self.world, seen);
            headers.retain(|(name, _)| !edits.remove.iter().any(|gone| gone.as_bytes() == name.as_slice()));
            headers.extend(edits.add.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value)));
        }
        for (at, station) in self.stations.iter_mut().enumerate() {
            let Some(seen) = seen.get(at).cloned().or_else(|| station.witness(head)) else { continue };
            let end = End { status: Some(status), details: Some(details.clone()), note: note.clone() };
            station.observe(&mut self.world, &seen, end);
        }
        let lines = self.stations.iter_mut().flat_map(|station| core::mem::take(&mut station.lines));
        Passed { lines: lines.collect(), decided, status, headers }
    }
}

impl FilterState {
    /// Leaves what an allowed request hands over; the place is read-only, so that the first who writes there has it.
    fn hand_over(&mut self, verdict: Verdict) -> Verdict {
        let Decision::Allow(allowed) = &verdict.decision else { return verdict };
        match (&allowed.handover, &self.handover) {
            (None, _) => verdict,
            (Some(_), Some(_)) => Verdict::deny(Reason::HandoverTaken, None),
            (Some(bytes), None) => {
                self.handover = Some(bytes.clone());
                verdict
            }
        }
    }
}

/// The header map after a plugin's edits: removals first, then additions.
fn edited(headers: &Headers, edits: &Edits) -> Headers {
    if edits.is_empty() {
        return headers.clone();
    }
    let mut builder = Headers::builder();
    for (name, value) in
        headers.iter().filter(|(name, _)| !edits.remove.iter().any(|gone| gone.as_bytes() == *name))
    {
        builder.push(name, value);
    }
    for (name, value) in &edits.add {
        builder.push(name.as_bytes(), value);
    }
    builder.build()
}
