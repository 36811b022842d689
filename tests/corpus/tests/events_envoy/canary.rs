//! A secret in every place where a caller (or an upstream, or an issuer) may put one: it is written down nowhere but where the
//! operator asks for it.

mod chains;
mod places;
mod seen;
mod tokens;

use super::setup::{Scene, WITHIN, counted};
use chains::{Around, Chain, STATUS, WEB, WHERE};
use meshward_corpus::engines;
use meshward_harness::certs::{Identity, Leaf};
use meshward_harness::client::{Client, ClientError, RawRequest, Response, TlsOptions};
use meshward_harness::envoy::Envoy;
use meshward_harness::poll;
use places::Place;
use seen::Seen;
use serde_json::json;
use std::path::Path;
use tokens::Tokens;

const SECRET: &str = "cAnArY7c0ffee";
/// The path that the configurations name.
const PATH: &str = "/v1/orders";
/// Who misbehaves.
const MALLORY: &str = "spiffe://cluster.local/ns/shop/sa/mallory";
/// The request ID of the last request of a chain.
const LAST: &str = "abcdef01";

/// What stands around the chains while they are looked at.
struct Stage {
    scene: Scene,
    around: Around,
    chains: Vec<Chain>,
    tokens: Tokens,
    envoy: Envoy,
}

impl Stage {
    /// One in each Envoy.
    fn each(chains: impl Fn(&Scene, &Tokens) -> Vec<Chain>, look: impl Fn(&Self)) {
        for binary in [engines::main(), engines::second()] {
            look(&Self::new(&binary.unwrap_or_else(|remedy| panic!("{remedy}")), &chains));
        }
    }

    fn new(binary: &Path, chains: impl Fn(&Scene, &Tokens) -> Vec<Chain>) -> Self {
        let (scene, tokens, around) = (Scene::new(), Tokens::new(), Around::new(SECRET));
        let chains = chains(&scene, &tokens);
        let listeners = chains.iter().map(|chain| around.listener(&scene, chain)).collect();
        let bootstrap = scene.bootstrap(listeners);
        let bootstrap = around.clusters().into_iter().fold(bootstrap, |all, cluster| all.cluster(cluster));
        let envoy = Envoy::builder(binary).bootstrap(&bootstrap).concurrency(1).start();
        let envoy = envoy.unwrap_or_else(|error| panic!("{error}"));
        Self { scene, around, chains, tokens, envoy }
    }

    /// A caller whose certificate holds the secret in every name but the first URI.
    fn caller(&self, name: &str) -> Identity {
        let leaf = Leaf::uri(name).and_uri(format!("urn:{SECRET}"));
        let leaf = leaf.and_dns(&format!("{SECRET}.test")).common_name(SECRET);
        self.around.ca.issue(&leaf).expect("a certificate")
    }

    /// Sends over a connection of its own, whose SNI is the secret. Envoy may refuse what is no HTTP by closing.
    fn send(chain: &Chain, caller: Option<&Identity>, request: &RawRequest) -> Result<Response, ClientError> {
        let options = caller.map_or_else(TlsOptions::anonymous, TlsOptions::presenting).resumption(false);
        let options = TlsOptions { server_name: format!("{}.test", SECRET.to_lowercase()), ..options };
        Client::tls(chain.port.address(), &options).expect("a client").send(request)
    }

    /// Every place, as this caller, to be refused first, then to go as far as it can, twice.
    fn try_all(&self, chain: &Chain, caller: &Identity) {
        for Place { name, request } in places::all(&self.tokens) {
            let through = request.clone().header(WHERE, "through");
            for request in [&request, &through, &through] {
                let answer = Self::send(chain, Some(caller), request);
                assert!(answer.is_ok(), "{}: {name}: {answer:?}", chain.name);
            }
        }
        for status in ["401", "403", "404", "500"] {
            let request = places::plain().header(STATUS, status).header(WHERE, "through");
            let request = tokens::carrying(request, &self.tokens.good()).header("x-key", status);
            assert!(Self::send(chain, Some(caller), &request).is_ok());
        }
    }

    /// Callers that are refused for what they are.
    fn try_peers(&self, chain: &Chain) {
        let of = |name: String| self.caller(&name);
        let dns = Leaf::nameless().and_dns(&format!("{SECRET}.test")).common_name(SECRET);
        let peers = [
            Some(of(format!("spiffe://cluster.local/ns/shop/sa/../{SECRET}"))),
            Some(of(format!("https://{SECRET}.example/"))),
            Some(of(format!("spiffe://{SECRET}/ns/shop/sa/web"))),
            Some(self.around.ca.issue(&dns).expect("a certificate")),
            None,
        ];
        for peer in &peers {
            let request = tokens::carrying(places::plain(), &self.tokens.good());
            assert!(Self::send(chain, peer.as_ref(), &request).is_ok());
        }
    }

    /// Fails to authenticate until nothing is let through any more.
    fn quarantine(chain: &Chain, caller: &Identity) {
        let request =
            places::plain().header(STATUS, "401").header("authorization", format!("Bearer {SECRET}"));
        // Who is slowed down may come again in a second; who is in quarantine waits longer, or comes free.
        poll::until("a quarantine", WITHIN, || {
            let answer = Self::send(chain, Some(caller), &request).ok()?;
            (answer.status == 429 && answer.header("ratelimit").is_none()).then_some(())
        })
        .unwrap_or_else(|error| panic!("{}: {error}", chain.name));
    }

