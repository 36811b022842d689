//! `meshward can-i`: one question to a policy, decided by the same core that runs in the proxy.

use std::io::Write;
use std::path::PathBuf;

use meshward_cases::case::{Asked, Transport};
use meshward_cases::native;
use meshward_cases::proxy::Decided;
use meshward_model::{Decision, Denial, Head, NearMiss, Request, RequestId, RuleId, Verdict};
use serde_json::json;

use crate::console::{Console, Ink};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::Input;
use crate::workload::Workload;
use crate::{caller, near, policy, target};

const EXAMPLES: &str = "\
Examples:
  meshward can-i shop/web GET http://orders.shop/v1/orders/7 -p policies/namespace-isolation/policy.yaml
  meshward can-i anonymous GET /healthz -p policy.yaml --port 8081
  meshward can-i spiffe://corp.example/ns/ops/sa/console DELETE /admin/cache -p policy.yaml -H 'x-ticket: OPS-7'
  meshward can-i -q shop/web GET /orders -p policy.yaml && echo yes

Exit code 0: yes; 1: no; 3: the policy cannot be used.";

/// The status of the upstream, should it be asked.
const OK: u16 = 200;

/// Arguments of `can-i`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Who calls: a SPIFFE ID, `namespace/account`, `anonymous` (TLS without a certificate) or `plaintext`
    caller: String,
    /// The request's method
    method: String,
    /// The request's URL, or only its path
    url: String,
    /// The policy: a PluginConfig, or `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    policy: PathBuf,
    #[command(flatten)]
    workload: Workload,
    /// A request header; may be given again, also with the same name
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// The port that is called, where it is not the URL's
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// The trust domain of a caller that is written `namespace/account`
    #[arg(long, value_name = "DOMAIN", default_value = caller::DEFAULT_TRUST_DOMAIN)]
    trust_domain: String,
    /// The caller's certificate was not issued by the mesh's authority, and the listener let it in
    #[arg(long, conflicts_with = "waypoint")]
    untrusted: bool,
    /// The plugin runs in a waypoint: the caller's name stands in filter state
    #[arg(long)]
    waypoint: bool,
    /// How the answer is printed
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    output: Format,
}

/// How the answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// One JSON object
    Json,
}

pub(crate) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let head = head(&args)?;
    let (input, mut proxy) = policy::proxy(&args.policy, &args.workload)?;
    let passed = proxy.pass(head, OK);
    let decided = passed.decided.into_iter().next_back();
    let Decided { verdict, request, .. } =
        decided.ok_or_else(|| Failure::Bug("nobody decided".to_owned()))?;
    match args.output {
        Format::Text => text(&verdict, &input, &request, console)?,
        Format::Json => json(&verdict, console)?,
    }
    Ok(if verdict.denial().is_none() { Exit::Yes } else { Exit::No })
}

/// Everything that could be read of the request.
fn head(args: &Args) -> Result<Head, Failure> {
    let (peer, transport) = caller::parse(&args.caller, &args.trust_domain)?;
    let transport = match (transport, args.waypoint, args.untrusted) {
        (_, true, _) => Transport::Waypoint,
        (Transport::Tls, false, true) => Transport::TlsUntrusted,
        (transport, false, _) => transport,
    };
    let target = target::parse(&args.url)?;
    let mut host = target.authority.into_bytes();
    let mut headers = Vec::with_capacity(args.header.len());
    for header in &args.header {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Failure::usage(format!("`{header}` is no header"), "write `-H 'name: value'`"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().as_bytes().to_vec());
        if name.is_empty() {
            return Err(Failure::usage(format!("`{header}` has no name"), "write `-H 'name: value'`"));
        }
        if name == "host" {
            host = value;
        } else {
            headers.push((name.into_bytes(), value));
        }
    }
    let asked = Asked {
        method: args.method.clone().into_bytes(),
        path: target.path.into_bytes(),
        arrives: None,
        host,
        headers,
        body: Vec::new(),
    };
    Ok(Head {
        id: RequestId::default(),
        headers: native::headers(&asked),
        connection: native::connection(&peer, transport, args.port.unwrap_or(target.port)),
        handover: None,
    })
}

fn text(verdict: &Verdict, policy: &Input, request: &Request, console: &mut Console) -> Result<(), Failure> {
    let near = |denial: &Denial| {
        let near = denial.near.iter();
        near.flat_map(|near| near::lines(near, denial.reason, policy, request)).collect::<Vec<_>>()
    };
    let (word, what) = match &verdict.decision {
        Decision::Allow(allowed) => {
            (console.ink(Ink::Good, "yes"), because(allowed.reason.code(), allowed.rule.as_ref()))
        }
        Decision::Deny(denial) => {
            let what = because(denial.reason.code(), denial.rule.as_ref());
            (console.ink(Ink::Bad, "no"), format!("{what}, status {}", denial.status))
        }
    };
    writeln!(console.out(), "{word}  {what}")?;
    for line in verdict.denial().map(near).unwrap_or_default() {
        writeln!(console.out(), "    {line}")?;
    }
    if let Some(denial) = &verdict.shadow {
        let what = because(denial.reason.code(), denial.rule.as_ref());
        let word = console.ink(Ink::Note, "shadow");
        writeln!(console.out(), "{word}  the documents in shadow mode would refuse it: {what}")?;
        for line in near(denial) {
            writeln!(console.out(), "    {line}")?;
        }
    }
    if verdict.denial().is_some() {
        console.say(format_args!("`meshward explain {}` says more", verdict.reason().code()));
    }
    Ok(())
}

fn because(reason: &str, rule: Option<&RuleId>) -> String {
    rule.map_or_else(|| reason.to_owned(), |rule| format!("{rule}, {reason}"))
}

fn json(verdict: &Verdict, console: &mut Console) -> Result<(), Failure> {
    let rule = |rule: Option<&RuleId>| rule.map(ToString::to_string);
    let near = |near: &NearMiss| {
        let missed: Vec<_> =
            near.missed.iter().map(|missed| json!({"place": missed.place, "open": missed.open})).collect();
        json!({"rule": near.rule.to_string(), "missed": missed})
    };
    let denial = |denial: &Denial| json!({"reason": denial.reason.code(), "rule": rule(denial.rule.as_ref()), "near": denial.near.as_deref().map(near)});
    let answer = json!({
        "allowed": verdict.denial().is_none(),
        "reason": verdict.reason().code(),
        "rule": rule(verdict.rule()),
        "near": verdict.denial().and_then(|denial| denial.near.as_deref()).map(near),
        "status": verdict.denial().map(|denial| denial.status),
        "shadow": verdict.shadow.as_ref().map(denial),
    });
    writeln!(console.out(), "{answer}")?;
    Ok(())
}
