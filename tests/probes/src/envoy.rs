//! The doors that are real Envoys: one process for some thirty behaviours, one listener for each of them.
//!
//! Each behaviour has VMs of its own (`vm_id`), and its plugins have names of their own, so that log lines can be told apart.
//! Behaviours run one after the other; upstream and target are emptied in between. Envoy writes each line with its thread:
//! the main thread's are the canary's and those of the main thread's own VM, the only other thread with a module is the worker.

mod layout;
mod peers;
mod play;

use crate::ProbeError;
use crate::behaviour::Behaviour;
use crate::grpc;
use crate::server::Server;
use crate::transcript::Transcript;
use layout::Layout;
pub(crate) use layout::{named, plugin_name, unnamed, vm_id};
use meshward_harness::envoy::Envoy;
use meshward_harness::poll;
use meshward_harness::upstream::GrpcUpstream;
pub(crate) use peers::LOCAL;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// More listeners than this go to another Envoy: each has three VMs, and V8 sets addresses aside for every one.
const BATCH: usize = 30;
const WITHIN: Duration = Duration::from_secs(10);

/// The servers that Envoy asks.
pub(crate) struct Servers {
    upstream: Server,
    target: Server,
    grpc: GrpcUpstream,
}

/// Runs behaviours in this Envoy; their transcripts in the same order.
///
/// # Errors
/// When Envoy does not start, or does not write down what it did.
pub fn run(
    binary: &Path,
    module: &Path,
    behaviours: &[Behaviour],
) -> Result<Vec<Result<Transcript, String>>, ProbeError> {
    let start = |error: std::io::Error| ProbeError::new(format!("no server can be started: {error}"));
    let servers = Servers {
        upstream: Server::start().map_err(start)?,
        target: Server::start().map_err(start)?,
        grpc: grpc::start().map_err(start)?,
    };
    let mut transcripts = Vec::new();
    for together in behaviours.chunk_by(|one, other| !one.alone && !other.alone) {
        for batch in together.chunks(BATCH) {
            transcripts.extend(run_batch(binary, module, &servers, batch)?);
        }
    }
    Ok(transcripts)
}

fn run_batch(
    binary: &Path,
    module: &Path,
    servers: &Servers,
    behaviours: &[Behaviour],
) -> Result<Vec<Result<Transcript, String>>, ProbeError> {
    let mut layout = Layout::new(module, behaviours)?;
    let mut envoy = Envoy::builder(binary)
        .bootstrap(&layout.bootstrap(servers))
        .argument("--log-format")
        .argument(layout::LOG_FORMAT)
        .start()
        .map_err(ProbeError::new)?;
    let played: Vec<_> = behaviours
        .iter()
        .enumerate()
        .map(|(number, behaviour)| play::play(&mut envoy, &mut layout, servers, number, behaviour))
        .collect();
    let written = played.iter().flatten().filter(|played| !played.transcript.ended);
    let details = access_log(&envoy, written.map(|played| played.answers.len()).sum());
    Ok(played
        .into_iter()
        .enumerate()
        .map(|(number, played)| played.map(|played| with_details(played, number, &details)))
        .collect())
}

/// What the access log says of each request: by behaviour and request.
type Details = BTreeMap<(usize, usize), String>;

/// The access log once all requests are there, or what is there when they are late.
fn access_log(envoy: &Envoy, expected: usize) -> Details {
    // A request that HTTP forbids, or whose ID a module took away, has a line without an ID.
    let written = || envoy.access_log(layout::ACCESS_LOG);
    let lines = poll::until("every request in the access log", WITHIN, || {
        Some(written()).filter(|lines| lines.len() >= expected)
    });
    let lines = lines.unwrap_or_else(|_| written());
    lines.iter().filter_map(|line| detail(&serde_json::from_str(line).ok()?)).collect()
}

fn detail(line: &Value) -> Option<((usize, usize), String)> {
    let text = |name: &str| line.get(name).and_then(Value::as_str);
    let place = (text("behaviour")?.parse().ok()?, text("id")?.parse().ok()?);
    let note = text("note").map(|note| format!(" note={}", note.escape_default())).unwrap_or_default();
    Some((place, format!("{}{note}", text("details").unwrap_or("-"))))
}

fn with_details(played: play::Played, number: usize, details: &Details) -> Transcript {
    let mut transcript = played.transcript;
    if transcript.ended {
        // Whether the client still got an answer is chance.
        return transcript;
    }
    for (at, answer) in played.answers.iter().enumerate() {
        let detail = details.get(&(number, at + 1)).map_or("nothing in the access log", String::as_str);
        transcript.client.push(format!("{}: {answer} | {detail}", at + 1));
    }
    transcript
}
