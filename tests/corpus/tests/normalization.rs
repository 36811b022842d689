//! Every escape, and thousands of ways up a path, through a real Envoy at each of Istio's levels of normalisation: what arrives is what the
//! level says, and nothing arrives that some reader could take for what a strict document refuses.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected and counted, and stops"
)]

use meshward_corpus::engines;
use meshward_corpus::stand::{self, Stand};
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::Http;
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;

const POLICY: &str = r#"
apiVersion: meshward.io/v1alpha1
kind: PluginConfig
peerVerifiedBy: transport
documents:
  - apiVersion: meshward.io/v1alpha1
    kind: AccessPolicy
    metadata: {name: guard, namespace: shop}
    spec:
      action: DENY
      otherwise: allow
      rules:
        - to: [{operation: {paths: [/admin, "/admin/*"]}}]
"#;

/// Istio's levels, each doing what those before it do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    None,
    Base,
    MergeSlashes,
    DecodeAndMergeSlashes,
}

impl Level {
    const ALL: [Self; 4] = [Self::None, Self::Base, Self::MergeSlashes, Self::DecodeAndMergeSlashes];

    fn http(self) -> Http {
        let escaped =
            if self == Self::DecodeAndMergeSlashes { "UNESCAPE_AND_FORWARD" } else { "KEEP_UNCHANGED" };
        Http {
            normalize_path: Some(self > Self::None),
            merge_slashes: Some(self > Self::Base),
            path_with_escaped_slashes_action: Some(escaped.to_owned()),
            ..Http::default()
        }
    }
}

/// Envoy with a listener for each level.
struct Levels {
    stand: Stand,
    _envoy: Envoy,
    ports: Vec<Reserved>,
}

impl Levels {
    fn start() -> Self {
        let stand = Stand::new().unwrap_or_else(|remedy| panic!("{remedy}"));
        let configuration = stand::configuration(POLICY).expect("YAML");
        let ports = Level::ALL.map(|_| Reserved::loopback().expect("a port"));
        let listeners = Level::ALL.iter().zip(&ports);
        let listeners = listeners.map(|(level, port)| {
            let listener = stand.listener(port.address(), level.http(), &configuration);
            listener.named(&format!("{level:?}"))
        });
        let binary = engines::main().unwrap_or_else(|remedy| panic!("{remedy}"));
        let bootstrap = stand.bootstrap(listeners.collect());
        let envoy = stand.envoy(&binary, &bootstrap).start().expect("Envoy starts");
        Self { stand, _envoy: envoy, ports: ports.into() }
    }

    fn clients(&self) -> impl Iterator<Item = (Level, Client)> {
        Level::ALL.into_iter().zip(self.ports.iter().map(|port| Client::plain(port.address())))
    }

    /// The status, and the path that arrived at the upstream.
    fn ask(&self, client: &mut Client, path: &str) -> (u16, Option<String>) {
        let before = self.stand.echo.count();
        let answer = client.send(&RawRequest::get(path));
        let status = answer.unwrap_or_else(|error| panic!("{path}: {error}")).status;
        let arrived = (self.stand.echo.count() > before).then(|| self.stand.echo.last()).flatten();
        let path = |seen: serde_json::Value| seen.get("path")?.as_str().map(str::to_owned);
        (status, arrived.and_then(path))
    }
}

#[test]
fn every_escape_arrives_as_the_level_says_or_is_refused() {
    let levels = Levels::start();
    let (mut arrived, mut refused) = (0_u32, 0_u32);
    for (level, mut client) in levels.clients() {
        for byte in 0..=u8::MAX {
            for path in [format!("/a%{byte:02x}z"), format!("/a%{byte:02X}z")] {
                let told = levels.ask(&mut client, &path);
                let expected = escaped(level, byte, &path);
                match &expected {
                    Some(_) => arrived += 1,
                    None => refused += 1,
                }
                let status = if expected.is_some() { 200 } else { 400 };
                assert_eq!(told, (status, expected), "{level:?} {path}");
            }
        }
    }
    println!("{arrived} paths with an escape arrived, {refused} were refused");
}

/// What arrives of `/a%XXz`; nothing where the proxy or the document refuses it.
fn escaped(level: Level, byte: u8, path: &str) -> Option<String> {
    let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    match byte {
        _ if is_unreserved && level > Level::None => Some(format!("/a{}z", char::from(byte))),
        b'/' | b'\\' if level == Level::DecodeAndMergeSlashes => Some("/a/z".to_owned()),
        0..=0x1f | 0x7f | b'/' | b'\\' | b'.' | b';' | b'?' | b'#' => None,
        _ if is_unreserved => None,
        _ => Some(path.to_owned()),
    }
}

