//! One behaviour played in the embedded host.

use super::NUMBER;
use super::servers::{self, Given, Parts};
use crate::behaviour::{Behaviour, Peer, Request, Step, bytes};
use crate::envoy::{LOCAL, named, unnamed};
use crate::transcript::{Transcript, answered};
use crate::wire::{Pairs, marked};
use meshward_host::{
    Attributes, Callout, CalloutAnswer, CalloutId, CalloutKind, LogLevel, Proxy, Stream, Tls, Value,
};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// How long a client waits, as in Envoy.
const PATIENCE_MS: u64 = 3_000;
/// How long a step waits for the module, as in Envoy.
const WITHIN_MS: u64 = 10_000;

struct Player<'a> {
    proxy: Proxy,
    behaviour: &'a Behaviour,
    asked: Vec<Asked>,
    started: VecDeque<usize>,
    open: VecDeque<usize>,
    connection: u64,
    known: BTreeSet<CalloutId>,
    answers: Vec<(u64, CalloutId, Vec<CalloutAnswer>)>,
    transcript: Transcript,
}

/// A request that was sent.
struct Asked {
    stream: Stream,
    /// The upstream has it; when it answers, and what.
    arrived: bool,
    due: Option<(u64, Given)>,
    /// What the client made of it, once that is known.
    line: Option<String>,
}

