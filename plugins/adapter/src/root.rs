//! A root context: one configuration of the plugin, and what its requests wait for.

use std::collections::HashMap;

use meshward_abi::property::Path;
use meshward_model::{
    Answer, Head, Plugin, Question, Reason, Report, Request, RequestId, Seed, Seen, Severity, Step,
    UnixMillis, Verdict,
};

use crate::act::{self, Act, Acts, Stuck};
use crate::asked::{Asked, Way};
use crate::drive::{self, Drive, Pending, Settled};
use crate::hostcalls::{self, Status, Token};
use crate::moment::{Moment, Steady};
use crate::read;
use crate::report::{Metrics, log};
use crate::wire::{self, Started};
use crate::worker::{Action, Contexts, refuse};

/// Hands a question to the host.
type Start = fn(&Question) -> Started;

pub(crate) struct Root<P: Plugin> {
    pub(crate) id: u32,
    pub(crate) pending: Pending,
    configured: Option<Configured<P>>,
    /// What time it was when that could last be read.
    latest: UnixMillis,
    /// Requests that were decided and are not over, where the plugin looks at responses or ends.
    seen: HashMap<u32, Seen, Contexts>,
}

struct Configured<P: Plugin> {
    plugin: P,
    state: P::State,
    metrics: Metrics,
    /// Whether what is handed over is safe from being written over.
    hands_over: bool,
}

impl<P: Plugin> Root<P> {
    pub(crate) fn new(id: u32) -> Self {
        let (pending, seen) = (Pending::default(), HashMap::default());
        Self { id, pending, configured: None, latest: UnixMillis::default(), seen }
    }

    /// Takes a plugin in, in the place of the one before.
    pub(crate) fn configure(&mut self, plugin: P) {
        let mut metrics = Metrics::define::<P>();
        metrics.measure();
        self.latest = hostcalls::now().unwrap_or(self.latest);
        let period = if P::ASKS { plugin.tick_period_millis() } else { 0 };
        // Where there is no chance to be had, the state is made without: what is decided does not depend on it.
        let state = plugin.state(Seed(hostcalls::random().unwrap_or_default()));
        let hands_over = P::HANDS_OVER && declare_handover();
        let mut configured = Configured { plugin, state, metrics, hands_over };
        if P::ASKS
            && let Some(before) = self.configured.take()
        {
            before.end([&mut configured]);
        }
        self.configured = Some(configured);
        if P::ASKS {
            // A clock that fails now is asked again by whatever comes next; the timer then fires once more, at worst.
            let now = hostcalls::steady_millis().map(Steady).unwrap_or_default();
            self.pending.configured(period, now);
            // Where it fails, it is tried again with the next request that is parked.
            let _ = self.arm(false, now);
        }
    }

    /// Request headers are there; this root may have `most` requests parked.
    pub(crate) fn request_headers(&mut self, id: RequestId, most: usize) -> Action {
        let Some(configured) = &mut self.configured else { return refuse(Reason::NotConfigured) };
        let Ok(now) = hostcalls::now() else { return self.refuse(None) };
        self.latest = now;
        let (request, verdict) = match read::head(id, configured.plugin.needs()) {
            Ok(head) => {
                let (request, step) = configured.plugin.decide(&mut configured.state, head, now);
                match step {
                    Step::Done(verdict) => (Some(request), verdict),
                    Step::Ask(..) | Step::Wait(_) if P::ASKS => return self.begin(request, step, most, now),
                    Step::Ask(..) | Step::Wait(_) => (Some(request), Verdict::deny(Reason::CannotAsk, None)),
                }
            }
            Err(read::Unreadable) => (None, Verdict::deny(Reason::RequestUnreadable, None)),
        };
        self.conclude(request, verdict, now)
    }

