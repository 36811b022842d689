//! What a request is made of, and how it is bent to what a rule asks for, or almost asks for.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

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
    /// What TLS asks for (SNI); an address: nothing.
    pub(super) server_name: String,
    /// Where it comes from.
    pub(super) from: Ipv4Addr,
}

/// What a filter before both engines writes into its metadata.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Written {
    Text(String),
    List(Vec<String>),
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Facts {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) host: String,
    pub(super) headers: Vec<(String, String)>,
    /// `x-forwarded-for`
    pub(super) forwarded: Option<String>,
    pub(super) written: Option<Written>,
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

    /// Takes this part of the name. What is no SPIFFE ID is asked rarely, and on purpose, so not here.
    fn be(&mut self, about: About, wanted: &str) {
        let Self::Names { uris, .. } = self else { return };
        let Some(uri) = uris.first() else { return };
        let changed = Self::uri(renamed(uri, about, wanted));
        if changed.is_workload() {
            *self = changed;
        }
    }
}

/// A connection that this rule's words about the caller were asked of.
pub(super) fn connection(rule: Option<&Rule>, here: Here, chance: &mut Chance) -> Connection {
    let odd = odd_caller(chance);
    let name = value::base(About::Principal, here, chance);
    let mut made = Connection {
        caller: odd.clone().unwrap_or_else(|| Caller::uri(format!("spiffe://{name}"))),
        server_name: if chance.percent(10) { "10.0.0.1".to_owned() } else { "meshward.test".to_owned() },
        from: Ipv4Addr::LOCALHOST,
    };
    let asks: Vec<&Ask> = rule.map(|rule| of_one_way(rule, chance)).unwrap_or_default();
    let asks: Vec<&Ask> = asks.into_iter().filter(|ask| ask.field.is_of_the_connection()).collect();
    let bent = chance.percent(BENT).then(|| chance.below(asks.len()));
    for (at, ask) in asks.iter().enumerate() {
        let Some(wanted) = wanted(ask, bent == Some(at), here, chance) else { continue };
        let about = ask.field.about;
        if about == About::DirectAddress {
            let address = wanted.parse().ok().filter(Ipv4Addr::is_loopback);
            made.from = address.unwrap_or(made.from);
        } else if about == About::ServerName && is_server_name(&wanted) {
            made.server_name = wanted;
        } else if odd.is_none() {
            made.caller.be(about, &wanted);
        }
    }
    made
}

/// Whether a client may ask for it: other names no TLS library sends.
fn is_server_name(name: &str) -> bool {
    let good = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty()
            && label.len() < 64
            && label.bytes().all(inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() < 250 && name.split('.').all(good) && !last.bytes().all(|byte| byte.is_ascii_digit())
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

/// The URI name `uri` with this instead.
fn renamed(uri: &str, about: About, wanted: &str) -> String {
    let rest = uri.strip_prefix("spiffe://").unwrap_or(uri);
    let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
    let between =
        |begin: &str, end: &str| path.split_once(begin)?.1.split_once(end).map(|(part, _)| part.to_owned());
    let namespace = between("ns/", "/").unwrap_or_else(|| "foo".to_owned());
    let account = path.rsplit_once("sa/").map_or("web", |(_, account)| account);
    match about {
        About::Principal => format!("spiffe://{wanted}"),
        About::Namespace => format!("spiffe://{domain}/ns/{wanted}/sa/{account}"),
        About::TrustDomain => format!("spiffe://{wanted}/{path}"),
        About::ServiceAccount => {
            let (namespace, account) = wanted.split_once('/').unwrap_or((&namespace, wanted));
            format!("spiffe://{domain}/ns/{namespace}/sa/{account}")
        }
        About::RequestPrincipal
        | About::RemoteAddress
        | About::DirectAddress
        | About::DestinationAddress
        | About::ServerName
        | About::Metadata(_)
        | About::Authority
        | About::Port
        | About::Method
        | About::Path
        | About::Header(_)
        | About::Audience
        | About::Presenter
        | About::Claim(_) => uri.to_owned(),
    }
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
            forwarded: chance.percent(20).then(|| value::base(About::RemoteAddress, here, chance)),
            written: chance.percent(20).then(|| Written::Text(value::base(About::Header(""), here, chance))),
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
            About::RemoteAddress => {
                let other = value::base(About::RemoteAddress, here, chance);
                self.forwarded = Some(match chance.below(12) {
                    0 => format!("{other}, {wanted}"),
                    1 => format!("{wanted},{other}"),
                    2 => format!("{wanted}:8080"),
                    3 => format!("{wanted}, x"),
                    _ => wanted,
                });
            }
            About::Metadata(_) => {
                let listed = wanted.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                let other = value::base(About::Header(""), here, chance);
                self.written = Some(match (listed, chance.percent(85)) {
                    (Some(item), true) => {
                        Written::List(vec![other, value::matching(About::Header(""), item, here, chance)])
                    }
                    (None, false) => Written::List(vec![wanted]),
                    (Some(item), false) => Written::Text(item.to_owned()),
                    (None, true) => Written::Text(wanted),
                });
            }
            About::Port
            | About::DestinationAddress
            | About::DirectAddress
            | About::ServerName
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
            About::RemoteAddress => self.forwarded = None,
            About::Metadata(_) => self.written = None,
            About::Audience => self.take_claim(&["aud"]),
            About::Presenter => self.take_claim(&["azp"]),
            About::Claim(names) => self.take_claim(names),
            About::Principal
            | About::Namespace
            | About::ServiceAccount
            | About::TrustDomain
            | About::DirectAddress
            | About::DestinationAddress
            | About::ServerName
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