/// Plays a behaviour; the error says at which step it stood still.
pub(super) fn play(proxy: Proxy, behaviour: &Behaviour) -> Result<Transcript, String> {
    let mut player = Player {
        proxy,
        behaviour,
        asked: Vec::new(),
        started: VecDeque::new(),
        open: VecDeque::new(),
        connection: 0,
        known: BTreeSet::new(),
        answers: Vec::new(),
        transcript: Transcript::default(),
    };
    for (at, step) in behaviour.steps.iter().enumerate() {
        player.step(step).map_err(|why| format!("step {}: {why}", at + 1))?;
    }
    player.pump();
    Ok(player.finish())
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Request(request) => {
                let at = self.send(request, true);
                self.wait_for(at);
            }
            Step::Again(request) => {
                let at = self.send(request, false);
                self.wait_for(at);
            }
            Step::Start(request) => {
                let at = self.send(request, true);
                self.started.push_back(at);
            }
            Step::Finish => {
                let at = self.started.pop_front().ok_or("nothing was started")?;
                self.wait_for(at);
            }
            Step::Open(request) => {
                let at = self.send(request, true);
                self.open.push_back(at);
            }
            Step::Leave => {
                let at = self.open.pop_front().ok_or("nothing is open")?;
                self.leave(at, "the client went away");
            }
            Step::Seen(text) => self.seen(text, 1)?,
            Step::SeenTimes(text, times) => self.seen(text, *times)?,
            Step::Update(plugin, script) => {
                let taken = self.proxy.configure(*plugin, named(script, NUMBER).as_bytes());
                self.transcript.updates.push(if taken.is_ok() { "taken" } else { "refused" }.to_owned());
            }
            Step::Pass(ms) => self.until(*ms, |_| false),
        }
        Ok(())
    }

    /// Sends a request as Envoy's codec hands it over.
    fn send(&mut self, request: &Request, fresh: bool) -> usize {
        let at = self.asked.len() + 1;
        if fresh || self.connection == 0 {
            self.connection += 1;
        }
        let cluster = ["xds", "cluster_name"].map(str::to_owned).to_vec();
        let attributes = Attributes {
            connection_id: self.connection,
            tls: self.behaviour.peer.as_ref().map(tls),
            more: vec![(cluster, Value::String("upstream".to_owned()))],
            ..Attributes::plaintext()
        };
        let stream = self.proxy.open(0, attributes);
        self.asked.push(Asked { stream, arrived: false, due: None, line: None });
        let body = request.body.as_deref().map(bytes).unwrap_or_default();
        let trailers = lower(&request.trailers);
        let ends = body.is_empty() && trailers.is_empty();
        self.proxy.request_headers(stream, headers(request, at, &body, self.behaviour.peer.is_some()), ends);
        if !body.is_empty() {
            self.proxy.request_body(stream, &body, false);
        }
        if !trailers.is_empty() {
            self.proxy.request_trailers(stream, trailers);
        } else if !ends {
            self.proxy.request_body(stream, b"", true);
        }
        self.pump();
        at - 1
    }

    /// Lets upstream and target see and answer what is due, until nothing changes.
    fn pump(&mut self) {
        while self.upstream() || self.target() {}
    }

    fn upstream(&mut self) -> bool {
        let now = self.proxy.now();
        let mut changed = false;
        for asked in &mut self.asked {
            if !asked.arrived
                && let Some(message) = self.proxy.forwarded(asked.stream).filter(|message| message.complete)
            {
                asked.arrived = true;
                changed = true;
                self.transcript.upstream.push(servers::upstream_line(message));
                let path = String::from_utf8_lossy(message.header(":path").unwrap_or_default()).into_owned();
                let (after, given) = servers::upstream_answer(&path);
                asked.due = given.map(|given| (now + after, given));
            }
            if let Some((_, given)) = asked.due.take_if(|(due, _)| *due <= now) {
                changed = true;
                match given {
                    Given::Answer(parts) => respond(&mut self.proxy, asked.stream, parts),
                    Given::Broken { words, details } => {
                        self.proxy.fail_upstream(asked.stream, 503, words, details);
                    }
                }
            }
        }
        changed
    }

    fn target(&mut self) -> bool {
        let now = self.proxy.now();
        let mut changed = false;
        let complete =
            |callout: &Callout| !matches!(callout.kind, CalloutKind::GrpcStream { ended: false, .. });
        for callout in self.proxy.callouts().into_iter().filter(complete) {
            if self.known.insert(callout.id) {
                changed = true;
                // The main thread asks, too; only the worker is looked at.
                if callout.worker == 0 {
                    self.transcript.target.extend(servers::target_line(&callout, now));
                }
                let (after, answers) = servers::target_answer(&callout);
                self.answers.push((now + after, callout.id, answers));
            }
        }
        while let Some(place) = self.answers.iter().position(|(due, ..)| *due <= now) {
            let (_, id, answers) = self.answers.remove(place);
            changed = true;
            for answer in answers {
                self.proxy.answer(id, answer);
            }
        }
        changed
    }

    /// Lets time pass, millisecond by millisecond, until it is as wanted or so much time is over.
    fn until(&mut self, ms: u64, mut done: impl FnMut(&mut Self) -> bool) {
        for _ in 0..ms {
            if done(self) {
                return;
            }
            self.proxy.advance(Duration::from_millis(1));
            self.pump();
        }
    }

    fn wait_for(&mut self, at: usize) {
        self.until(PATIENCE_MS, |player| player.settle(at));
        self.leave(at, "no answer");
    }

    /// Writes down what the client got, once it is complete.
    fn settle(&mut self, at: usize) -> bool {
        let Some(asked) = self.asked.get_mut(at) else { return true };
        if asked.line.is_some() {
            return true;
        }
        if let Some(message) = self.proxy.responded(asked.stream).filter(|message| message.complete) {
            let status = String::from_utf8_lossy(message.header(":status").unwrap_or_default()).parse();
            let trailers = message.trailers.clone().unwrap_or_default();
            let headers: Pairs = message.headers.iter().cloned().chain(marked(trailers)).collect();
            asked.line = Some(answered(status.unwrap_or_default(), &headers, &message.body));
        } else if self.proxy.is_gone(asked.stream) {
            asked.line = Some("closed without an answer".to_owned());
        }
        asked.line.is_some()
    }

    /// The client goes away, when it has no answer yet.
    fn leave(&mut self, at: usize, why: &str) {
        if self.settle(at) {
            return;
        }
        if let Some(asked) = self.asked.get_mut(at) {
            self.proxy.reset(asked.stream);
            asked.line = Some(why.to_owned());
        }
        self.pump();
    }

    fn seen(&mut self, text: &str, times: usize) -> Result<(), String> {
        let found = |player: &mut Self| {
            player.lines(false).iter().filter(|line| line.contains(text)).count() >= times
        };
        self.until(WITHIN_MS, found);
        if found(self) {
            return Ok(());
        }
        Err(format!("the module has not written `{text}`; it wrote:\n{}", self.lines(false).join("\n")))
    }

    /// What the module wrote: on the worker, or before that on the main thread.
    fn lines(&self, main: bool) -> Vec<String> {
        let several = self.behaviour.chain().len() > 1;
        // One worker, whose number is 0; anything else is the canary's or the main thread's.
        let log = self.proxy.log().iter().filter(|line| (line.worker != Some(0)) == main);
        let ours = log.filter_map(|line| {
            let plugin = line.plugin.strip_prefix(&format!("b{NUMBER}-"))?;
            let plugin = if several { format!("{plugin} ") } else { String::new() };
            Some(format!("{plugin}{}{}", level(line.level), unnamed(&line.text, NUMBER)))
        });
        ours.collect()
    }

    fn finish(mut self) -> Transcript {
        for at in 0..self.asked.len() {
            self.settle(at);
        }
        self.transcript.log = self.lines(false);
        if self.behaviour.canary {
            self.transcript.canary = self.lines(true);
        }
        if self.behaviour.unordered {
            self.transcript.upstream.sort();
            self.transcript.target.sort();
        }
        for name in &self.behaviour.stats {
            let full = named(name, NUMBER);
            let own = full.trim_start_matches("wasmcustom.");
            let value = self.proxy.counter(own).or_else(|| self.proxy.gauge(own)).unwrap_or_default();
            self.transcript.stats.push(format!("{name} {value}"));
        }
        for (at, asked) in self.asked.iter().enumerate() {
            let details = self.proxy.details(asked.stream).unwrap_or("-").replace(' ', "_");
            let note = self.proxy.filter_state(asked.stream, "note").map(|note| {
                let text: String = note.iter().copied().map(char::from).collect();
                format!(" note={}", text.escape_default())
            });
            let line = asked.line.as_deref().unwrap_or("no answer");
            let note = note.unwrap_or_default();
            self.transcript.client.push(format!("{}: {line} | {details}{note}", at + 1));
        }
        self.transcript
    }
}

