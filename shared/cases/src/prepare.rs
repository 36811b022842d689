//! From what is written to what is run: every field checked, every default filled in, once.

use crate::CasesError;
use crate::case::{
    Asked, Because, Caller, Case, Door, Expect, Expected, Named, Normalization, Planted, Policy, Reply,
    Server, Skip, Step, Transport,
};
use crate::credential::Credential;
use crate::format::{
    RawCase, RawCertificate, RawDoor, RawExpect, RawFile, RawGiven, RawNamed, RawNormalization, RawPlanted,
    RawProxy, RawReply, RawRequest, RawServer, RawShadow, RawSkip, RawStep, RawVerdict, RawVia, RawWorkload,
};
use crate::mint::{Key, jwks};
use crate::native;
use crate::played::{self, Form, Which};
use meshward_model::{Node, Reason};
use meshward_pipeline::split;
use serde_yaml_ng::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const DEFAULT_PORT: u16 = 8080;
const DEFAULT_HOST: &str = "orders.shop";

/// Prepares all cases of a file; `own` is the `policy.yaml` beside it.
pub(crate) fn cases(file: &str, raw: RawFile, own: Option<Policy>) -> Result<Vec<Case>, CasesError> {
    let own = own.map(Arc::new);
    let mut policies = BTreeMap::new();
    for (name, mut value) in raw.policies {
        fill_in_keys(&mut value).map_err(|error| CasesError::new(file, error))?;
        let json = serde_json::to_string(&value).map_err(|error| CasesError::new(file, error))?;
        policies.insert(name.clone(), Arc::new(Policy { name: format!("{file} `{name}`"), json }));
    }
    let mut names = BTreeSet::new();
    let mut used = BTreeSet::new();
    let mut cases = Vec::with_capacity(raw.cases.len());
    for raw in raw.cases {
        let at = format!("{file}: {}", raw.name);
        let fail = |what: String| CasesError::new(&at, what);
        if !names.insert(raw.name.clone()) {
            return Err(fail("a second case of this name; give it another".to_owned()));
        }
        let policy = match &raw.given.policy {
            Some(name) => {
                used.insert(name.clone());
                policies
                    .get(name)
                    .cloned()
                    .ok_or_else(|| fail(format!("no policy `{name}` in `policies`")))?
            }
            None => own.clone().ok_or_else(|| {
                fail("no `policy.yaml` beside the file; name one of `policies` in `given.policy`".to_owned())
            })?,
        };
        cases.push(case(&at, policy, raw).map_err(fail)?);
    }
    match policies.keys().find(|name| !used.contains(*name)) {
        Some(name) => Err(CasesError::new(file, format!("policy `{name}` is used by no case"))),
        None => Ok(cases),
    }
}

