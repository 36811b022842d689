//! What a request is made of, and how it is bent to what a rule asks for, or almost asks for.

use std::collections::BTreeMap;

use meshward_model::SpiffeId;
use serde_json::{Map, Value, json};

use super::chance::Chance;
use super::field::{About, Field};
use super::set::{Ask, Rule};
use super::value::{self, Here};

/// Who connects: the names in the certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    /// No certificate at all.
    Nobody,
    /// A certificate with these URI names, DNS names and common name.
    Names { uris: Vec<String>, dns: Vec<String>, common_name: String },
}

/// What many requests share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Connection {
    pub(super) caller: Caller,
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) host: String,
    pub(super) headers: Vec<(String, String)>,
    /// The token's claims.
    pub(super) token: Option<Map<String, Value>>,
}

/// How often a request that fits a rule is bent.
const BENT: usize = 45;

impl Caller {
    /// A certificate with this URI name.
    pub(super) fn uri(name: String) -> Self {
        Self::Names { uris: vec![name], dns: Vec::new(), common_name: String::new() }
    }

    /// Whether its first URI name is the SPIFFE ID of a workload.
    pub(super) fn is_workload(&self) -> bool {
        let Self::Names { uris, .. } = self else { return false };
        let id = uris.first().and_then(|uri| SpiffeId::parse(uri.as_bytes()).ok());
        id.is_some_and(|id| !id.path().is_empty())
    }

    fn uri_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Nobody => None,
            Self::Names { uris, .. } => uris.first_mut(),
        }
    }
}

/// A connection that this rule's words about the caller were asked of.
pub(super) fn connection(rule: Option<&Rule>, here: Here, chance: &mut Chance) -> Connection {
    if let Some(odd) = odd_caller(chance) {
        return Connection { caller: odd };
    }
    let name = value::base(About::Principal, here, chance);
    let mut caller = Caller::uri(format!("spiffe://{name}"));
    let asks: Vec<&Ask> = rule.map(|rule| of_one_way(rule, chance)).unwrap_or_default();
    let asks: Vec<&Ask> = asks.into_iter().filter(|ask| ask.field.is_of_the_connection()).collect();
    let bent = chance.percent(BENT).then(|| chance.below(asks.len()));
    for (at, ask) in asks.iter().enumerate() {
        let wanted = wanted(ask, bent == Some(at), here, chance);
        let Some(wanted) = wanted else { continue };
        let before = caller.clone();
        name_caller(&mut caller, ask.field.about, &wanted);
        // What is no SPIFFE ID is asked rarely, and on purpose.
        if !caller.is_workload() {
            caller = before;
        }
    }
    Connection { caller }
}

/// Callers that few policies think of.
fn odd_caller(chance: &mut Chance) -> Option<Caller> {
    let names = |uris: &[&str], dns: &[&str], common_name: &str| Caller::Names {
        uris: uris.iter().map(|name| (*name).to_owned()).collect(),
        dns: dns.iter().map(|name| (*name).to_owned()).collect(),
        common_name: common_name.to_owned(),
    };
    match chance.below(400) {
        0..44 => Some(Caller::Nobody),
        44 => Some(names(&[], &["web.foo.svc.cluster.local"], "")),
        45 => Some(names(&[], &[], "web")),
        46 => Some(names(&["https://example.com/ns/foo/sa/web"], &[], "")),
        47 => Some(names(&["spiffe://td1/ns/bar/sa/a", "spiffe://cluster.local/ns/foo/sa/web"], &[], "")),
        48 => Some(names(&["spiffe://Cluster.Local/ns/foo/sa/web"], &[], "")),
        49..52 => Some(names(&["spiffe://cluster.local/ns/foo/x/ns/bar/sa/web"], &[], "")),
        52..55 => Some(names(&["spiffe://cluster.local/ns/foo/sa/web/sa/a"], &[], "")),
        55 => Some(names(&["spiffe://cluster.local"], &[], "")),
        56 => Some(names(&["spiffe://cluster.local/ns/foo/sa/web"], &["web.foo"], "web")),
        _ => None,
    }
}

