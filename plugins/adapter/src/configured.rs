//! A plugin as it is configured, what it remembers, and what is written down of it.

use meshward_abi::property::Path;
use meshward_model::{Head, Plugin, Report, Request, Severity, UnixMillis, Verdict};

use crate::hostcalls::{self, Status};
use crate::report::{Metrics, log};
use crate::worker::Action;
use crate::{act, read};

/// A configured plugin.
pub(crate) struct Configured<P: Plugin> {
    pub(crate) plugin: P,
    pub(crate) state: P::State,
    pub(crate) metrics: Metrics,
    /// Whether what is handed over is safe from being written over.
    pub(crate) hands_over: bool,
}

impl<P: Plugin> Configured<P> {
    /// Whether the plugin looks at requests again that were decided.
    pub(crate) fn looks_again(&self) -> bool {
        (P::RESPONDS || P::OBSERVES) && (self.plugin.responds() || self.plugin.observes())
    }

    /// The configuration ends. The first heir that can takes over what is left.
    pub(crate) fn end<'a>(mut self, heirs: impl IntoIterator<Item = &'a mut Self>) {
        for heir in heirs {
            heir.plugin.inherit(&mut heir.state, &self.plugin, &mut self.state);
        }
        // Without a clock it is still counted and said; only when is not.
        let report = self.plugin.give_up(&mut self.state, hostcalls::now().unwrap_or_default());
        self.metrics.write(&report);
    }

    /// Reports a verdict of which there is something to say, and carries it out.
    #[cold]
    pub(crate) fn say(&mut self, request: Option<&Request>, verdict: &Verdict, now: UnixMillis) -> Action {
        let report = self.report(request, true, verdict, now);
        self.metrics.write(&report);
        self.metrics.measure();
        act::carry_out(verdict, &report.details)
    }

    /// Makes the report of a verdict, and leaves its note. `there`: what the report wants can be read, and a note be left.
    pub(crate) fn report(
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
pub(crate) fn declare_handover() -> bool {
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