/// Puts the keys in the place of every text `jwks(…)`.
fn fill_in_keys(value: &mut Value) -> Result<(), String> {
    match value {
        Value::String(text) => {
            if let Some(names) = text.strip_prefix("jwks(").and_then(|rest| rest.strip_suffix(')')) {
                let names: Vec<_> = names.split(',').map(|name| name.trim().to_owned()).collect();
                *text = jwks_of(&names)?;
            }
            Ok(())
        }
        Value::Sequence(values) => values.iter_mut().try_for_each(fill_in_keys),
        Value::Mapping(fields) => fields.iter_mut().try_for_each(|(_, value)| fill_in_keys(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Tagged(_) => Ok(()),
    }
}

fn jwks_of(names: &[String]) -> Result<String, String> {
    let key = |name: &String| {
        let (name, called) = name.split_once(" as ").unwrap_or((name, name));
        Key::named(name).map(|key| key.called(called)).ok_or_else(|| format!("there is no key `{name}`"))
    };
    let keys = names.iter().map(key).collect::<Result<Vec<_>, _>>()?;
    Ok(jwks(&keys))
}

fn case(at: &str, policy: Arc<Policy>, raw: RawCase) -> Result<Case, String> {
    let (peer, transport) = caller(&raw.given)?;
    let skips = raw.skip.iter().map(skip).collect::<Result<Vec<_>, _>>()?;
    let waits = raw.steps.iter().any(|step| step.after > 0);
    if waits && !skips.iter().any(|skip| matches!(skip.door, Door::Envoy(..)) && skip.before.is_none()) {
        return Err("it waits, and Envoy's clock cannot be set; add `skip` for the door `envoy`".to_owned());
    }
    if raw.steps.is_empty() {
        return Err("no step; a case asks at least once".to_owned());
    }
    let named = raw.given.named.map(|RawNamed { dns, common_name }| Named { dns, common_name });
    let presented = matches!(transport, Transport::Tls | Transport::TlsUntrusted) && peer != Caller::Nameless;
    if named.is_some() && !presented {
        return Err("`named` is of a certificate, and there is none".to_owned());
    }
    let steps = raw.steps.into_iter().map(step).collect::<Result<Vec<_>, _>>()?;
    let port = raw.given.port.unwrap_or(DEFAULT_PORT);
    let servers = raw.given.servers.into_iter().map(server).collect::<Result<Vec<_>, _>>()?;
    let plugins = |names: Vec<String>| names.iter().map(|name| plugin(name)).collect::<Result<Vec<_>, _>>();
    let (without, twice) = (plugins(raw.given.without)?, plugins(raw.given.twice)?);
    let planted = raw.given.planted.map(planted).transpose()?;
    if planted.as_ref().is_some_and(|planted| without.contains(&planted.before)) {
        return Err("`planted` before a plugin that is left out".to_owned());
    }
    if let Some(Planted { before, .. }) = &planted {
        let links = played::chain(&policy.json, Form::Apart).map_err(|refusal| refusal.to_string())?;
        if !links.iter().any(|link| link.which == Which::Apart(*before)) {
            let name = before.name();
            return Err(format!(
                "`planted` before `{name}`, of which the policy's chain has none; name one that it has"
            ));
        }
    }
    let node = node(&policy.json, raw.given.workload)?;
    let name = at.to_owned();
    let normalization = raw.given.normalization.map_or(Normalization::None, normalization);
    let (advisories, differs) = (raw.advisories, raw.differs);
    Ok(Case {
        name,
        policy,
        peer,
        named,
        transport,
        port,
        node,
        servers,
        without,
        twice,
        planted,
        normalization,
        steps,
        advisories,
        differs,
        skips,
    })
}

const fn normalization(raw: RawNormalization) -> Normalization {
    match raw {
        RawNormalization::None => Normalization::None,
        RawNormalization::Base => Normalization::Base,
        RawNormalization::MergeSlashes => Normalization::MergeSlashes,
        RawNormalization::DecodeAndMergeSlashes => Normalization::DecodeAndMergeSlashes,
    }
}

fn node(policy: &str, raw: Option<RawWorkload>) -> Result<Node, String> {
    let RawWorkload { namespace, labels, proxy } = raw.unwrap_or_default();
    let node = match namespace {
        Some(namespace) => Node { namespace, ..native::node() },
        None => native::node_of(policy).map_err(|namespaces| {
            format!("the policy is for the namespaces {namespaces}; say by `given.workload.namespace` where the workload is")
        })?,
    };
    let role = proxy.map_or("", |proxy| match proxy {
        RawProxy::Sidecar => "sidecar~",
        RawProxy::Router => "router~",
        RawProxy::Waypoint => "waypoint~",
    });
    let labels = labels.map(|labels| labels.into_iter().collect());
    Ok(Node { id: format!("{role}{}", node.id), labels, ..node })
}

fn planted(raw: RawPlanted) -> Result<Planted, String> {
    Ok(Planted { bytes: raw.bytes, before: plugin(&raw.before)? })
}

fn plugin(name: &str) -> Result<split::Plugin, String> {
    let known = split::Plugin::ALL;
    known.into_iter().find(|plugin| plugin.name() == name).ok_or_else(|| {
        let names = known.map(split::Plugin::name).join(", ");
        format!("`{name}` is no plugin of a chain; those are {names}")
    })
}

fn server(raw: RawServer) -> Result<Server, String> {
    let RawServer { cluster, path, answers } = raw;
    if answers.is_empty() {
        return Err(format!("the server `{cluster}` has no `answers`; the last one stays"));
    }
    let reply = |raw: RawReply| match raw {
        RawReply { status: None, body: None, keys: None, never: true, reset: false } => Ok(Reply::Never),
        RawReply { status: None, body: None, keys: None, never: false, reset: true } => Ok(Reply::Reset),
        RawReply { status, body: None, keys: Some(keys), never: false, reset: false } => {
            Ok(Reply::Answer { status: status.unwrap_or(200), body: jwks_of(&keys)?.into_bytes() })
        }
        RawReply { status, body, keys: None, never: false, reset: false } => {
            Ok(Reply::Answer { status: status.unwrap_or(200), body: bytes(&body.unwrap_or_default())? })
        }
        RawReply { .. } => {
            Err("an answer is `never: true`, `reset: true`, or `status` with `body` or `keys`".to_owned())
        }
    };
    Ok(Server { cluster, path, answers: answers.into_iter().map(reply).collect::<Result<_, String>>()? })
}

fn caller(given: &RawGiven) -> Result<(Caller, Transport), String> {
    let nobody = if given.named.is_some() { "unnamed" } else { "anonymous" };
    let peer = given.peer.as_deref().unwrap_or(nobody);
    let untrusted = matches!(given.certificate, Some(RawCertificate::Untrusted));
    let waypoint = matches!(given.via, Some(RawVia::Waypoint));
    let (named, plaintext) = match peer {
        "anonymous" => (Caller::Nameless, false),
        "plaintext" => (Caller::Nameless, true),
        "unnamed" if waypoint => return Err("a waypoint's inner listener sees no certificate".to_owned()),
        "unnamed" => (Caller::Unnamed, false),
        name => (Caller::Named(bytes(name)?), false),
    };
    let transport = match (waypoint, plaintext, untrusted) {
        (true, true, _) => return Err("`plaintext` through a waypoint: write `anonymous`".to_owned()),
        (true, false, true) => return Err("a waypoint's inner listener sees no certificate".to_owned()),
        (true, false, false) => Transport::Waypoint,
        (false, true, true) => return Err("plaintext has no certificate".to_owned()),
        (false, true, false) => Transport::Plaintext,
        (false, false, true) => Transport::TlsUntrusted,
        (false, false, false) => Transport::Tls,
    };
    Ok((named, transport))
}

fn step(raw: RawStep) -> Result<Step, String> {
    let upstream = raw.upstream.status.unwrap_or(200);
    Ok(Step {
        after: raw.after,
        request: asked(raw.request)?,
        token: raw.token.map(Credential::new).transpose()?,
        upstream,
        expect: expect(raw.expect, upstream)?,
    })
}

fn asked(raw: RawRequest) -> Result<Asked, String> {
    let text = |text: Option<String>, default: &str| bytes(text.as_deref().unwrap_or(default));
    let headers = raw.headers.iter().map(|(name, value)| Ok((bytes(name)?, bytes(value)?)));
    Ok(Asked {
        method: text(raw.method, "GET")?,
        path: text(raw.path, "/")?,
        arrives: raw.arrives.as_deref().map(bytes).transpose()?,
        host: text(raw.host, DEFAULT_HOST)?,
        headers: headers.collect::<Result<Vec<_>, String>>()?,
        body: bytes(&raw.body)?,
    })
}

fn expect(raw: RawExpect, upstream: u16) -> Result<Expect, String> {
    match (raw.envoy, raw.verdict) {
        (Some(status), None) => {
            let alone = raw.reason.is_none() && raw.rule.is_none() && raw.status.is_none();
            let more = raw.headers.is_empty() && raw.absent.is_empty() && raw.events.is_empty();
            if alone && more && raw.shadow.is_none() {
                Ok(Expect::Envoy { status, without: None })
            } else {
                Err("what belongs to a `verdict` stands in `expect`, and no `verdict`".to_owned())
            }
        }
        (status, Some(verdict)) => {
            let allowed = verdict == RawVerdict::Allow;
            let (reason, rule) = because(allowed, raw.reason, raw.rule)?;
            let headers = raw.headers.iter().map(|(name, value)| Ok((name.clone(), bytes(value)?)));
            let expected = Expected {
                allowed,
                status: raw.status.unwrap_or(if allowed { upstream } else { reason.status() }),
                reason: reason.code().to_owned(),
                rule,
                shadow: raw
                    .shadow
                    .map(|RawShadow { reason, rule }| because(false, reason, rule))
                    .transpose()?
                    .map(|(reason, rule)| Because::new(reason, rule)),
                headers: headers.collect::<Result<Vec<_>, String>>()?,
                absent: raw.absent,
                events: raw.events,
            };
            Ok(match status {
                Some(status) => Expect::Envoy { status, without: Some(Box::new(expected)) },
                None => Expect::Verdict(expected),
            })
        }
        (None, None) => Err("`expect` wants `verdict`, `envoy`, or both".to_owned()),
    }
}

fn because(
    allowed: bool,
    code: Option<String>,
    rule: Option<String>,
) -> Result<(Reason, Option<String>), String> {
    let reason = match (code, &rule, allowed) {
        (Some(code), _, _) => *Reason::ALL
            .iter()
            .find(|known| known.code() == code)
            .ok_or_else(|| format!("`{code}` is no reason's code"))?,
        (None, Some(_), true) => Reason::AllowRule,
        (None, Some(_), false) => Reason::DenyRule,
        (None, None, _) => {
            return Err("say the `reason`, or the `rule` that allows or denies".to_owned());
        }
    };
    Ok((reason, rule))
}

fn skip(raw: &RawSkip) -> Result<Skip, String> {
    if raw.reason.trim().is_empty() {
        return Err("a skip says why".to_owned());
    }
    let before = raw.before.as_deref().map(|text| {
        let parts =
            text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        parts.ok_or_else(|| format!("`before: {text}`: write it as in \"1.40\""))
    });
    let door = match raw.door {
        RawDoor::Native => Door::Native,
        RawDoor::Host => Door::Host,
        RawDoor::Envoy => Door::Envoy(0, 0),
    };
    Ok(Skip { door, before: before.transpose()?, reason: raw.reason.clone() })
}

/// Latin-1: one character, one byte.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let byte = |letter: char| {
        u8::try_from(u32::from(letter))
            .map_err(|_| format!("`{letter}` is no byte; write UTF-8 as bytes, such as \"\\xc3\\xa9\""))
    };
    text.chars().map(byte).collect()
}

#[cfg(test)]
#[path = "prepare_tests.rs"]
mod tests;