fn name_caller(caller: &mut Caller, about: About, wanted: &str) {
    let Some(uri) = caller.uri_mut() else { return };
    let rest = uri.strip_prefix("spiffe://").unwrap_or(uri);
    let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
    let between =
        |begin: &str, end: &str| path.split_once(begin)?.1.split_once(end).map(|(part, _)| part.to_owned());
    let namespace = between("ns/", "/").unwrap_or_else(|| "foo".to_owned());
    let account = path.rsplit_once("sa/").map_or("web", |(_, account)| account);
    *uri = match about {
        About::Principal => format!("spiffe://{wanted}"),
        About::Namespace => format!("spiffe://{domain}/ns/{wanted}/sa/{account}"),
        About::TrustDomain => format!("spiffe://{wanted}/{path}"),
        About::ServiceAccount => {
            let (namespace, account) = wanted.split_once('/').unwrap_or((&namespace, wanted));
            format!("spiffe://{domain}/ns/{namespace}/sa/{account}")
        }
        About::RequestPrincipal
        | About::Authority
        | About::Port
        | About::Method
        | About::Path
        | About::Header(_)
        | About::Audience
        | About::Presenter
        | About::Claim(_) => return,
    };
}

/// The asks of one way through a rule: an entry of `from`, one of `to`, all of `when`.
fn of_one_way<'r>(rule: &'r Rule, chance: &mut Chance) -> Vec<&'r Ask> {
    let from = chance.pick(&rule.from).into_iter().flatten();
    let to = chance.pick(&rule.to).into_iter().flatten();
    from.chain(to).chain(&rule.when).collect()
}

/// What a request is to hold for this ask; `None`: nothing at all.
fn wanted(ask: &Ask, bent: bool, here: Here, chance: &mut Chance) -> Option<String> {
    let about = ask.field.about;
    // Now and then what must not be there.
    let list = if ask.values.is_empty() || chance.percent(12) { &ask.not_values } else { &ask.values };
    let is_negative = std::ptr::eq(list, &ask.not_values);
    if is_negative && !bent && chance.percent(70) {
        return chance.percent(70).then(|| value::base(about, here, chance));
    }
    let value = chance.pick(list).map_or("*", String::as_str);
    let fits = value::matching(about, value, here, chance);
    Some(if bent { value::near(about, &fits, here, chance) } else { fits })
}

impl Facts {
    /// A request to which this rule's words were put.
    pub(super) fn new(rule: Option<&Rule>, here: Here, chance: &mut Chance) -> Self {
        let mut facts = Self {
            method: if chance.percent(60) {
                "GET".to_owned()
            } else {
                value::base(About::Method, here, chance)
            },
            path: value::base(About::Path, here, chance),
            host: value::base(About::Authority, here, chance),
            headers: Vec::new(),
            token: chance.percent(45).then(|| some_claims(here, chance)),
        };
        let asks = rule.map(|rule| of_one_way(rule, chance)).unwrap_or_default();
        let asks: Vec<&Ask> = asks.into_iter().filter(|ask| !ask.field.is_of_the_connection()).collect();
        let bent = chance.percent(BENT).then(|| chance.below(asks.len()));
        for (at, ask) in asks.iter().enumerate() {
            match wanted(ask, bent == Some(at), here, chance) {
                Some(wanted) => facts.put(ask.field, wanted, here, chance),
                None => facts.take(ask.field.about),
            }
        }
        if chance.percent(15) {
            facts.path.push_str(&chance.word(&[
                "?x=1",
                "?",
                "?a=/admin",
                "/",
                "//",
                ";v=1",
                "/..",
                "/.",
                "%2e",
                "%2F",
            ]));
        }
        facts.repair();
        facts
    }

