//! A case in a running host: requests, the clock, the servers behind clusters, and what is seen of it.

use crate::CorpusError;
use crate::case::{Asked, Caller, Case, Reply, Step, Transport};
use crate::event;
use crate::native::{SETTLING_MILLIS, START, headers};
use crate::seen::{Seen, Shown};
use meshward_host::{
    Attributes, Callout, CalloutAnswer, CalloutKind, Message, Progress, Proxy, Stream, Tls, Value, VmState,
};
use meshward_model::UnixMillis;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a request is waited for that a plugin holds, in milliseconds of the host's clock.
const PATIENCE_MILLIS: u64 = 120_000;

/// A proxy with a case's plugins.
pub(super) struct Driven<'c> {
    pub(super) proxy: Proxy,
    case: &'c Case,
    /// How many plugins there are.
    plugins: usize,
    now: u64,
    /// How often each server was called.
    said: BTreeMap<(String, String), usize>,
}

impl<'c> Driven<'c> {
    pub(super) fn new(proxy: Proxy, case: &'c Case, plugins: usize) -> Self {
        Self { proxy, case, plugins, now: START.0, said: BTreeMap::new() }
    }

    /// So much time passes; servers answer at once.
    pub(super) fn wait(&mut self, millis: u64) {
        let end = self.now.saturating_add(millis);
        self.call();
        while let Some(next) = self.proxy.next_event().filter(|next| *next <= end) {
            self.to(next);
            self.call();
        }
        self.to(end);
        self.call();
    }

    fn to(&mut self, time: u64) {
        self.proxy.advance(Duration::from_millis(time.saturating_sub(self.now)));
        self.now = self.now.max(time);
    }

    /// Answers every call that a server answers.
    fn call(&mut self) {
        loop {
            let open = self.proxy.callouts();
            let answered = open.into_iter().find_map(|callout| Some((callout.id, self.answer(&callout)?)));
            let Some((id, answer)) = answered else { return };
            self.proxy.answer(id, answer);
        }
    }

    /// What is answered; `None`: nothing.
    fn answer(&mut self, callout: &Callout) -> Option<CalloutAnswer> {
        let CalloutKind::Http { cluster, headers, .. } = &callout.kind else {
            return Some(CalloutAnswer::Reset);
        };
        let path = headers.iter().find(|(name, _)| name == b":path");
        let path = path.map(|(_, path)| String::from_utf8_lossy(path).into_owned()).unwrap_or_default();
        let server =
            self.case.servers.iter().find(|server| server.cluster == *cluster && server.path == path);
        let Some(server) = server else { return Some(http(404, b"")) };
        let said = self.said.get(&(cluster.clone(), path.clone())).copied().unwrap_or_default();
        let reply = server.answers.get(said.min(server.answers.len().saturating_sub(1)))?;
        let answer = match reply {
            Reply::Never => return None,
            Reply::Reset => CalloutAnswer::Reset,
            Reply::Answer { status, body } => http(*status, body),
        };
        self.said.insert((cluster.clone(), path), said + 1);
        Some(answer)
    }

    /// Sends every step that the plugins decide: did it go on?
    pub(super) fn serve(&mut self) -> Result<Vec<bool>, CorpusError> {
        let mut forwarded = Vec::new();
        self.wait(SETTLING_MILLIS);
        let mine = self.case.steps.iter().filter(|step| step.decided().is_some());
        for step in mine {
            self.wait(step.after);
            let stream = self.send(step)?;
            forwarded.push(matches!(self.proxy.progress(stream), Progress::Forwarded(_)));
            self.proxy.finish(stream);
        }
        Ok(forwarded)
    }

    /// Whether every plugin's VM runs.
    pub(super) fn all_run(&self) -> bool {
        (0..self.plugins).all(|plugin| self.proxy.vm_state(0, plugin) == VmState::Running)
    }

    fn send(&mut self, step: &Step) -> Result<Stream, CorpusError> {
        let asked = step.asked_at(UnixMillis(self.now));
        let stream = self.proxy.open(0, attributes(self.case));
        let Asked { body, .. } = &asked;
        let pairs = headers(&asked).iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        self.proxy.request_headers(stream, pairs, body.is_empty());
        if !body.is_empty() {
            self.proxy.request_body(stream, body, true);
        }
        let patience = self.now.saturating_add(PATIENCE_MILLIS);
        self.call();
        while matches!(self.proxy.progress(stream), Progress::Paused) {
            let Some(next) = self.proxy.next_event().filter(|next| *next <= patience) else { break };
            self.to(next);
            self.call();
        }
        Ok(stream)
    }

