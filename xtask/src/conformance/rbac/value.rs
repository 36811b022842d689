//! Values as policies write them, what a request must hold to match one, and what almost matches.

use std::net::Ipv4Addr;

use super::address;
use super::chance::Chance;
use super::field::About::{self, Audience, Authority, Claim, DestinationAddress, DirectAddress, Header};
use super::field::About::{Metadata, Method, Namespace, Path, Port, Presenter, Principal, RemoteAddress};
use super::field::About::{RequestPrincipal, ServerName, ServiceAccount, TrustDomain};
use super::field::Shape;

const DOMAINS: &[&str] = &["cluster.local", "td1", "east.example.com", "cluster.local.eu"];
const NAMESPACES: &[&str] = &["foo", "bar", "foo-bar", "prod", "prod-eu", "a"];
const ACCOUNTS: &[&str] = &["web", "orders", "web-v2", "bookinfo-ratings", "a", "default"];
/// Who issues tokens.
pub(super) const ISSUERS: &[&str] =
    &["https://id.example", "id.example", "https://id.example/realms/shop", "me@id.example"];
const SUBJECTS: &[&str] = &["alice", "bob", "svc-orders", "a", "alice.b"];
const HOSTS: &[&str] =
    &["example.com", "api.example.com", "shop.internal:8080", "10.0.0.1", "localhost", "API.Example.com"];
const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"];
const PATHS: &[&str] = &[
    "/",
    "/api/v1/orders",
    "/api/v1/orders/42",
    "/api/v1",
    "/admin",
    "/store/a/cart",
    "/store/a/b/cart",
    "/healthz",
    "/files/a%20b.txt",
    "/a.b",
    "/API/v1/orders",
];
const HEADERS: &[&str] = &["admin", "viewer", "admin,viewer", "team-a", "a", "Admin", "a b", "*"];
const CLAIMS: &[&str] = &["admin", "viewer", "group-1", "a", "read:orders", "Admin", "https://api.example"];
const REMOTE: &[&str] =
    &["10.0.0.1", "10.0.0.2", "10.1.2.3", "192.168.1.77", "127.0.0.1", "203.0.113.9", "10.255.255.255"];
const REMOTE6: &[&str] = &["2001:db8::1", "2001:db8:0:1::5", "::1", "2001:db8:ffff::", "fe80::1"];
/// Where clients on loopback may come from.
const DIRECT: &[&str] = &["127.0.0.1", "127.0.0.2", "127.1.2.3", "127.255.255.254", "127.0.1.0"];
const SERVER_NAMES: &[&str] = &[
    "meshward.test",
    "api.example.com",
    "a.example.com",
    "outbound_.8080_._.httpbin.foo.svc.cluster.local",
    "x",
];

/// Where the listener of a set is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here {
    pub(super) address: Ipv4Addr,
    pub(super) port: u16,
}

/// A plain value.
pub(super) fn base(about: About, here: Here, chance: &mut Chance) -> String {
    match about {
        Principal => {
            let (domain, account) = (chance.word(DOMAINS), chance.word(ACCOUNTS));
            format!("{domain}/ns/{}/sa/{account}", chance.word(NAMESPACES))
        }
        Namespace => chance.word(NAMESPACES),
        ServiceAccount => format!("{}/{}", chance.word(NAMESPACES), chance.word(ACCOUNTS)),
        TrustDomain => chance.word(DOMAINS),
        RequestPrincipal => format!("{}/{}", chance.word(ISSUERS), chance.word(SUBJECTS)),
        Authority | Header("host") => chance.word(HOSTS),
        Port => {
            let own = here.port;
            let ports = [own, own, own.wrapping_add(1), own.wrapping_sub(1), own / 10, 80, 8080];
            chance.pick(&ports).map_or_else(String::new, u16::to_string)
        }
        Method | Header(":method") => chance.word(METHODS),
        Path => chance.word(PATHS),
        Header(":path") => {
            let query = if chance.percent(40) { "?x=1" } else { "" };
            format!("{}{query}", chance.word(PATHS))
        }
        RemoteAddress => chance.word(REMOTE),
        DirectAddress => chance.word(DIRECT),
        DestinationAddress if chance.percent(70) => here.address.to_string(),
        DestinationAddress => chance.word(DIRECT),
        ServerName => chance.word(SERVER_NAMES),
        Header(_) | Metadata(_) => chance.word(HEADERS),
        Audience | Presenter | Claim(_) => chance.word(CLAIMS),
    }
}

