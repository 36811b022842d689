//! The script: all calls, good and bad, each with its outcome and with what decides.

mod stuffing;
mod users;

use super::script::{Call, How, Scene};
use super::workload::{Caller, Workload};

const NO_ALLOW: &str = "authz.no_allow_match";
const PATH_REFUSED: &str = "authz.path_refused";
const LOCKDOWN: &str = "admin-lockdown[0]";
const ISOLATION: &str = "namespace-isolation[0]";

/// The whole script.
pub(super) fn all() -> Vec<Scene> {
    vec![
        from_outside(),
        inside(),
        administration(),
        path_tricks(),
        false_identity(),
        money(),
        users::who_the_user_is(),
        users::own_data(),
        users::rotation(),
        stuffing::stuffing(),
        stuffing::release(),
    ]
}

fn from_outside() -> Scene {
    let customer = |method, path| Call::new(Caller::Customer, How::NoCert, Workload::Gateway, method, path);
    let preflight = |origin| {
        customer("OPTIONS", "/shop/cart")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
    };
    Scene {
        title: "From outside, through the ingress gateway to web",
        calls: vec![
            customer("GET", "/shop/cart").reaches("public-routes[0]"),
            customer("GET", "/shop/cart")
                .host("SHOP.Example.com.:443")
                .aside("SHOP.Example.com.:443")
                .reaches("public-routes[0]"),
            preflight("https://shop.example.com").aside("our origin").reaches("cors-preflight[0]"),
            preflight("https://evil.example").aside("evil origin").denied(NO_ALLOW),
            customer("GET", "/shop/../admin").aside("Envoy: /admin").denied("admin-stays-inside[0]"),
        ],
    }
}

fn inside() -> Scene {
    let web = |method, path| {
        Call::new(Caller::Of(Workload::Web), How::Sidecar, Workload::Orders, method, path)
            .header("x-tenant", "acme")
    };
    let reports = |method, path| Call::new(Caller::Reports, How::OwnCert, Workload::Orders, method, path);
    let kubelet = |path| Call::new(Caller::Kubelet, How::ProbePort, Workload::Orders, "GET", path);
    Scene {
        title: "Inside the mesh: each may do its own work",
        calls: vec![
            web("GET", "/orders/42").reaches("callers[0]"),
            web("DELETE", "/orders/42").denied(NO_ALLOW),
            reports("GET", "/orders").aside("no x-tenant").reaches("callers[1]"),
            reports("POST", "/orders").aside("read-only caller").denied(NO_ALLOW),
            kubelet("/healthz").reaches("health-probe[0]"),
            kubelet("/orders/42").denied(ISOLATION),
        ],
    }
}

fn administration() -> Scene {
    let console = || Call::new(Caller::Console, How::OwnCert, Workload::Orders, "POST", "/admin/refunds");
    let web = |method, path| {
        Call::new(Caller::Of(Workload::Web), How::Sidecar, Workload::Orders, method, path)
            .denied(LOCKDOWN)
            .leans_on_sabotaged()
    };
    Scene {
        title: "Administration is locked down, though web may otherwise call all of orders",
        calls: vec![
            console().header("x-change-ticket", "CHG-7").aside("with ticket").reaches("callers[3]"),
            console()
                .header("x-change-ticket", "CHG-7")
                .header("x-change-ticket", "none")
                .aside("two tickets")
                .denied(NO_ALLOW),
            web("GET", "/admin/users"),
            web("POST", "/admin/refunds").header("x-change-ticket", "CHG-7").aside("with ticket"),
        ],
    }
}

/// Orders' Envoy does not normalise paths, so these arrive as they were sent. Each could be read as `/admin/users` by some server.
fn path_tricks() -> Scene {
    let trick = |path| {
        Call::new(Caller::Of(Workload::Web), How::OwnCert, Workload::Orders, "GET", path)
            .ambiguous(PATH_REFUSED)
    };
    Scene {
        title: "Path tricks around the lock-down, with web's own certificate and no sidecar",
        calls: vec![
            trick("//admin/users"),
            trick("/orders/../admin/users"),
            trick("/%2e%2e/admin/users"),
            trick("/orders%2f..%2fadmin/users"),
            trick("/admin;v=1/users"),
        ],
    }
}

fn false_identity() -> Scene {
    let call = |from, how| Call::new(from, how, Workload::Orders, "GET", "/orders/42");
    Scene {
        title: "No identity, a false one, or a stale one",
        calls: vec![
            call(Caller::Mallory, How::Plaintext),
            call(Caller::Mallory, How::ForeignCa).aside("as shop/web"),
            call(Caller::Of(Workload::Web), How::Expired),
            call(Caller::Of(Workload::Gateway), How::OwnCert)
                .header(
                    "x-forwarded-client-cert",
                    "By=spiffe://mesh.local/ns/shop/sa/orders;URI=spiffe://mesh.local/ns/shop/sa/web",
                )
                .header("x-source-namespace", "shop")
                .aside("forged XFCC")
                .denied(ISOLATION),
        ],
    }
}

fn money() -> Scene {
    let call = |from, method, path| Call::new(from, How::Sidecar, Workload::Payments, method, path);
    let grpc = |path| {
        call(Caller::Of(Workload::Orders), "POST", path)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
    };
    Scene {
        title: "Money, in a namespace of its own",
        calls: vec![
            call(Caller::Of(Workload::Orders), "POST", "/charges").reaches("charges[0]"),
            call(Caller::Of(Workload::Web), "POST", "/charges").aside("wrong identity").denied(NO_ALLOW),
            grpc("/bank.v1.Payments/Refund").aside("gRPC").denied_grpc(NO_ALLOW),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::script::Outcome;

    #[test]
    fn the_script_has_good_and_bad_calls_and_some_lean_on_the_sabotaged_rule() {
        let calls: Vec<Call> = all().into_iter().flat_map(|scene| scene.calls).collect();
        let good = calls.iter().filter(|call| call.expected == Outcome::Reached).count();
        assert!(good >= 7 && calls.len() - good >= 15, "{good} of {}", calls.len());
        assert!(calls.iter().any(|call| call.leans_on_sabotaged));
    }
}