    /// Sends one step and reads what is seen of it.
    pub(super) fn decided(&mut self, step: &Step) -> Result<Result<Seen, String>, CorpusError> {
        let before = self.denied();
        let stream = self.send(step)?;
        let arrived = matches!(self.proxy.progress(stream), Progress::Forwarded(_));
        if arrived {
            let status = step.upstream.to_string().into_bytes();
            self.proxy.response_headers(stream, vec![(b":status".to_vec(), status)], true);
        }
        let details = self.proxy.replied(stream).map(|reply| reply.details.clone()).unwrap_or_default();
        let answer = self.proxy.responded(stream).cloned();
        self.proxy.finish(stream);
        let denied = self.denied() - before;
        let lines = self.proxy.take_log();
        let events: Vec<_> = lines.iter().filter_map(|line| event::in_line(&line.text)).collect();
        Ok(match answer {
            _ if !self.all_run() => Err("a module trapped".to_owned()),
            None => Err("the caller got no answer".to_owned()),
            Some(_) if denied != u64::from(!arrived) => {
                Err(format!("went on: {arrived}, but the counters of refusals moved by {denied}"))
            }
            Some(answer) => seen(&answer, arrived, details, events),
        })
    }

    /// How many requests the plugins say that they have refused.
    fn denied(&self) -> u64 {
        let counters = self.proxy.counters();
        let refusals = counters.iter().filter(|(name, _)| is_refusals(name));
        refusals.map(|(_, count)| *count).sum()
    }
}

/// Whether a counter is one of refused requests.
fn is_refusals(name: &str) -> bool {
    let what = name.strip_prefix("meshward_").and_then(|rest| rest.split_once('_'));
    what.is_some_and(|(_, what)| what == "denied_total")
}

fn http(status: u16, body: &[u8]) -> CalloutAnswer {
    let headers = vec![(b":status".to_vec(), status.to_string().into_bytes())];
    CalloutAnswer::Http { headers, body: body.to_vec(), trailers: None }
}

fn seen(
    answer: &Message,
    arrived: bool,
    details: String,
    events: Vec<serde_json::Value>,
) -> Result<Seen, String> {
    let event = events.iter().find(|event| event::is_decision(event));
    if event.is_some_and(event::refused) == arrived {
        return Err(format!("went on: {arrived}, but the event says otherwise: {event:?}"));
    }
    let status = answer.header(":status").and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    let because = event.map(event::because);
    let (reason, rule) = match (arrived, &because) {
        (false, Some(because)) => (Shown::Is(because.reason.clone()), Shown::Is(because.rule.clone())),
        (false, None) | (true, _) => (Shown::Hidden, Shown::Hidden),
    };
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    Ok(Seen {
        allowed: arrived,
        status: status.ok_or("an answer without a status")?,
        reason,
        rule,
        // A request that is refused has one event, and that is of the refusal.
        shadow: if arrived { Shown::Is(because) } else { Shown::Hidden },
        details,
        headers: Shown::Is(answer.headers.iter().map(|(name, value)| (text(name), value.clone())).collect()),
        events: Shown::Is(events),
    })
}

/// What the proxy says of a connection of the case's caller.
fn attributes(case: &Case) -> Attributes {
    let name = match &case.peer {
        Caller::Nameless | Caller::Unnamed => None,
        Caller::Named(name) => Some(name.clone()),
    };
    let plain =
        Attributes { destination_address: format!("127.0.0.1:{}", case.port), ..Attributes::plaintext() };
    let presented = case.peer != Caller::Nameless;
    let secured = |name: Option<Vec<u8>>, verified: bool| {
        let tls = Tls {
            peer_certificate_presented: presented,
            peer_certificate_valid: Some(verified && presented),
            ..Tls::default()
        };
        let path = ["connection", "uri_san_peer_certificate"].map(str::to_owned).to_vec();
        let more = name.into_iter().map(|name| (path.clone(), Value::Bytes(name))).collect();
        Attributes { tls: Some(tls), more, ..plain.clone() }
    };
    match case.transport {
        Transport::Tls => secured(name, true),
        Transport::TlsUntrusted => secured(name, false),
        Transport::Plaintext => plain,
        Transport::Waypoint => {
            let state = name.into_iter().map(|name| ("io.istio.peer_principal".to_owned(), name)).collect();
            Attributes { filter_state: state, ..plain }
        }
    }
}
