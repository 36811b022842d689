//! One behaviour played in a running Envoy.

use super::layout::{self, Layout};
use super::{Servers, WITHIN, peers};
use crate::behaviour::{Behaviour, Request, Step, bytes};
use crate::transcript::{Transcript, answered};
use crate::wire::{Connection, Response};
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::envoy::{Envoy, Pushed};
use meshward_harness::poll;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What was seen: the transcript without the client's lines, and those lines without the access log's words.
pub(super) struct Played {
    pub(super) transcript: Transcript,
    pub(super) answers: Vec<String>,
}

/// How long a client waits for its answer.
const PATIENCE: Duration = Duration::from_secs(3);

type Answer = io::Result<Response>;

struct Player<'a> {
    envoy: &'a mut Envoy,
    layout: &'a mut Layout,
    number: usize,
    address: SocketAddr,
    answers: Vec<String>,
    started: VecDeque<(usize, JoinHandle<Answer>)>,
    open: VecDeque<TcpStream>,
    connection: Option<Connection>,
    tls: Option<Client>,
    updates: Vec<String>,
}

/// Plays a behaviour; the error says at which step it stood still.
pub(super) fn play(
    envoy: &mut Envoy,
    layout: &mut Layout,
    servers: &Servers,
    number: usize,
    behaviour: &Behaviour,
) -> Result<Played, String> {
    drop((servers.upstream.take(), servers.target.take()));
    let grpc_before = servers.grpc.seen().len();
    let address = layout.address(number).ok_or("no listener")?;
    let tls = layout.client(number).transpose()?;
    let mut player = Player {
        envoy,
        layout,
        number,
        address,
        answers: Vec::new(),
        started: VecDeque::new(),
        open: VecDeque::new(),
        connection: None,
        tls,
        updates: Vec::new(),
    };
    let played = player.all(&behaviour.steps);
    let ended =
        played.is_err() && poll::until("the proxy to end", PATIENCE, || player.envoy.exited()).is_ok();
    if !ended {
        played?;
    } else if !behaviour.alone {
        return Err("it ended the proxy: say `alone: true`".to_owned());
    }
    let mut transcript = Transcript {
        ended,
        log: player.lines(false),
        updates: std::mem::take(&mut player.updates),
        upstream: servers.upstream.take(),
        target: servers.target.take(),
        ..Transcript::default()
    };
    let calls = servers.grpc.seen();
    transcript.target.extend(calls.iter().skip(grpc_before).map(|call| {
        let metadata = call.metadata.iter().map(|(name, value)| (name.clone().into(), value.clone().into()));
        crate::transcript::asked("grpc", &call.path, &metadata.collect::<Vec<_>>(), &call.message)
    }));
    if behaviour.unordered {
        transcript.upstream.sort();
        transcript.target.sort();
    }
    if behaviour.canary {
        transcript.canary = player.lines(true);
    }
    for name in &behaviour.stats {
        let full = layout::named(name, number);
        let value =
            player.envoy.stat(&full).map_or_else(|error| error.to_string(), |value| value.to_string());
        transcript.stats.push(format!("{name} {value}"));
    }
    Ok(Played { transcript, answers: player.answers })
}

