//! The native door: the pipelines that ship, without a proxy around them.
//!
//! A step is given only those facts that the compiled configuration asks for ([`Plugin::needs`](meshward_model::Plugin::needs)), as the adapter does, so a
//! forgotten need shows as a wrong verdict.

use crate::CasesError;
use crate::case::{Asked, Because, Caller, Case, Expected, Transport};
use crate::event;
use crate::played::Form;
use crate::proxy::{Decided, Passed, Proxy};
use crate::seen::{Seen, Shown};
use meshward_model::{Connection, Head, Headers, Needs, Node, RequestId, StageId, UnixMillis, Verdict};
use meshward_pipeline::homes;

/// When the first step of a case happens: 2026-01-01T00:00:00Z.
pub const START: UnixMillis = UnixMillis(1_767_225_600_000);

/// How long after the start the first request comes: what plugins do in their first tick is done then.
pub const SETTLING_MILLIS: u64 = 5;

/// The proxy that decides where nothing else is said: a workload `orders` in the namespace `shop`, whose labels are not known.
pub fn node() -> Node {
    let [id, namespace, workload] = ["orders.shop", "shop", "orders"].map(str::to_owned);
    Node { id, namespace, workload, labels: None }
}

/// The same, in the one namespace that a policy's documents are for, where they name one.
///
/// # Errors
/// The namespaces, where there are several.
pub fn node_of(policy: &str) -> Result<Node, String> {
    let mut namespaces = homes(policy.as_bytes()).into_iter();
    match (namespaces.next(), namespaces.next()) {
        (None, _) => Ok(node()),
        (Some(namespace), None) => Ok(Node { namespace, ..node() }),
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(namespaces);
            Err(all.map(|namespace| format!("`{namespace}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A proxy with the case's policy, in this form.
///
/// # Errors
/// When its configuration is refused, with every problem.
pub fn proxy(case: &Case, form: Form) -> Result<Proxy, CasesError> {
    let fail = |refusal: &dyn ToString| CasesError::new(&case.policy.name, refusal.to_string());
    let chain = case.chain(form).map_err(|refusal| fail(&refusal))?;
    let proxy =
        Proxy::new(&chain, &case.node, START, &case.servers).map_err(|refused| fail(&refused.what))?;
    Ok(proxy.planting(case.planted.clone()))
}

/// Runs one case: each step's number (from 1), what is expected of it and what was seen, without the steps that only Envoy
/// answers.
///
/// # Errors
/// When its configuration is refused.
pub fn run(case: &Case, form: Form) -> Result<Vec<(usize, &Expected, Seen)>, CasesError> {
    let seen = run_case(case, form)?;
    let steps = (1..).zip(&case.steps).zip(seen);
    Ok(steps.filter_map(|((number, step), seen)| Some((number, step.decided()?, seen?))).collect())
}

/// Runs one case: what was seen of each step, `None` for a step that only Envoy answers.
///
/// # Errors
/// When its configuration is refused.
pub fn run_case(case: &Case, form: Form) -> Result<Vec<Option<Seen>>, CasesError> {
    let passed = pass_case(&mut proxy(case, form)?, case);
    Ok(passed.into_iter().map(|passed| passed.map(seen)).collect())
}

/// Moves every step of a case through a proxy, `None` for a step that only Envoy answers.
pub fn pass_case(proxy: &mut Proxy, case: &Case) -> Vec<Option<Passed>> {
    // The plugins' first tick.
    proxy.wait(SETTLING_MILLIS);
    let mut passed = Vec::with_capacity(case.steps.len());
    for (index, step) in case.steps.iter().enumerate() {
        proxy.wait(step.after);
        passed.push(step.decided().map(|_| {
            let id = RequestId(u32::try_from(index).unwrap_or_default());
            let connection = connection(&case.peer, case.transport, case.port);
            let headers = headers(&step.asked_at(proxy.now()));
            proxy.pass(Head { id, headers, connection, handover: None }, step.upstream)
        }));
    }
    passed
}

fn seen(passed: Passed) -> Seen {
    let Passed { decided, status, headers, lines } = passed;
    let events = lines.iter().filter_map(|line| event::in_line(&line.text));
    let denial = decided.last().and_then(|last| last.verdict.denial());
    let verdict = denial.map_or_else(|| telling(&decided), |_| decided.last().map(|last| &last.verdict));
    let shadow = decided.iter().rev().find_map(|one| one.verdict.shadow.as_ref());
    Seen {
        allowed: denial.is_none(),
        status,
        reason: Shown::Is(verdict.map(|verdict| verdict.reason().code().to_owned()).unwrap_or_default()),
        rule: Shown::Is(verdict.and_then(|verdict| verdict.rule().map(ToString::to_string))),
        shadow: Shown::Is(
            shadow.map(|denial| Because::new(denial.reason, denial.rule.as_ref().map(ToString::to_string))),
        ),
        details: decided.last().map(|last| last.details.clone()).unwrap_or_default(),
        headers: Shown::Is(
            headers
                .into_iter()
                .map(|(name, value)| (String::from_utf8_lossy(&name).into_owned(), value))
                .collect(),
        ),
        events: Shown::Is(events.filter(|event| !event::is_of_a_missing_function(event)).collect()),
    }
}

/// The verdict that says most of why a request went on: what a rule says, then who the caller is, then the rest.
fn telling(decided: &[Decided]) -> Option<&Verdict> {
    let weight = |verdict: &Verdict| match verdict.reason().stage() {
        Some(StageId::Authz) => 4,
        Some(StageId::Authn) => 3,
        Some(StageId::Ratelimit) => 2,
        Some(StageId::Penalty) => 1,
        Some(StageId::Sentinel | StageId::Probe) | None => 0,
    };
    decided.iter().map(|one| &one.verdict).max_by_key(|verdict| weight(verdict))
}

/// Only what is needed of all that could be read, as the adapter reads it.
pub fn only(all: &Head, needs: Needs) -> Head {
    let Connection {
        uri_san,
        certificate_presented,
        certificate_valid,
        principal_state,
        destination_port,
        source_address,
    } = all.connection.clone();
    Head {
        id: all.id,
        headers: if needs.headers { all.headers.clone() } else { Headers::default() },
        connection: Connection {
            certificate_presented: certificate_presented
                .filter(|_| needs.uri_san && uri_san.as_deref().is_none_or(<[u8]>::is_empty)),
            uri_san: uri_san.filter(|_| needs.uri_san),
            certificate_valid: certificate_valid.filter(|_| needs.certificate_valid),
            principal_state: principal_state.filter(|_| needs.principal_state),
            destination_port: destination_port.filter(|_| needs.destination_port),
            source_address: source_address.filter(|_| needs.source_address),
        },
        handover: all.handover.clone().filter(|_| needs.handover),
    }
}

/// The header map as Envoy gives it for a request over HTTP/1.1: without what `connection` names (RFC 9110 §7.6.1).
pub fn headers(asked: &Asked) -> Headers {
    let mut builder = Headers::builder();
    let path = asked.arrives.as_ref().unwrap_or(&asked.path);
    builder.push(b":authority", &asked.host).push(b":path", path);
    builder.push(b":method", &asked.method).push(b":scheme", b"http");
    let is_hops = |name: &[u8]| name.eq_ignore_ascii_case(b"connection");
    let options = asked.headers.iter().filter(|(name, _)| is_hops(name));
    let options = options.flat_map(|(_, value)| value.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii);
    let taken: Vec<&[u8]> = options.collect();
    let stays = |name: &[u8]| !is_hops(name) && !taken.iter().any(|one| one.eq_ignore_ascii_case(name));
    for (name, value) in asked.headers.iter().filter(|(name, _)| stays(name)) {
        builder.push(name, value.trim_ascii());
    }
    builder.build()
}

/// What the proxy says of a connection of this caller.
pub fn connection(peer: &Caller, transport: Transport, port: u16) -> Connection {
    let name = match peer {
        Caller::Nameless | Caller::Unnamed => None,
        Caller::Named(name) => Some(name.clone()),
    };
    let presented = *peer != Caller::Nameless;
    let certificate_presented = match transport {
        Transport::Tls | Transport::TlsUntrusted => Some(presented),
        Transport::Plaintext | Transport::Waypoint => Some(false),
    };
    let (uri_san, certificate_valid, principal_state) = match transport {
        Transport::Tls => (name, Some(presented), None),
        Transport::TlsUntrusted => (name, Some(false), None),
        Transport::Plaintext => (None, None, None),
        Transport::Waypoint => (None, None, name),
    };
    let source_address = Some(b"127.0.0.1:50000".to_vec());
    let destination_port = Some(port);
    Connection {
        uri_san,
        certificate_presented,
        certificate_valid,
        principal_state,
        destination_port,
        source_address,
    }
}