    /// What was written down of a chain, once its last request is.
    fn seen(&self, chain: &Chain, caller: &Identity, sent: bool) -> Seen {
        let last = places::plain().header("x-request-id", LAST).header("authorization", SECRET);
        assert!(Self::send(chain, Some(caller), &last).is_ok());
        Seen::settled(&self.scene, &self.envoy, chain.port.address().port(), sent)
    }

    fn shows_no_secret(&self) {
        let seen = self.around.upstream.seen();
        assert!(seen.len() > 10, "answers of the upstream were to be observed: {}", seen.len());
        seen::shows_no_secret(&self.scene, &self.envoy);
    }
}

#[test]
fn a_secret_in_any_place_is_in_nothing_that_a_plugin_alone_writes() {
    Stage::each(Chain::alone, |stage| {
        let (web, mallory) = (stage.caller(WEB), stage.caller(MALLORY));
        for chain in &stage.chains {
            let caller = if chain.name == "penalty" {
                Stage::quarantine(chain, &mallory);
                &mallory
            } else {
                &web
            };
            stage.try_all(chain, caller);
            stage.try_peers(chain);
            let seen = stage.seen(chain, caller, false);
            seen.has(match chain.name {
                "authn" => &seen::AUTHN,
                "authz" => &seen::AUTHZ,
                "penalty" => &["penalty.throttled", "penalty.quarantined"],
                _ => &["ratelimit.limit_exceeded"],
            });
        }
        seen::findings(&stage.envoy, MALLORY, &["penalty.noted", "penalty.throttled", "penalty.quarantined"]);
        seen::troubles(&stage.envoy, &["authn.jwks_fetch_failed", "authn.jwks_key_unusable"]);
        stage.shows_no_secret();
    });
}

#[test]
fn a_secret_in_any_place_is_in_nothing_that_a_chain_or_guard_writes() {
    Stage::each(Chain::together, |stage| {
        let (web, mallory) = (stage.caller(WEB), stage.caller(MALLORY));
        for chain in &stage.chains {
            stage.try_all(chain, &web);
            stage.try_peers(chain);
            if chain.name != "shadow" {
                Stage::quarantine(chain, &mallory);
            }
            let seen = stage.seen(chain, &web, true);
            if chain.name == "shadow" {
                seen.has(&seen::AUTHZ);
            } else {
                seen.has(&seen::AUTHN);
                seen.has(&["authz.no_allow_match", "authz.path_refused", "authz.host_refused"]);
                seen.has(&["ratelimit.limit_exceeded", "penalty.throttled", "penalty.quarantined"]);
            }
            seen.shows(PATH);
            seen.shows("orders.shop");
        }
        let all = ["penalty.noted", "penalty.throttled", "penalty.quarantined", "penalty.released"];
        seen::findings(&stage.envoy, MALLORY, &[all, all].concat());
        seen::troubles(&stage.envoy, &["authn.jwks_fetch_failed", "authn.jwks_key_unusable"]);
        stage.shows_no_secret();
    });
}

/// What a caller is called by a certificate that was verified is what an operator wants to know of a refusal.
#[test]
fn a_verified_spiffe_id_is_shown_as_who_called_and_as_nothing_else() {
    let guard = |scene: &Scene, tokens: &Tokens| {
        Chain::together(scene, tokens).into_iter().filter(|chain| chain.name == "guard").collect()
    };
    Stage::each(guard, |stage| {
        let id = format!("spiffe://cluster.local/ns/{SECRET}/sa/{SECRET}");
        let caller = stage.caller(&id);
        for chain in &stage.chains {
            stage.try_all(chain, &caller);
            let seen = stage.seen(chain, &caller, true);
            seen.has(&["authz.no_allow_match", "authn.token_malformed"]);
            seen.shows_only_who(&id, &format!("{SECRET}/{SECRET}"));
        }
    });
}

/// What is looked for is in every one of the requests, as text or in Base64.
#[test]
fn every_place_has_the_secret_in_it() {
    // A good token holds it as well, and would be found in every request that carries one.
    let places: Vec<Place> = places::bare().chain(places::of_authorization(&Tokens::new())).collect();
    assert_eq!(places.len(), places::all(&Tokens::new()).len());
    for Place { name, request } in places {
        let mut bytes = Vec::new();
        request.encode_into(&mut bytes);
        assert!(seen::found(&String::from_utf8_lossy(&bytes)).is_some(), "{name}");
    }
    for (name, token) in Tokens::new().all() {
        assert!(seen::found(&token).is_some(), "{name}: {token}");
    }
}

/// The tests above can fail: what they look for is found where it is allowed.
#[test]
fn a_secret_in_a_path_is_found_where_whole_paths_are_shown() {
    let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
    let scene = Scene::new();
    let sink = json!({
        "otlpHttp": {"cluster": "collector", "batch": {"everyMillis": 100}}, "show": {"path": "whole"},
    });
    let port = meshward_harness::ports::Reserved::loopback().expect("a port");
    let listener = scene.listener(&port, vec![scene.sentinel(&sink), scene.refusing()]);
    let envoy = scene.envoy(&binary, vec![listener], 1).start().expect("Envoy starts");
    for place in places::all(&Tokens::new()).iter().take(3) {
        Client::plain(port.address()).send(&place.request).expect("an answer");
    }
    poll::until("records", WITHIN, || (counted(&envoy, "events_sent") == 3).then_some(())).expect("three");
    let records = std::fs::read_to_string(scene.file()).expect("records");
    let shows: Vec<bool> = records.lines().map(|line| line.contains(SECRET)).collect();
    assert_eq!(shows, [true, true, false], "segment and parameter, never the query");
}