/// A value of this form.
pub(super) fn text(about: About, shape: Shape, here: Here, chance: &mut Chance) -> String {
    let base = base(about, here, chance);
    match shape {
        Shape::Exact | Shape::Qualified | Shape::Address => base,
        Shape::Block => address::block(&base, chance),
        Shape::Address6 => chance.word(REMOTE6),
        Shape::Block6 => address::block(&chance.word(REMOTE6), chance),
        Shape::Listed => {
            let shapes = [Shape::Exact, Shape::Prefix, Shape::Suffix, Shape::Any];
            let shape = chance.pick(&shapes).copied().unwrap_or(Shape::Any);
            format!("[{}]", text(about, shape, here, chance))
        }
        Shape::Prefix if about == RequestPrincipal => format!("{}*", parted(&issuer(&base), chance).0),
        Shape::Suffix if about == RequestPrincipal => format!("*{}", parted(&subject(&base), chance).1),
        Shape::Prefix => format!("{}*", parted(&base, chance).0),
        Shape::Suffix => format!("*{}", parted(&base, chance).1),
        Shape::Any => "*".to_owned(),
        Shape::Middle => format!("*{}*", parted(&parted(&base, chance).1, chance).0),
        Shape::Inner => {
            let (begin, rest) = parted(&base, chance);
            format!("{begin}*{}", parted(&rest, chance).1)
        }
        Shape::OneSegment => one_segment(&base, chance),
        Shape::Rest => format!("{}/{{**}}", cut_at_segment(&base, chance)),
        Shape::RestThen => {
            let last = base.rsplit('/').next().filter(|last| !last.is_empty()).unwrap_or("cart");
            format!("{}/{{**}}/{last}", cut_at_segment(&base, chance))
        }
        Shape::AnySubject => format!("{}/*", issuer(&base)),
        Shape::SubjectPrefix => format!("{}/{}*", issuer(&base), parted(&subject(&base), chance).0),
        Shape::AnyIssuer => format!("*/{}", subject(&base)),
        Shape::SuffixIssuer => format!("*{}/{}", parted(&issuer(&base), chance).1, subject(&base)),
        Shape::StarStar => "*/*".to_owned(),
        Shape::Bare if about == ServiceAccount => chance.word(ACCOUNTS),
        Shape::Bare => "issuer-without-slash".to_owned(),
    }
}

/// Issuer and subject as Istio parts them: at the last slash.
pub(super) fn issuer(principal: &str) -> String {
    principal.rsplit_once('/').map_or(principal, |(issuer, _)| issuer).to_owned()
}

/// See [`issuer`].
pub(super) fn subject(principal: &str) -> String {
    principal.rsplit_once('/').map_or("", |(_, subject)| subject).to_owned()
}

/// Two parts of which neither is empty, where that can be.
fn parted(text: &str, chance: &mut Chance) -> (String, String) {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).skip(1).collect();
    match chance.pick(&places).and_then(|at| text.split_at_checked(*at)) {
        Some((begin, end)) => (begin.to_owned(), end.to_owned()),
        None => (text.to_owned(), text.to_owned()),
    }
}

fn one_segment(path: &str, chance: &mut Chance) -> String {
    let mut segments: Vec<&str> = path.split('/').skip(1).collect();
    let at = chance.below(segments.len());
    segments.get_mut(at).into_iter().for_each(|segment| *segment = "{*}");
    if chance.percent(20) {
        segments.push(if chance.percent(50) { "{*}" } else { "{**}" });
    }
    format!("/{}", segments.join("/"))
}

fn cut_at_segment(path: &str, chance: &mut Chance) -> String {
    let ends: Vec<usize> = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).collect();
    let end = chance.pick(&ends).copied().unwrap_or_default();
    path.get(..end).unwrap_or_default().trim_end_matches('/').to_owned()
}

/// Something that a value matches, as far as anything can.
pub(super) fn matching(about: About, value: &str, here: Here, chance: &mut Chance) -> String {
    if value.contains("{*}") || value.contains("{**}") {
        let segment = chance.word(&["x", "a.b", "42"]);
        let rest = chance.word(&["", "x", "x/y", "a/b/c", "cart"]);
        return value.replace("{**}", &rest).replace("{*}", &segment);
    }
    if is_address(about) {
        return address::inside(value, chance);
    }
    if about == Namespace {
        let mut parts = value.split('*');
        let first = parts.next().unwrap_or_default().to_owned();
        return parts.fold(first, |so_far, part| so_far + &filling(about, here, chance) + part);
    }
    match (value.strip_prefix('*'), value.strip_suffix('*')) {
        _ if value == "*" => base(about, here, chance),
        (Some(end), _) => filling(about, here, chance) + end,
        (None, Some(begin)) => begin.to_owned() + &filling(about, here, chance),
        (None, None) => value.to_owned(),
    }
}

/// What may stand for a star.
fn filling(about: About, here: Here, chance: &mut Chance) -> String {
    let base = base(about, here, chance);
    match chance.below(5) {
        0 => String::new(),
        1 => "x".to_owned(),
        2 => parted(&base, chance).0,
        3 => parted(&base, chance).1,
        _ => base,
    }
}

fn is_address(about: About) -> bool {
    matches!(about, RemoteAddress | DirectAddress | DestinationAddress)
}

/// The same but for one small thing, or another value.
pub(super) fn near(about: About, text: &str, here: Here, chance: &mut Chance) -> String {
    if is_address(about) && chance.percent(80) {
        return address::beside(text, chance);
    }
    let mut characters: Vec<char> = text.chars().collect();
    let at = chance.below(characters.len());
    match chance.below(9) {
        0 => characters.get_mut(at).into_iter().for_each(|character| *character = other_case(*character)),
        1 => drop(characters.pop()),
        2 => drop((!characters.is_empty()).then(|| characters.remove(0))),
        3 => characters.extend(chance.word(&["x", "/", ".", "-", "/x", ":80", "?a=b", ","]).chars()),
        4 => drop(characters.splice(0..0, chance.word(&["x", "/", ".", "a-", "/x"]).chars())),
        5 => characters.get_mut(at).into_iter().for_each(|character| *character = 'x'),
        6 => characters.insert(at, '-'),
        7 => characters.extend(text.chars()),
        _ => return base(about, here, chance),
    }
    characters.into_iter().collect()
}

fn other_case(character: char) -> char {
    if character.is_ascii_lowercase() {
        character.to_ascii_uppercase()
    } else {
        character.to_ascii_lowercase()
    }
}