/// Hands a response over as Envoy's codec does: what ends with a body ends with an empty piece.
fn respond(proxy: &mut Proxy, stream: Stream, parts: Parts) {
    let ends = parts.body.is_empty() && parts.trailers.is_empty();
    proxy.response_headers(stream, parts.headers, ends);
    if !parts.body.is_empty() {
        proxy.response_body(stream, &parts.body, false);
    }
    if !parts.trailers.is_empty() {
        proxy.response_trailers(stream, parts.trailers);
    } else if !ends {
        proxy.response_body(stream, b"", true);
    }
}

/// A request's headers as they come out of Envoy's codec and connection manager.
fn headers(request: &Request, at: usize, body: &[u8], tls: bool) -> Pairs {
    let scheme: &[u8] = if tls { b"https" } else { b"http" };
    let pair = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
    let mut all = vec![
        pair(":authority", b"meshward.test"),
        pair(":path", &bytes(&request.path)),
        pair(":method", &bytes(&request.method)),
        pair(":scheme", scheme),
    ];
    all.extend(lower(&request.headers));
    all.push(pair("x-request-id", at.to_string().as_bytes()));
    // Envoy drops the transfer encoding of a request; the length stays.
    if request.trailers.is_empty() && request.body.is_some() {
        all.push(pair("content-length", body.len().to_string().as_bytes()));
    }
    all.push(pair("x-forwarded-proto", scheme));
    all
}

/// What Envoy would say of a client over TLS. The server name is a TLS inspector's, which there is none of.
fn tls(peer: &Peer) -> Tls {
    let common = Tls {
        peer_certificate_valid: Some(!peer.anonymous && !peer.untrusted),
        uri_san_local_certificate: Some(LOCAL.to_owned()),
        tls_version: Some("TLSv1.3".to_owned()),
        ..Tls::default()
    };
    if peer.anonymous {
        return common;
    }
    Tls {
        peer_certificate_presented: true,
        uri_san_peer_certificate: peer.uris.first().cloned(),
        dns_san_peer_certificate: peer.dns.first().cloned(),
        subject_peer_certificate: Some(format!("CN={}", peer.common_name.replace(',', "\\,"))),
        sha256_peer_certificate_digest: Some("0".repeat(64)),
        ..common
    }
}

fn lower(pairs: &[(String, String)]) -> Pairs {
    pairs.iter().map(|(name, value)| (bytes(&name.to_ascii_lowercase()), bytes(value))).collect()
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace: ",
        LogLevel::Debug => "debug: ",
        LogLevel::Info => "",
        LogLevel::Warn => "warning: ",
        LogLevel::Error => "error: ",
        LogLevel::Critical => "critical: ",
    }
}
