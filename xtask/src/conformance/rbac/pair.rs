//! Requests made for a set, sent, and found again in the access log.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use meshward_cases::mint::{Key, Mint};
use meshward_harness::client::RawRequest;
use meshward_harness::envoy::Envoy;
use meshward_harness::poll;
use serde_json::Value;

use super::chance::Chance;
use super::facts::{self, Connection, Facts, Written};
use super::protobuf;
use super::scene::{self, Scene};
use super::set::Set;
use super::verdict::{Expected, Line, Outcome};

/// Requests of a set share so many connections.
const CONNECTIONS: usize = 8;
/// Envoy writes its access log a few times a second.
const WRITTEN_WITHIN: Duration = Duration::from_secs(20);

/// A request to a set, and what both engines said.
pub(super) struct Pair {
    pub(super) number: usize,
    pub(super) connection: Connection,
    pub(super) facts: Facts,
    pub(super) outcome: Outcome,
}

/// A request that is to be made.
struct Planned {
    number: usize,
    connection: Connection,
    facts: Facts,
}

/// So many requests for a set.
fn plan(set: &Set, requests: usize, chance: &mut Chance) -> Vec<Planned> {
    let rule = |chance: &mut Chance| chance.below(set.rules.len());
    let pool: Vec<(usize, Connection)> = (0..CONNECTIONS)
        .map(|_| {
            let rule = rule(chance);
            (rule, facts::connection(set.rules.get(rule), set.here, chance))
        })
        .collect();
    let mut planned: Vec<Planned> = (0..requests)
        .filter_map(|number| {
            let rule = rule(chance);
            let facts = Facts::new(set.rules.get(rule), set.here, chance);
            let meant: Vec<&Connection> =
                pool.iter().filter(|(of, _)| *of == rule).map(|(_, connection)| connection).collect();
            let any = chance.pick(&pool).map(|(_, connection)| connection);
            let connection = if chance.percent(80) { chance.pick(&meant).copied().or(any) } else { any };
            connection.cloned().map(|connection| Planned { number, connection, facts })
        })
        .collect();
    planned.sort_by(|one, other| one.connection.cmp(&other.connection));
    planned
}

/// Sends them; gives what was sent, and why some had no answer.
pub(super) fn send(
    scene: &mut Scene,
    set: &Set,
    address: SocketAddr,
    requests: usize,
    chance: &mut Chance,
) -> Result<Vec<Pair>> {
    let mut pairs = Vec::with_capacity(requests);
    let mut open = None;
    for Planned { number, connection, facts } in plan(set, requests, chance) {
        let (client, of) = match open.take() {
            Some((client, of)) if of == connection => (client, of),
            _ => (scene.client(&connection, address)?, connection.clone()),
        };
        let mut client = client;
        let request = raw(&facts, &id(set.number, number), scene);
        let outcome = match client.send(&request) {
            // Until the access log says more.
            Ok(answer) => Outcome::Unasked(format!("{}", answer.status)),
            Err(error) => Outcome::Unasked(format!("no answer: {error}")),
        };
        open = Some((client, of));
        pairs.push(Pair { number, connection, facts, outcome });
    }
    Ok(pairs)
}

/// What a request is called in the access log.
fn id(set: usize, number: usize) -> String {
    format!("{set}-{number}")
}

fn raw(facts: &Facts, id: &str, scene: &Scene) -> RawRequest {
    let request = RawRequest::new(facts.method.as_bytes(), facts.path.as_bytes()).host(facts.host.as_bytes());
    let request = request.header(scene::ID, id);
    let request = match &facts.forwarded {
        Some(address) => request.header("x-forwarded-for", address.as_bytes()),
        None => request,
    };
    let request = match &facts.written {
        Some(Written::Text(text)) => request.header(scene::WRITTEN, text.as_bytes()),
        Some(Written::List(items)) => request.header(scene::WRITTEN_LIST, protobuf::list(items)),
        None => request,
    };
    let headers = facts.headers.iter();
    let request =
        headers.fold(request, |request, (name, value)| request.header(name.as_bytes(), value.as_bytes()));
    match &facts.token {
        Some(claims) => request
            .header("authorization", format!("Bearer {}", token(&scene.claims.fit(claims), &scene.key))),
        None => request,
    }
}

fn token(claims: &serde_json::Map<String, Value>, key: &Key) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let bare = Mint::new(key, "", "", now).without("iss").without("sub").without("aud");
    claims.iter().fold(bare, |mint, (name, value)| mint.claim(name, value.clone())).text()
}

/// Puts what the access log says to the requests that were answered. A request that both engines should have seen and that is in
/// no line is an error.
pub(super) fn read(envoy: &Envoy, sent: &mut [(&Set, Expected<'_>, Vec<Pair>)]) -> Result<()> {
    let answered: BTreeSet<String> = sent
        .iter()
        .flat_map(|(set, _, pairs)| {
            let there = pairs.iter().filter(|pair| is_logged(&pair.outcome));
            there.map(|pair| id(set.number, pair.number))
        })
        .collect();
    let log = poll::until("every request in the access log", WRITTEN_WITHIN, || {
        let lines = lines(envoy);
        answered.iter().all(|id| lines.contains_key(id)).then_some(lines)
    });
    let Ok(log) = log else {
        let lines = lines(envoy);
        let missing: Vec<_> = answered.iter().filter(|id| !lines.contains_key(*id)).take(5).collect();
        bail!("requests that Envoy answered and that are not in its access log: {missing:?}");
    };
    for (set, expected, pairs) in sent {
        for pair in pairs {
            if let Some(line) = log.get(&id(set.number, pair.number)) {
                pair.outcome = line.outcome(expected);
            }
        }
    }
    Ok(())
}

/// Only what Envoy could read as a request has a name in the log.
fn is_logged(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::Unasked(status) if status == "400" || status.starts_with("no answer"))
}

fn lines(envoy: &Envoy) -> BTreeMap<String, Line> {
    let lines = envoy.access_log(scene::ACCESS_LOG);
    let lines = lines.iter().filter_map(|line| Line::read(line));
    lines.filter_map(|line| Some((line.id()?.to_owned(), line))).collect()
}