    /// Response headers are there for a request of this root.
    pub(crate) fn response_headers(&mut self, id: RequestId) {
        let (Some(configured), Some(seen)) = (&mut self.configured, self.seen.get(&id.0)) else { return };
        if !configured.plugin.responds() {
            return;
        }
        // Without a clock nothing is added.
        let Ok(now) = hostcalls::now() else { return };
        let edits = configured.plugin.respond(&mut configured.state, seen, now);
        if !edits.is_empty() {
            act::respond(&edits);
        }
    }

    /// A request of this root is over.
    pub(crate) fn ended(&mut self, id: RequestId, most: usize) {
        let seen = self.seen.remove(&id.0);
        let Some(configured) = self.configured.as_mut().filter(|configured| configured.plugin.observes())
        else {
            return;
        };
        // A filter before this one has refused the request; what it was can still be read.
        let unseen = || {
            read::head(id, configured.plugin.needs()).ok().and_then(|head| configured.plugin.witness(head))
        };
        let seen = if P::WATCHES { seen.or_else(unseen) } else { seen };
        let Some(seen) = seen else { return };
        let Ok(now) = hostcalls::now() else { return };
        self.latest = now;
        let status = read::status();
        let end = read::end(status, configured.plugin.end_needs(&seen, status));
        let done = configured.plugin.observe(&mut configured.state, &seen, &end, now);
        // Without the other clock nothing is asked; what is written down is. Most have nothing to ask.
        let asks = P::ASKS && !done.questions.is_empty();
        let moment = if asks { Moment::at(now).ok() } else { None };
        let Some((moment, drive)) = moment.and_then(|moment| Some((moment, self.drive(most, moment)?)))
        else {
            if let Some(configured) = &self.configured {
                configured.metrics.write(&done.report);
            }
            return;
        };
        let settled = drive.ended(done);
        self.pending.hold(settled);
        self.count();
        // Where it fails, it is tried again with whatever comes next.
        let _ = self.arm(false, moment.steady);
    }

    /// This root has ended; what it still had to do goes to one of the others, or is given up.
    pub(crate) fn end(mut self, others: &mut [Self]) {
        self.count();
        if let Some(configured) = self.configured {
            configured.end(others.iter_mut().filter_map(|other| other.configured.as_mut()));
        }
    }

    /// A request of this root is gone.
    pub(crate) fn forget(&mut self, id: RequestId) {
        self.seen.remove(&id.0);
        self.pending.forget(id);
    }

    /// The root's timer fired.
    pub(crate) fn tick(&mut self, most: usize) -> Acts {
        let Ok(moment) = self.moment() else { return Acts::none() };
        let Some(drive) = self.drive(most, moment) else { return Acts::none() };
        let settled = drive.tick();
        let settled = self.pending.with_held(settled);
        let acts = self.write_down(settled, self.id, moment.now);
        // Where it fails, the host's timer goes on as it was.
        let _ = self.arm(true, moment.steady);
        acts
    }

    /// A call ended; `read` makes the answer of what the host hands over. A call that is not known is nobody's.
    pub(crate) fn answered(
        &mut self,
        (way, token): (Way, Token),
        most: usize,
        read: impl FnOnce(&Asked) -> Answer,
    ) -> Acts {
        // Without a clock the question stays where it is, and has failed when its time is up.
        let Ok(moment) = self.moment() else { return Acts::none() };
        let Some(asked) = self.pending.asked.take(way, token) else { return Acts::none() };
        let answer = read(&asked);
        let Some(drive) = self.drive(most, moment) else { return Acts::none() };
        let settled = drive.answered(asked.ticket, answer);
        let settled = self.pending.with_held(settled);
        let acts = self.write_down(settled, self.id, moment.now);
        // Where it fails, what was parked before has its timer all the same.
        let _ = self.arm(false, moment.steady);
        acts
    }

    fn moment(&mut self) -> Result<Moment, Status> {
        let moment = Moment::read()?;
        self.latest = moment.now;
        Ok(moment)
    }

