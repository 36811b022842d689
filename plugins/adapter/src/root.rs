//! A root context: one configuration of the plugin, and what its requests wait for.

use meshward_model::{
    Answer, Plugin, Question, Reason, Request, RequestId, Seed, Seen, Severity, Step, UnixMillis, Verdict,
};

use crate::act::{self, Act, Acts, Stuck};
use crate::asked::{Asked, Way};
use crate::configured::{Configured, declare_handover};
use crate::drive::{self, Drive, Pending, Settled};
use crate::hostcalls::{self, Status, Token};
use crate::moment::{Moment, Steady};
use crate::read;
use crate::report::{Metrics, log};
use crate::streams::Streams;
use crate::wire::{self, Started};
use crate::worker::{Action, refuse};

/// Hands a question to the host.
type Start = fn(&Question) -> Started;

pub(crate) struct Root<P: Plugin> {
    pub(crate) id: u32,
    pub(crate) pending: Pending,
    configured: Option<Configured<P>>,
    /// What time it was when that could last be read.
    latest: UnixMillis,
}

impl<P: Plugin> Root<P> {
    pub(crate) fn new(id: u32) -> Self {
        Self { id, pending: Pending::default(), configured: None, latest: UnixMillis::default() }
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
    pub(crate) fn request_headers(&mut self, id: RequestId, most: usize, streams: &mut Streams) -> Action {
        let Some(configured) = &mut self.configured else { return refuse(Reason::NotConfigured) };
        let Ok(now) = hostcalls::now() else { return self.refuse(None, streams) };
        self.latest = now;
        let (request, verdict) = match read::head(id, configured.plugin.needs()) {
            Ok(head) => {
                let (request, step) = configured.plugin.decide(&mut configured.state, head, now);
                match step {
                    Step::Done(verdict) => (Some(request), verdict),
                    Step::Ask(..) | Step::Wait(_) if P::ASKS => {
                        return self.begin(request, step, most, now, streams);
                    }
                    Step::Ask(..) | Step::Wait(_) => (Some(request), Verdict::deny(Reason::CannotAsk, None)),
                }
            }
            Err(read::Unreadable) => (None, Verdict::deny(Reason::RequestUnreadable, None)),
        };
        self.conclude(request, verdict, now, streams)
    }

    /// Response headers are there for a request of this root, of which this is kept.
    pub(crate) fn response_headers(&mut self, seen: &Seen) {
        let Some(configured) = &mut self.configured else { return };
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

    /// Whether it looks at how requests end.
    pub(crate) fn observes(&self) -> bool {
        self.configured.as_ref().is_some_and(|configured| configured.plugin.observes())
    }

    /// A request of this root is over, of which this was kept.
    pub(crate) fn ended(&mut self, id: RequestId, seen: Option<Seen>, most: usize) {
        let Some(configured) = &mut self.configured else { return };
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
        self.pending.forget(id);
    }

    /// The root's timer fired.
    pub(crate) fn tick(&mut self, most: usize, streams: &mut Streams) -> Acts {
        let Ok(moment) = self.moment() else { return Acts::none() };
        let Some(drive) = self.drive(most, moment) else { return Acts::none() };
        let settled = drive.tick();
        let settled = self.pending.with_held(settled);
        let acts = self.write_down(settled, self.id, moment.now, streams);
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
        streams: &mut Streams,
    ) -> Acts {
        // Without a clock the question stays where it is, and has failed when its time is up.
        let Ok(moment) = self.moment() else { return Acts::none() };
        let Some(asked) = self.pending.asked.take(way, token) else { return Acts::none() };
        let answer = read(&asked);
        let Some(drive) = self.drive(most, moment) else { return Acts::none() };
        let settled = drive.answered(asked.ticket, answer);
        let settled = self.pending.with_held(settled);
        let acts = self.write_down(settled, self.id, moment.now, streams);
        // Where it fails, what was parked before has its timer all the same.
        let _ = self.arm(false, moment.steady);
        acts
    }

    fn moment(&mut self) -> Result<Moment, Status> {
        let moment = Moment::read()?;
        self.latest = moment.now;
        Ok(moment)
    }

    /// Goes on with a request that asks.
    #[inline(never)]
    fn begin(
        &mut self,
        request: Box<Request>,
        step: Step,
        most: usize,
        now: UnixMillis,
        streams: &mut Streams,
    ) -> Action {
        let id = request.id;
        let Ok(moment) = Moment::at(now) else { return self.refuse(Some(request), streams) };
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
            Some(Settled { request, verdict }) => self.conclude(Some(request), verdict, now, streams),
            None => Action::Pause,
        }
    }

    /// Refuses the callback's own request, of which nobody could say what time it is.
    #[cold]
    fn refuse(&mut self, request: Option<Box<Request>>, streams: &mut Streams) -> Action {
        self.conclude(request, Verdict::deny(Reason::Internal, None), self.latest, streams)
    }

    /// The proxy did not let a request go on, of which nothing is counted yet: writes down that it is refused.
    pub(crate) fn stuck(&mut self, stuck: Stuck, streams: &mut Streams) {
        let Some(configured) = &mut self.configured else { return };
        let Stuck { request: id, whole } = stuck;
        let verdict = Verdict::deny(Reason::Internal, None);
        let seen = streams.seen_mut(id.0).map(|seen| {
            seen.verdict = verdict.clone();
            seen.request.clone()
        });
        let now = hostcalls::now().unwrap_or(self.latest);
        // As for any parked request, the note is written in the request's own context.
        let there = hostcalls::set_effective_context(id.0).is_ok();
        let report = configured.report(seen.or(whole).as_deref(), there, &verdict, now);
        configured.metrics.write(&report);
        if there {
            let _ = hostcalls::set_effective_context(self.id);
        }
    }

    /// Reports the verdict of the callback's own request and carries it out.
    fn conclude(
        &mut self,
        request: Option<Box<Request>>,
        mut verdict: Verdict,
        now: UnixMillis,
        streams: &mut Streams,
    ) -> Action {
        let Some(configured) = &mut self.configured else { return refuse(Reason::NotConfigured) };
        if P::HANDS_OVER {
            act::hand_over(&mut verdict, configured.hands_over);
        }
        act::edit_request(&mut verdict, true, P::EDITS);
        let action = if configured.plugin.is_quiet(&verdict) {
            let metrics = &configured.metrics;
            configured.plugin.count(request.as_deref(), &verdict, |counter| metrics.one_more(counter));
            configured.metrics.measure();
            act::carry_out(&verdict, "")
        } else {
            configured.say(request.as_deref(), &verdict, now)
        };
        if let Some(request) = request
            && configured.looks_again()
        {
            streams.keep(request.id.0, Seen { request, verdict });
        }
        action
    }

    fn drive(&mut self, most: usize, moment: Moment) -> Option<Drive<'_, P, Start>> {
        let Configured { plugin, state, .. } = self.configured.as_mut()?;
        Some(Drive::new((plugin, state), &mut self.pending, most, moment, wire::start as Start))
    }

