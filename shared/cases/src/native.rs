//! The native door: the pipeline that ships, without a proxy around it.
//!
//! A step is given only those facts that the compiled configuration asks for ([`Plugin::needs`]), as the adapter does, so a
//! forgotten need shows as a wrong verdict.

use crate::CasesError;
use crate::case::{Asked, Because, Caller, Case, Expect, Expected, Transport};
use crate::seen::{Seen, Shown};
use meshward_model::{
    Connection, Head, Headers, Needs, Node, Plugin, Request, RequestId, Seed, Step, UnixMillis, Verdict,
};
use meshward_pipeline::Authz;

/// When the first step of a case happens: 2026-01-01T00:00:00Z.
pub const START: UnixMillis = UnixMillis(1_767_225_600_000);

/// What chance there is: cases come out alike each time.
const SEED: Seed = Seed(0x6d65_7368_7761_7264);

/// The proxy that decides: a workload `orders` in the namespace `shop`.
pub fn node() -> Node {
    Node { id: "orders.shop".to_owned(), namespace: "shop".to_owned(), workload: "orders".to_owned() }
}

/// Configures the plugin with the case's policy.
///
/// # Errors
/// When its configuration is refused, with every problem.
pub fn configured(case: &Case) -> Result<Authz, CasesError> {
    Authz::configure(case.policy.json.as_bytes(), &node())
        .map_err(|refusal| CasesError::new(&case.policy.name, refusal))
}

/// Runs one case: each step's number (from 1), what is expected of it and what was seen, without the steps that only Envoy
/// answers.
///
/// # Errors
/// When its configuration is refused.
pub fn run(case: &Case) -> Result<Vec<(usize, &Expected, Seen)>, CasesError> {
    let seen = run_case(case)?;
    let steps = (1..).zip(&case.steps).zip(seen);
    Ok(steps
        .filter_map(|((number, step), seen)| match (&step.expect, seen) {
            (Expect::Verdict(expected), Some(seen)) => Some((number, expected, seen)),
            (Expect::Envoy { .. }, _) | (Expect::Verdict(_), None) => None,
        })
        .collect())
}

/// Runs one case: what was seen of each step, `None` for a step that only Envoy answers.
///
/// # Errors
/// When its configuration is refused.
pub fn run_case(case: &Case) -> Result<Vec<Option<Seen>>, CasesError> {
    let decided = decide_case(&configured(case)?, case)?;
    let pairs = decided.into_iter().zip(&case.steps);
    Ok(pairs.map(|(decided, step)| decided.map(|decided| seen(decided, step.upstream))).collect())
}

/// What was decided of one request.
#[derive(Debug, Clone)]
pub struct Decided {
    /// The request as the stage saw it.
    pub request: Request,
    /// The verdict.
    pub verdict: Verdict,
    /// What `%RESPONSE_CODE_DETAILS%` says; empty for a request that goes on.
    pub details: String,
}

/// Decides every step of a case, `None` for a step that only Envoy answers.
///
/// # Errors
/// A stage that asks for something that this door cannot give.
pub fn decide_case<P: Plugin>(plugin: &P, case: &Case) -> Result<Vec<Option<Decided>>, CasesError> {
    let mut state = plugin.state(SEED);
    let mut now = START;
    let mut decided = Vec::with_capacity(case.steps.len());
    for (index, step) in case.steps.iter().enumerate() {
        now = UnixMillis(now.0.saturating_add(step.after));
        decided.push(match step.expect {
            Expect::Envoy { .. } => None,
            Expect::Verdict(_) => {
                let id = RequestId(u32::try_from(index).unwrap_or_default());
                let connection = connection(&case.peer, case.transport, case.port);
                let all = Head { id, headers: headers(&step.request), connection, handover: None };
                Some(decide(plugin, &mut state, &all, now)?)
            }
        });
    }
    Ok(decided)
}

/// Decides one request of which everything is known.
///
/// # Errors
/// A stage that asks for something that this door cannot give.
pub fn decide<P: Plugin>(
    plugin: &P,
    state: &mut P::State,
    all: &Head,
    now: UnixMillis,
) -> Result<Decided, CasesError> {
    let (request, step) = plugin.decide(state, only(all, plugin.needs()), now);
    let Step::Done(verdict) = step else {
        return Err(CasesError::new("native", "a question, which this door cannot answer yet"));
    };
    let more = only(all, plugin.wants(&verdict));
    let details = plugin.report(state, Some(&request), &more, &verdict, now).details;
    Ok(Decided { request, verdict, details })
}

fn seen(decided: Decided, upstream: u16) -> Seen {
    let Decided { verdict, details, .. } = decided;
    let denial = verdict.denial();
    let shadow = verdict.shadow.as_ref();
    Seen {
        allowed: denial.is_none(),
        status: denial.map_or(upstream, |denial| denial.status),
        reason: Shown::Is(verdict.reason().code().to_owned()),
        rule: Shown::Is(verdict.rule().map(ToString::to_string)),
        shadow: Shown::Is(
            shadow.map(|denial| Because::new(denial.reason, denial.rule.as_ref().map(ToString::to_string))),
        ),
        details,
        headers: Shown::Hidden,
    }
}

/// Only what is needed of all that could be read.
fn only(all: &Head, needs: Needs) -> Head {
    let Connection { uri_san, certificate_valid, principal_state, destination_port, source_address } =
        all.connection.clone();
    Head {
        id: all.id,
        headers: if needs.headers { all.headers.clone() } else { Headers::default() },
        connection: Connection {
            uri_san: uri_san.filter(|_| needs.uri_san),
            certificate_valid: certificate_valid.filter(|_| needs.certificate_valid),
            principal_state: principal_state.filter(|_| needs.principal_state),
            destination_port: destination_port.filter(|_| needs.destination_port),
            source_address: source_address.filter(|_| needs.source_address),
        },
        handover: all.handover.clone().filter(|_| needs.handover),
    }
}

/// The header map as Envoy gives it for a request over HTTP/1.1.
pub fn headers(asked: &Asked) -> Headers {
    let mut builder = Headers::builder();
    builder.push(b":authority", &asked.host).push(b":path", &asked.path);
    builder.push(b":method", &asked.method).push(b":scheme", b"http");
    for (name, value) in &asked.headers {
        builder.push(name, value.trim_ascii());
    }
    builder.build()
}

/// What the proxy says of a connection of this caller.
pub fn connection(peer: &Caller, transport: Transport, port: u16) -> Connection {
    let name = match peer {
        Caller::Nameless => None,
        Caller::Named(name) => Some(name.clone()),
    };
    let (uri_san, certificate_valid, principal_state) = match transport {
        Transport::Tls => {
            let presented = name.is_some();
            (name, Some(presented), None)
        }
        Transport::TlsUntrusted => (name, Some(false), None),
        Transport::Plaintext => (None, None, None),
        Transport::Waypoint => (None, None, name),
    };
    let source_address = Some(b"127.0.0.1:50000".to_vec());
    Connection { uri_san, certificate_valid, principal_state, destination_port: Some(port), source_address }
}