    fn begin(&mut self, request: Request, step: Step, most: usize, now: UnixMillis) -> Action {
        let id = request.id;
        let Ok(moment) = Moment::at(now) else { return self.refuse(Some(request)) };
        let Some(drive) = self.drive(most, moment) else { return refuse(Reason::NotConfigured) };
        let mut settled = drive.begin(request, step);
        let own = drive::take(&mut settled, id);
        self.pending.hold(settled);
        self.count();
        let own = match (own, self.arm(false, moment.steady)) {
            // Without the timer nobody would end the wait.
            (None, Err(_)) => self.pending.parked.remove(id).map(|parked| Settled {
                request: parked.request,
                verdict: Verdict::deny(Reason::Internal, None),
            }),
            (own, Ok(()) | Err(_)) => own,
        };
        match own {
            Some(Settled { request, verdict }) => self.conclude(Some(request), verdict, now),
            None => Action::Pause,
        }
    }

    /// Refuses the callback's own request, of which nobody could say what time it is.
    fn refuse(&mut self, request: Option<Request>) -> Action {
        self.conclude(request, Verdict::deny(Reason::Internal, None), self.latest)
    }

    /// The proxy did not let a request go on, of which nothing is counted yet: writes down that it is refused.
    pub(crate) fn stuck(&mut self, stuck: Stuck) {
        let Some(configured) = &mut self.configured else { return };
        let Stuck { request: id, whole } = stuck;
        let verdict = Verdict::deny(Reason::Internal, None);
        let seen = self.seen.get_mut(&id.0).map(|seen| {
            seen.verdict = verdict.clone();
            seen.request.clone()
        });
        let now = hostcalls::now().unwrap_or(self.latest);
        // As for any parked request, the note is written in the request's own context.
        let there = hostcalls::set_effective_context(id.0).is_ok();
        let report = configured.report(seen.or(whole).as_ref(), there, &verdict, now);
        configured.metrics.write(&report);
        if there {
            let _ = hostcalls::set_effective_context(self.id);
        }
    }

    /// Reports the verdict of the callback's own request and carries it out.
    fn conclude(&mut self, request: Option<Request>, verdict: Verdict, now: UnixMillis) -> Action {
        let Some(configured) = &mut self.configured else { return refuse(Reason::NotConfigured) };
        let verdict = if P::HANDS_OVER { act::hand_over(verdict, configured.hands_over) } else { verdict };
        let verdict = act::edit_request(verdict, true, P::EDITS);
        let report = configured.report(request.as_ref(), true, &verdict, now);
        configured.metrics.write(&report);
        configured.metrics.measure();
        let action = act::carry_out(&verdict, &report.details);
        self.keep(request, verdict);
        action
    }

    /// Keeps what was decided, where the plugin looks at it again.
    fn keep(&mut self, request: Option<Request>, verdict: Verdict) {
        if self.configured.as_ref().is_some_and(|configured| looks_again(&configured.plugin))
            && let Some(request) = request
        {
            self.seen.insert(request.id.0, Seen { request, verdict });
        }
    }