    fn put(&mut self, field: &Field, wanted: String, here: Here, chance: &mut Chance) {
        match field.about {
            About::Authority | About::Header("host") => self.host = wanted,
            About::Method | About::Header(":method") => self.method = wanted,
            About::Path | About::Header(":path") => self.path = wanted,
            About::Header(name) => self.put_header(name, wanted, here, chance),
            About::RequestPrincipal => {
                let claims = self.token.get_or_insert_with(|| some_claims(here, chance));
                claims.insert("iss".to_owned(), json!(value::issuer(&wanted)));
                claims.insert("sub".to_owned(), json!(value::subject(&wanted)));
            }
            About::Audience => self.put_claim(&["aud"], &wanted, here, chance),
            About::Presenter => self.put_claim(&["azp"], &wanted, here, chance),
            About::Claim(names) => self.put_claim(names, &wanted, here, chance),
            About::Port
            | About::Principal
            | About::Namespace
            | About::ServiceAccount
            | About::TrustDomain => {}
        }
    }

    fn take(&mut self, about: About) {
        match about {
            About::Header(name) => self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name)),
            About::RequestPrincipal => self.token = None,
            About::Audience => self.take_claim(&["aud"]),
            About::Presenter => self.take_claim(&["azp"]),
            About::Claim(names) => self.take_claim(names),
            About::Principal
            | About::Namespace
            | About::ServiceAccount
            | About::TrustDomain
            | About::Authority
            | About::Port
            | About::Method
            | About::Path => {}
        }
    }

    fn take_claim(&mut self, names: &[&str]) {
        let first = names.first().copied().unwrap_or_default();
        self.token.iter_mut().for_each(|claims| drop(claims.remove(first)));
    }

    fn put_header(&mut self, name: &str, wanted: String, here: Here, chance: &mut Chance) {
        let name = match chance.below(4) {
            0 => name.to_ascii_uppercase(),
            1 => name.to_ascii_lowercase(),
            _ => name.to_owned(),
        };
        let other = value::base(About::Header(""), here, chance);
        match chance.below(12) {
            0 => self.headers.extend([(name.clone(), wanted), (name, other)]),
            1 => self.headers.extend([(name.clone(), other), (name, wanted)]),
            2 => self.headers.push((name, format!("{wanted},{other}"))),
            3 => self.headers.push((name, format!(" {wanted} "))),
            4 => self.headers.extend([(name.clone(), wanted), (name, String::new())]),
            _ => self.headers.push((name, wanted)),
        }
    }

    fn put_claim(&mut self, names: &[&str], wanted: &str, here: Here, chance: &mut Chance) {
        let is_audience = names == ["aud"];
        let value = match chance.below(12) {
            0..6 => json!(wanted),
            6 | 7 => json!([wanted]),
            8 => json!([value::base(About::Presenter, here, chance), wanted]),
            9 => json!(format!("{} {wanted}", value::base(About::Presenter, here, chance))),
            _ if is_audience => json!([]),
            10 => chance
                .pick(&[json!(7), json!(true), json!(null), json!({"a": wanted})])
                .cloned()
                .unwrap_or_default(),
            _ => json!([[wanted], 7, {"a": wanted}, true, null]),
        };
        let claims = self.token.get_or_insert_with(|| some_claims(here, chance));
        if let Some((last, before)) = names.split_last() {
            let inner = json!({*last: value});
            let all = before.iter().rev().fold(inner, |inner, name| json!({*name: inner}));
            claims.extend(all.as_object().cloned().unwrap_or_default());
        }
    }

    /// What no client could send, or Envoy would never take, is made sendable.
    fn repair(&mut self) {
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !self.path.starts_with('/') {
            self.path.insert(0, '/');
        }
        self.path.retain(|character| character.is_ascii_graphic() && character != '#');
        if self.method.is_empty()
            || !self.method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            self.method = "GET".to_owned();
        }
        if self.host.is_empty() || !visible(&self.host) {
            self.host = "example.com".to_owned();
        }
    }
}

/// Claims of somebody.
fn some_claims(here: Here, chance: &mut Chance) -> Map<String, Value> {
    let principal = value::base(About::RequestPrincipal, here, chance);
    let mut claims = BTreeMap::from([("iss", json!(value::issuer(&principal)))]);
    if chance.percent(85) {
        claims.insert("sub", json!(value::subject(&principal)));
    }
    for name in ["aud", "azp", "groups"] {
        if chance.percent(40) {
            claims.insert(name, json!(value::base(About::Presenter, here, chance)));
        }
    }
    claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
