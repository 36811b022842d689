//! Scenes of a caller that tries stolen and made-up tokens until one fits: credential stuffing, slowed down, then stopped.

use crate::demo::issuer::{Bearer, Flaw, Generation};
use crate::demo::script::{Call, Deed, How, Scene, Times};
use crate::demo::workload::{Caller, Workload};

const FORGED: &str = "authn.token_signature";
const THROTTLED: &str = "penalty.throttled";
const QUARANTINED: &str = "penalty.quarantined";

fn scraper() -> Call {
    Call::new(Caller::Scraper, How::OwnCert, Workload::Orders, "GET", "/prices")
}

fn honest() -> [Call; 2] {
    let alice = Bearer::alice("orders").signed_by(Generation::Second);
    let web = Call::new(Caller::Of(Workload::Web), How::Sidecar, Workload::Orders, "GET", "/orders/42");
    let reports = Call::new(Caller::Reports, How::OwnCert, Workload::Orders, "GET", "/orders");
    [web.bearing(alice).reaches("callers[0]"), reports.reaches("callers[1]")]
        .map(|call| call.header("x-tenant", "acme").aside("meanwhile").times(Times::Beside))
}

/// Every call of the scraper is followed by honest ones, which must not feel anything of it.
pub(super) fn stuffing() -> Scene {
    let forged = Bearer::alice("orders").signed_by(Generation::Second).with(Flaw::Forged);
    let attempts = || scraper().bearing(forged).aside("forged tokens");
    let mut calls = vec![attempts().times(Times::Until).at_first(401, FORGED).too_many(THROTTLED)];
    calls.extend(honest());
    calls.push(
        attempts().times(Times::Until).at_first(401, FORGED).at_first(429, THROTTLED).too_many(QUARANTINED),
    );
    calls.extend(honest());
    calls.push(scraper().aside("no token").times(Times::Exactly(3)).too_many(QUARANTINED));
    calls.extend(honest());
    Scene {
        title: "Credential stuffing from inside: throttled, then quarantined, among honest callers",
        calls,
    }
}

pub(super) fn release() -> Scene {
    Scene {
        title: "And released: what it may do, it may do again",
        calls: vec![scraper().after(Deed::AwaitRelease).reaches("callers[4]")],
    }
}
