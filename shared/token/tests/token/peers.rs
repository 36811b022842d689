//! What the connection must bring.

use meshward_model::{Anonymous, Peer, Reason, SpiffeId};
use serde_json::json;

use crate::bench::{Bench, good, inline, key, reason};

fn spiffe(id: &str) -> Peer {
    Peer::Spiffe(SpiffeId::parse(id.as_bytes()).expect("a SPIFFE ID"))
}

fn verdict(bench: &mut Bench, peer: Peer) -> Reason {
    let mut request = bench.request(&[]);
    request.peer = peer;
    let step = bench.decide(&mut request);
    if let meshward_model::Step::Done(verdict) = &step
        && let Some(denial) = verdict.denial()
    {
        assert_eq!((denial.status, denial.headers.len()), (403, 0));
    }
    reason(&step)
}

#[test]
fn where_mutual_tls_is_required_a_caller_must_have_a_verified_name() {
    let mut bench = Bench::of_spec(&json!({"mtls": {"required": true}}));
    for (peer, wanted) in [
        (spiffe("spiffe://cluster.local/ns/shop/sa/web"), Reason::Authenticated),
        (spiffe("spiffe://elsewhere/web"), Reason::Authenticated),
        (Peer::Anonymous(Anonymous::NoIdentity), Reason::MtlsRequired),
        (Peer::Anonymous(Anonymous::Unread), Reason::MtlsRequired),
        (Peer::Anonymous(Anonymous::Unverified), Reason::PeerUnverified),
    ] {
        assert_eq!(verdict(&mut bench, peer.clone()), wanted, "{peer:?}");
    }
}

#[test]
fn a_trust_domain_is_permitted_by_its_whole_name() {
    let domains = json!(["cluster.local", "partner.example"]);
    let mut required = Bench::of_spec(&json!({"mtls": {"required": true, "trustDomains": domains}}));
    let mut optional = Bench::of_spec(&json!({"mtls": {"required": false, "trustDomains": domains}}));
    for bench in [&mut required, &mut optional] {
        for permitted in ["spiffe://cluster.local/ns/shop/sa/web", "spiffe://partner.example/a"] {
            assert_eq!(verdict(bench, spiffe(permitted)), Reason::Authenticated, "{permitted}");
        }
        for foreign in ["spiffe://cluster.locals/a", "spiffe://xcluster.local/a", "spiffe://local/a"] {
            assert_eq!(verdict(bench, spiffe(foreign)), Reason::TrustDomainForeign, "{foreign}");
        }
    }
    assert_eq!(verdict(&mut required, Peer::Anonymous(Anonymous::NoIdentity)), Reason::MtlsRequired);
    // Where it is not required, nobody is nobody; a policy decides what that may do.
    assert_eq!(verdict(&mut optional, Peer::Anonymous(Anonymous::NoIdentity)), Reason::Authenticated);
    assert_eq!(verdict(&mut optional, Peer::Anonymous(Anonymous::Unverified)), Reason::Authenticated);
}

#[test]
fn the_certificate_comes_before_the_token() {
    let key = key("ec-1");
    let jwt = json!({"required": true, "issuers": [inline(&[&key])]});
    let mut bench = Bench::of_spec(&json!({"mtls": {"required": true}, "jwt": jwt}));
    let token = good(&key).text();
    let mut request = bench.bearer(&token);
    assert_eq!(reason(&bench.decide(&mut request)), Reason::MtlsRequired);
    assert_eq!(request.token, None);
    request.peer = spiffe("spiffe://cluster.local/ns/shop/sa/web");
    assert_eq!(reason(&bench.decide(&mut request)), Reason::Authenticated);
    let mut without = bench.request(&[]);
    without.peer = spiffe("spiffe://cluster.local/ns/shop/sa/web");
    assert_eq!(reason(&bench.decide(&mut without)), Reason::TokenMissing);
}
