//! Detection Finding, class 2004: what is concluded of a caller, and what became of it.

use meshward_model::{Change, Finding, SpiffeId};

use super::Context;
use super::decision::PROFILE;
use super::judgement::of_finding;
use super::parts::{self, Class};
use crate::json::Object;
use crate::text::printable;

const MAX_CALLER: usize = 512;

/// What the finding is called.
pub(super) const fn code(change: Change) -> &'static str {
    match change {
        Change::Noted => "penalty.noted",
        Change::Throttled => "penalty.throttled",
        Change::Quarantined { .. } => "penalty.quarantined",
        Change::Released => "penalty.released",
    }
}

pub(super) fn write(record: &mut Object<'_>, finding: &Finding, context: &Context<'_>) {
    let (what, activity_id) = match finding.change {
        Change::Noted => ("conspicuous", 1),
        Change::Throttled => ("throttled", 1),
        Change::Quarantined { .. } => ("quarantined", 1),
        Change::Released => ("released", 3),
    };
    let code = code(finding.change);
    let class = Class { uid: 2004, name: "Detection Finding", category_uid: 2, activity_id };
    let judgement = of_finding(finding);
    let caller = printable(finding.caller.as_bytes(), MAX_CALLER);
    let simulated = if finding.simulated { " (simulated)" } else { "" };
    let by = finding.detector.map(|detector| format!(" by {detector}")).unwrap_or_default();
    let message = format!(
        "caller {caller} {what}{simulated}{by}: score {} of {}, strike {}",
        finding.score, finding.threshold, finding.strikes
    );
    parts::base(record, &class, finding.time, judgement.severity_id, &message);
    parts::judged(record, &judgement, code);
    record.number("risk_score", finding.score.into());
    {
        let mut info = record.object("finding_info");
        info.text("uid", &finding.id).text("title", &format!("caller {what}"));
        if let Some(detector) = finding.detector {
            info.object("analytic").text("name", detector).text("uid", detector).number("type_id", 1);
        }
    }
    record.objects("evidences", core::iter::once(()), |(), evidence| {
        let mut endpoint = evidence.object("src_endpoint");
        match SpiffeId::parse(caller.as_bytes()) {
            Ok(id) => endpoint.text("uid", id.as_str()).text_if_any("svc_name", &parts::account(&id)),
            Err(_) => endpoint.text("ip", &caller),
        };
    });
    if let Change::Quarantined { until } = finding.change {
        let mut rule = record.object("firewall_rule");
        rule.text("name", "quarantine").text("type", "penalty");
        rule.number("duration", until.0.saturating_sub(finding.time.0).div_ceil(1000));
    }
    {
        let mut unmapped = record.object("unmapped");
        unmapped.number("threshold", finding.threshold.into()).number("strikes", finding.strikes.into());
        unmapped.flag("simulated", finding.simulated);
        if let Change::Quarantined { until } = finding.change {
            unmapped.number("until", until.0);
        }
    }
    parts::metadata(record, context, Some(PROFILE), code, "");
}
