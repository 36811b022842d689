//! Scenes with tokens: who the user is, whose data it is, and the issuer's change of keys.

use super::NO_ALLOW;
use crate::demo::issuer::{Bearer, Flaw, Generation};
use crate::demo::script::{Call, Deed, How, Scene, Times};
use crate::demo::workload::{Caller, Workload};

const AUDIENCE: &str = "authn.token_audience";
const CUSTOMERS: &str = "customers[0]";

/// web cancels an order in a customer's name: a rule looks at the customer's claims.
fn cancel() -> Call {
    Call::new(Caller::Of(Workload::Web), How::Sidecar, Workload::Orders, "PUT", "/orders/42/cancellation")
        .header("x-tenant", "acme")
}

pub(super) fn who_the_user_is() -> Scene {
    let alice = Bearer::alice("orders");
    let reports = |to, method, path| Call::new(Caller::Reports, How::OwnCert, to, method, path);
    Scene {
        title: "Who the user is: web acts for customers, whose tokens come along",
        calls: vec![
            cancel().bearing(alice).aside("alice, a buyer").reaches(CUSTOMERS),
            cancel().bearing(Bearer::bob("orders")).aside("bob, who is none").denied(NO_ALLOW),
            cancel()
                .bearing(alice.with(Flaw::Expired))
                .aside("expired token")
                .unauthenticated("authn.token_expired"),
            cancel()
                .bearing(alice.with(Flaw::Unsigned))
                .aside("alg: none")
                .unauthenticated("authn.token_algorithm"),
            reports(Workload::Payments, "POST", "/charges")
                .bearing(alice)
                .aside("stolen from orders")
                .unauthenticated(AUDIENCE),
            reports(Workload::Orders, "PUT", "/orders/42/cancellation")
                .header("x-tenant", "acme")
                .bearing(alice)
                .aside("stolen, not web")
                .denied(NO_ALLOW),
        ],
    }
}

pub(super) fn own_data() -> Scene {
    let web = |path| Call::new(Caller::Of(Workload::Web), How::Sidecar, Workload::Accounts, "GET", path);
    let alice = Bearer::alice("accounts");
    let export = || web("/accounts/alice/export").bearing(alice);
    Scene {
        title: "Customers' own data: no token, no answer; and two exports a minute for each customer",
        calls: vec![
            web("/accounts/alice").aside("no token").unauthenticated("authn.token_missing"),
            web("/accounts/alice")
                .bearing(Bearer::alice("orders"))
                .aside("for orders")
                .unauthenticated(AUDIENCE),
            web("/accounts/alice").bearing(alice).aside("alice").reaches("buyers[0]"),
            export().aside("alice").showing(&["ratelimit-policy", "ratelimit"]).reaches("buyers[0]"),
            export()
                .aside("alice × 2")
                .times(Times::Exactly(2))
                .at_reached("buyers[0]")
                .too_many("exports[0]"),
        ],
    }
}

pub(super) fn rotation() -> Scene {
    let first = Bearer::alice("orders");
    let second = first.signed_by(Generation::Second);
    Scene {
        title: "The issuer changes its key while calls go on",
        calls: vec![
            cancel().after(Deed::PublishSecondKey).bearing(second).aside("second key").reaches(CUSTOMERS),
            cancel().bearing(first).aside("first key").reaches(CUSTOMERS),
            cancel()
                .after(Deed::WithdrawFirstKey)
                .bearing(first)
                .aside("first key")
                .unauthenticated("authn.token_key_unknown"),
            cancel().bearing(second).aside("second key").reaches(CUSTOMERS),
        ],
    }
}
