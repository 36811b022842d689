//! The native door: the pipeline that ships, without a proxy around it.
//!
//! A step is given only those facts that the compiled configuration asks for ([`Plugin::needs`]), as the adapter does, so a
//! forgotten need shows as a wrong verdict.

use crate::CorpusError;
use crate::case::{Asked, Because, Caller, Case, Door, Expect, Transport};
use crate::check::{Finding, differences};
use crate::seen::{Seen, Shown};
use crate::tally::Tally;
use meshward_model::{Connection, Head, Headers, Needs, Node, Plugin, RequestId, Step, UnixMillis, Verdict};
use meshward_pipeline::Authz;

/// When the first step of a case happens: 2026-01-01T00:00:00Z.
const START: UnixMillis = UnixMillis(1_767_225_600_000);

/// The proxy that decides: a workload `orders` in the namespace `shop`.
pub fn node() -> Node {
    Node { id: "orders.shop".to_owned(), namespace: "shop".to_owned(), workload: "orders".to_owned() }
}

/// Runs all cases.
///
/// # Errors
/// A configuration that is refused; configurations that must be are not in cases.
pub fn run(cases: &[Case]) -> Result<(Tally, Vec<Finding>), CorpusError> {
    let mut tally = Tally::new("native");
    let mut findings = Vec::new();
    for case in cases {
        if let Some(reason) = case.skipped_by(Door::Native) {
            tally.skip(case, reason);
            continue;
        }
        tally.cases += 1;
        for (index, seen) in run_case(case)?.into_iter().enumerate() {
            match (seen, case.steps.get(index).map(|step| &step.expect)) {
                (Some(seen), Some(Expect::Verdict(expected))) => {
                    tally.steps += 1;
                    let found = differences(expected, &seen).into_iter();
                    findings.extend(found.map(|what| Finding {
                        case: case.name.clone(),
                        step: index + 1,
                        what,
                    }));
                }
                (None | Some(_), None | Some(Expect::Envoy { .. })) | (None, Some(Expect::Verdict(_))) => {
                    tally.envoys_own += 1;
                }
            }
        }
    }
    tally.done();
    Ok((tally, findings))
}

/// Runs one case: what was seen of each step, `None` for a step that only Envoy answers.
///
/// # Errors
/// When its configuration is refused.
pub fn run_case(case: &Case) -> Result<Vec<Option<Seen>>, CorpusError> {
    run_as::<Authz>(case)
}

fn run_as<P: Plugin>(case: &Case) -> Result<Vec<Option<Seen>>, CorpusError> {
    let plugin = P::configure(case.policy.json.as_bytes(), &node())
        .map_err(|refusal| CorpusError::new(&case.policy.name, refusal))?;
    let mut state = P::State::default();
    let mut now = START;
    let mut seen = Vec::with_capacity(case.steps.len());
    for (index, step) in case.steps.iter().enumerate() {
        now = UnixMillis(now.0.saturating_add(step.after));
        seen.push(match step.expect {
            Expect::Envoy { .. } => None,
            Expect::Verdict(_) => {
                let id = RequestId(u32::try_from(index).unwrap_or_default());
                let all = Head { id, headers: headers(&step.request), connection: connection(case) };
                Some(decide(&plugin, &mut state, &all, now, step.upstream)?)
            }
        });
    }
    Ok(seen)
}

fn decide<P: Plugin>(
    plugin: &P,
    state: &mut P::State,
    all: &Head,
    now: UnixMillis,
    upstream: u16,
) -> Result<Seen, CorpusError> {
    let (request, step) = plugin.decide(state, only(all, plugin.needs()), now);
    let verdict = match step {
        Step::Done(verdict) => verdict,
        Step::Ask(..) => {
            return Err(CorpusError::new("native", "a question, which this door cannot answer yet"));
        }
    };
    let more = only(all, plugin.wants(&verdict));
    let details = plugin.report(Some(&request), &more, &verdict, now).details;
    Ok(seen(&verdict, details, upstream))
}

fn seen(verdict: &Verdict, details: String, upstream: u16) -> Seen {
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
    let Connection { uri_san, certificate_valid, principal_state, destination_port } = all.connection.clone();
    Head {
        id: all.id,
        headers: if needs.headers { all.headers.clone() } else { Headers::default() },
        connection: Connection {
            uri_san: uri_san.filter(|_| needs.uri_san),
            certificate_valid: certificate_valid.filter(|_| needs.certificate_valid),
            principal_state: principal_state.filter(|_| needs.principal_state),
            destination_port: destination_port.filter(|_| needs.destination_port),
        },
    }
}

/// The header map as Envoy gives it for a request over HTTP/1.1.
fn headers(asked: &Asked) -> Headers {
    let mut builder = Headers::builder();
    builder.push(b":authority", &asked.host).push(b":path", &asked.path);
    builder.push(b":method", &asked.method).push(b":scheme", b"http");
    for (name, value) in &asked.headers {
        builder.push(name, value.trim_ascii());
    }
    builder.build()
}

fn connection(case: &Case) -> Connection {
    let name = match &case.peer {
        Caller::Nameless => None,
        Caller::Named(name) => Some(name.clone()),
    };
    let presented = name.is_some();
    let port = Some(case.port);
    match case.transport {
        Transport::Tls => Connection {
            uri_san: name,
            certificate_valid: Some(presented),
            principal_state: None,
            destination_port: port,
        },
        Transport::TlsUntrusted => Connection {
            uri_san: name,
            certificate_valid: Some(false),
            principal_state: None,
            destination_port: port,
        },
        Transport::Plaintext => Connection {
            uri_san: None,
            certificate_valid: None,
            principal_state: None,
            destination_port: port,
        },
        Transport::Waypoint => Connection {
            uri_san: None,
            certificate_valid: None,
            principal_state: name,
            destination_port: port,
        },
    }
}