    /// Reports the verdicts of parked requests; what is left to do with each comes back. `home` is the callback's own context.
    fn write_down(
        &mut self,
        settled: Vec<Settled>,
        home: u32,
        now: UnixMillis,
        streams: &mut Streams,
    ) -> Acts {
        self.count();
        let Some(configured) = &mut self.configured else { return Acts::none() };
        let keeps = configured.looks_again();
        let mut acts = Vec::with_capacity(settled.len());
        let mut away = false;
        for Settled { request, mut verdict } in settled {
            let id = request.id;
            // The report's parts are read and written in the request's own context.
            let there = hostcalls::set_effective_context(id.0).is_ok();
            away |= there;
            if P::HANDS_OVER && there {
                act::hand_over(&mut verdict, configured.hands_over);
            }
            act::edit_request(&mut verdict, there, P::EDITS);
            let report = configured.report(Some(&request), there, &verdict, now);
            configured.metrics.say(&report.lines);
            let tally = configured.metrics.tally(&report.counters);
            let mut act =
                Act { request: id, verdict: verdict.clone(), details: report.details, tally, whole: None };
            // One that is gone has no end any more, and nobody would take it out again.
            if keeps && there {
                streams.keep(id.0, Seen { request, verdict });
            } else {
                act.whole = Some(request);
            }
            acts.push(act);
        }
        if away {
            let _ = hostcalls::set_effective_context(home);
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