impl Player<'_> {
    fn all(&mut self, steps: &[Step]) -> Result<(), String> {
        for (at, step) in steps.iter().enumerate() {
            self.step(step).map_err(|why| format!("step {}: {why}", at + 1))?;
        }
        self.fence()
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Request(request) => {
                self.connection = None;
                if let Some(client) = &mut self.tls {
                    client.disconnect();
                }
                self.ask(request);
            }
            Step::Again(request) => self.ask(request),
            Step::Start(_) | Step::Open(_) if self.tls.is_some() => {
                return Err("a client over TLS waits for its answer: say `request` or `again`".to_owned());
            }
            Step::Start(request) => {
                let at = self.next();
                let (address, bytes) = (self.address, encode(request, at));
                self.started.push_back((at, std::thread::spawn(move || send(address, &bytes))));
            }
            Step::Finish => {
                let (at, thread) = self.started.pop_front().ok_or("nothing was started")?;
                let answer = thread.join().map_err(|_| "the client's thread ended")?;
                self.answer(at, &answer);
            }
            Step::Open(request) => {
                let at = self.next();
                let mut stream = TcpStream::connect(self.address).map_err(|error| error.to_string())?;
                stream.write_all(&encode(request, at)).map_err(|error| error.to_string())?;
                self.open.push_back(stream);
            }
            Step::Leave => drop(self.open.pop_front().ok_or("nothing is open")?),
            Step::Seen(text) => self.seen(text, 1)?,
            Step::SeenTimes(text, times) => self.seen(text, *times)?,
            Step::Update(plugin, script) => self.update(*plugin, script)?,
            Step::Pass(ms) => {
                let due = Instant::now() + Duration::from_millis(*ms);
                drop(poll::until("time to pass", WITHIN, || (Instant::now() >= due).then_some(())));
            }
        }
        Ok(())
    }

    /// A request on the connection that is there, or on a new one.
    fn ask(&mut self, request: &Request) {
        let at = self.next();
        if let Some(client) = &mut self.tls {
            let answer = peers::send(client, &encode(request, at), request.method == "HEAD");
            return self.answer(at, &answer);
        }
        let connection = match self.connection.take() {
            Some(connection) => Ok(connection),
            None => Connection::open(self.address, PATIENCE),
        };
        let answer = connection.and_then(|mut connection| {
            let answer = connection.send(&encode(request, at), request.method == "HEAD");
            self.connection = Some(connection);
            answer
        });
        self.answer(at, &answer);
    }

    /// The number of the next request, counted from 1.
    fn next(&mut self) -> usize {
        self.answers.push("the client went away".to_owned());
        self.answers.len()
    }

    fn answer(&mut self, at: usize, answer: &Answer) {
        let text = match answer {
            Ok(response) => answered(response.status, &response.headers, &response.body),
            Err(error) => {
                let closed = [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                let late = [ErrorKind::WouldBlock, ErrorKind::TimedOut];
                match error.kind() {
                    kind if closed.contains(&kind) => "closed without an answer".to_owned(),
                    kind if late.contains(&kind) => "no answer".to_owned(),
                    kind => kind.to_string(),
                }
            }
        };
        if let Some(slot) = self.answers.get_mut(at.saturating_sub(1)) {
            *slot = text;
        }
    }

    fn seen(&self, text: &str, times: usize) -> Result<(), String> {
        let what = format!("the module to write `{text}`");
        let found = || self.lines(false).iter().filter(|line| line.contains(text)).count() >= times;
        let waited = poll::until(&what, WITHIN, || found().then_some(()));
        waited.map_err(|late| format!("{late}; it wrote:\n{}", self.lines(false).join("\n")))
    }

    fn update(&mut self, plugin: usize, script: &str) -> Result<(), String> {
        let old = self.layout.change(self.number, plugin, script).ok_or("no such plugin")?;
        let pushed =
            self.envoy.push_listeners(&self.layout.listeners()).map_err(|error| error.to_string())?;
        self.updates.push(match pushed {
            Pushed::Accepted => "taken".to_owned(),
            Pushed::Rejected { .. } => {
                self.layout.change(self.number, plugin, &old);
                "refused".to_owned()
            }
        });
        Ok(())
    }

    /// The worker has done all that it was told: it answers a request of another listener.
    fn fence(&self) -> Result<(), String> {
        for _ in 0..2 {
            let answer = Client::plain(self.layout.fence()).send(&RawRequest::get("/"));
            answer.map_err(|error| format!("the worker does not answer: {error}"))?;
        }
        Ok(())
    }

    /// What the module wrote: on the worker, or before that on the main thread.
    fn lines(&self, main: bool) -> Vec<String> {
        let log = self.envoy.log();
        let mut fields = log.iter().filter_map(|line| {
            let (thread, line) = line.split_once('|')?;
            let (level, text) = line.split_once('|')?;
            Some((thread, level, text))
        });
        let first = fields.next().map(|(thread, _, _)| thread.to_owned()).unwrap_or_default();
        let several = self.layout.plugins(self.number) > 1;
        let ours =
            fields.filter(|(thread, _, _)| (*thread == first) == main).filter_map(|(_, level, text)| {
                // A stream's line names plugin, root and VM, a root's only the latter two; all three begin alike.
                let (names, text) = text.strip_prefix("wasm log ")?.split_once(": ")?;
                let plugin = names.strip_prefix(&format!("b{}-", self.number))?.split(' ').next()?;
                let plugin = if several { format!("{plugin} ") } else { String::new() };
                let level = if level == "info" { String::new() } else { format!("{level}: ") };
                Some(format!("{plugin}{level}{}", layout::unnamed(text, self.number)))
            });
        ours.collect()
    }
}

fn send(address: SocketAddr, bytes: &[u8]) -> Answer {
    Connection::open(address, PATIENCE)?.send(bytes, false)
}

/// A request as it is written; its place among the behaviour's requests is its ID.
fn encode(request: &Request, at: usize) -> Vec<u8> {
    let pair = |(name, value): &(String, String)| (bytes(name), bytes(value));
    let mut raw = RawRequest::new(bytes(&request.method), bytes(&request.path));
    raw.headers = request.headers.iter().map(pair).collect();
    raw.headers.push((b"x-request-id".to_vec(), at.to_string().into_bytes()));
    let mut out = Vec::new();
    let body = request.body.as_deref().map(bytes);
    if request.trailers.is_empty() {
        if body.as_ref().is_some_and(Vec::is_empty) {
            raw.headers.push((b"content-length".to_vec(), b"0".to_vec()));
        }
        raw.body = body.unwrap_or_default();
        raw.encode_into(&mut out);
        return out;
    }
    raw.headers.push((b"transfer-encoding".to_vec(), b"chunked".to_vec()));
    raw.encode_into(&mut out);
    if let Some(body) = body.filter(|body| !body.is_empty()) {
        out.extend(format!("{:x}\r\n", body.len()).bytes());
        out.extend(body);
        out.extend(b"\r\n");
    }
    out.extend(b"0\r\n");
    for (name, value) in request.trailers.iter().map(pair) {
        out.extend([name.as_slice(), b": ", value.as_slice(), b"\r\n"].concat());
    }
    out.extend(b"\r\n");
    out
}