    fn drive(&mut self, most: usize, moment: Moment) -> Option<Drive<'_, P, Start>> {
        let Configured { plugin, state, .. } = self.configured.as_mut()?;
        Some(Drive::new((plugin, state), &mut self.pending, most, moment, wire::start as Start))
    }

    /// Reports the verdicts of parked requests; what is left to do with each comes back. `home` is the callback's own context.
    fn write_down(&mut self, settled: Vec<Settled>, home: u32, now: UnixMillis) -> Acts {
        self.count();
        let Some(configured) = &mut self.configured else { return Acts::none() };
        let keeps = looks_again(&configured.plugin);
        let mut acts = Vec::with_capacity(settled.len());
        let mut seen = Vec::new();
        let mut away = false;
        for Settled { request, verdict } in settled {
            let id = request.id;
            // The report's parts are read and written in the request's own context.
            let there = hostcalls::set_effective_context(id.0).is_ok();
            away |= there;
            let verdict =
                if P::HANDS_OVER && there { act::hand_over(verdict, configured.hands_over) } else { verdict };
            let verdict = act::edit_request(verdict, there, P::EDITS);
            let report = configured.report(Some(&request), there, &verdict, now);
            configured.metrics.say(&report.lines);
            let tally = configured.metrics.tally(&report.counters);
            let mut act =
                Act { request: id, verdict: verdict.clone(), details: report.details, tally, whole: None };
            // One that is gone has no end any more, and nobody would take it out again.
            if keeps && there {
                seen.push((request, verdict));
            } else {
                act.whole = Some(request);
            }
            acts.push(act);
        }
        if away {
            let _ = hostcalls::set_effective_context(home);
        }
        for (request, verdict) in seen {
            self.keep(Some(request), verdict);
        }
        Acts::new(home, acts)
    }

    /// Counts what has happened since the last time.
    fn count(&mut self) {
        if let Some(configured) = &mut self.configured {
            configured.metrics.count(core::mem::take(&mut self.pending.counts));
            configured.metrics.write(&core::mem::take(&mut self.pending.report));
            configured.metrics.measure();
        }
    }

    /// Sets the host's timer for what is due next.
    fn arm(&mut self, exactly: bool, now: Steady) -> Result<(), Status> {
        let earliest = self.pending.earliest();
        let Some(millis) = self.pending.alarm.wanted(earliest, exactly, now) else { return Ok(()) };
        let set = hostcalls::set_tick_period(millis);
        match set {
            Ok(()) => self.pending.alarm.set(millis, now),
            Err(status) => {
                let line = format!("meshward: the proxy does not set the timer (status {})", status.0);
                log(Severity::Error, &line);
            }
        }
        set
    }
}

/// Whether the plugin looks at requests again that were decided.
fn looks_again<P: Plugin>(plugin: &P) -> bool {
    (P::RESPONDS || P::OBSERVES) && (plugin.responds() || plugin.observes())
}

impl<P: Plugin> Configured<P> {
    /// The configuration ends. The first heir that can takes over what is left.
    fn end<'a>(mut self, heirs: impl IntoIterator<Item = &'a mut Self>) {
        for heir in heirs {
            heir.plugin.inherit(&mut heir.state, &self.plugin, &mut self.state);
        }
        // Without a clock it is still counted and said; only when is not.
        let report = self.plugin.give_up(&mut self.state, hostcalls::now().unwrap_or_default());
        self.metrics.write(&report);
    }

    /// Makes the report of a verdict, and leaves its note. `there`: what the report wants can be read, and a note be left.
    fn report(
        &mut self,
        request: Option<&Request>,
        there: bool,
        verdict: &Verdict,
        now: UnixMillis,
    ) -> Report {
        let wants = self.plugin.wants(verdict);
        let more = match request {
            Some(request) if there && !wants.is_empty() => {
                // What cannot be read is missing in the report; the verdict stands.
                read::head(request.id, wants).unwrap_or_default()
            }
            Some(_) | None => Head::default(),
        };
        let mut report = self.plugin.report(&mut self.state, request, &more, verdict, now);
        if !report.note.is_empty() {
            let left = there && hostcalls::set_property(Path::NOTE, report.note.as_bytes()).is_ok();
            // A note that cannot be left is missing in the access log; the verdict stands, and its event is written here.
            if !left {
                report.lines.extend(self.plugin.unnoted(&mut self.state, request, &more, verdict, now));
            }
        }
        report
    }
}

/// Makes the handover's place read-only, for the life of a filter chain, and says whether it is. It may have been declared before,
/// by another root of this VM. Where the host has no such function or refuses, any filter could write over what is handed over: it is
/// said in the log, and nothing is handed over.
fn declare_handover() -> bool {
    let argument = meshward_abi::declare_property::read_only(Path::HANDOVER);
    match hostcalls::call(meshward_abi::declare_property::FUNCTION, &argument) {
        Ok(_) | Err(Status::BAD_ARGUMENT) => true,
        Err(status) => {
            let line = format!(
                "meshward: the proxy does not keep the handover from being written over (status {}): requests are refused",
                status.0
            );
            log(Severity::Error, &line);
            false
        }
    }
}