const PREFIXES: [&str; 2] = ["/public", "//x"];
const SEPARATORS: [&str; 13] =
    ["/", "\\", "%2f", "%5C", "%252f", "%c0%af", "%c1%9c", "%ef%bc%8f", "//", "/./", "/;/", "/%20/", "/%2e/"];
const DOTS: [&str; 9] =
    ["..", "%2e%2e", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "..;", "..;a=b", "...", "..%00"];
const TARGETS: [&str; 4] = ["admin", "%61dmin", "%2561dmin", "Admin"];
const SUFFIXES: [&str; 7] = ["", "?", "%00", ";x", ".", "/", "%23"];

fn spellings() -> impl Iterator<Item = String> {
    let ways =
        SEPARATORS.into_iter().flat_map(|separator| DOTS.into_iter().map(move |dots| (separator, dots)));
    let ends =
        TARGETS.into_iter().flat_map(|target| SUFFIXES.into_iter().map(move |suffix| (target, suffix)));
    let ends: Vec<_> = ends.collect();
    let up = ways.flat_map(|way| (1..=2).map(move |depth| (way, depth)));
    let up = up.flat_map(|way| PREFIXES.into_iter().map(move |prefix| (prefix, way)));
    up.flat_map(move |(prefix, ((separator, dots), depth))| {
        let climb = format!("{separator}{dots}").repeat(depth);
        let spelt = move |(target, suffix)| format!("{prefix}{climb}{separator}{target}{suffix}");
        ends.clone().into_iter().map(spelt)
    })
}

#[test]
fn nothing_arrives_that_some_reader_takes_for_what_is_refused() {
    let levels = Levels::start();
    for (level, mut client) in levels.clients() {
        let (mut arrived, mut refused) = (0_u32, 0_u32);
        for path in spellings() {
            match levels.ask(&mut client, &path) {
                (200, Some(seen)) => {
                    arrived += 1;
                    let read = most_lenient(&seen);
                    assert!(!is_refused(&read), "{level:?}: {path} arrived as {seen}, and some read {read}");
                }
                (400 | 403, None) => refused += 1,
                other => panic!("{level:?} {path}: {other:?}"),
            }
        }
        println!("{level:?}: {arrived} spellings arrived, {refused} were refused");
        assert!(refused > 3000, "{level:?}: few of the spellings are tricks");
        for (plain, status) in [("/admin", 403), ("/admin/x", 403), ("/public/administration", 200)] {
            assert_eq!(levels.ask(&mut client, plain).0, status, "{level:?} {plain}");
        }
    }
}

/// Whether a path, as somebody reads it, is one that the document refuses. Letter case is part of a path.
fn is_refused(path: &str) -> bool {
    path == "/admin" || path.starts_with("/admin/")
}

/// The path as a service reads it that decodes until nothing changes, knows overlong UTF-8, takes `\` for `/`, cuts parameters off, and
/// resolves dots.
fn most_lenient(path: &str) -> String {
    let mut path = path.split(['?', '#']).next().unwrap_or_default().to_owned();
    loop {
        let next = decoded(&path.replace("%c0%af", "/").replace("%c1%9c", "\\").replace("%c0%ae", "."));
        if next == path {
            break;
        }
        path = next;
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split(['/', '\\']) {
        match segment.split([';', '\0']).next().unwrap_or_default() {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    format!("/{}", segments.join("/"))
}

/// One decoding of what is ASCII.
fn decoded(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let byte = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii);
        match (byte, after.get(2..)) {
            (Some(byte), Some(tail)) => {
                out.push(char::from(byte));
                rest = tail;
            }
            (_, _) => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[test]
fn the_most_lenient_reader_sees_through_each_disguise() {
    for path in [
        "/public/../admin",
        "/public/%252e%252e/%2561dmin;x",
        "/public%5C..%5cadmin",
        "/public%c0%af%c0%ae%c0%ae/admin",
        "/public/..;a=b/admin?x",
        "/x/../public/../admin%00",
    ] {
        assert!(is_refused(&most_lenient(path)), "{path} is read as {}", most_lenient(path));
    }
    assert_eq!(most_lenient("/public/a.b/%c3%a9"), "/public/a.b/%c3%a9");
}
