//! The configuration of every plugin, as bytes that a control plane hands over.

use core::fmt::Debug;

use meshward_model::{Code, Connection, Head, Headers, Plugin, Refusal, RequestId, Seed, UnixMillis};
use meshward_pipeline::{Authn, Authz, Guard, Ratelimit, Sentinel, split};
use serde_json::Value;

use crate::places::leads_somewhere;

/// Problems beyond these are counted and not told.
const MOST_PROBLEMS: usize = 51;

/// Holds one input to the properties.
pub fn body(bytes: &[u8]) {
    let whole: Option<Value> = serde_json::from_slice(bytes).ok();
    let whole = whole.as_ref();
    let guard = is_taken_or_refused::<Guard>(bytes, whole);
    is_taken_or_refused::<Authz>(bytes, whole);
    is_taken_or_refused::<Authn>(bytes, whole);
    is_taken_or_refused::<Ratelimit>(bytes, whole);
    is_taken_or_refused::<Sentinel>(bytes, whole);
    if let Ok(text) = core::str::from_utf8(bytes) {
        splits_where_it_is_taken(text, guard);
    }
}

/// Configures twice, from the same text and from the text written anew; whether it is taken.
fn is_taken_or_refused<P: Plugin + Debug>(bytes: &[u8], whole: Option<&Value>) -> bool {
    let node = crate::node();
    let configured = P::configure(bytes, &node);
    let again = P::configure(bytes, &node);
    match (&configured, &again) {
        (Err(refusal), Err(again)) => {
            assert_eq!(refusal, again, "refused in two ways");
            refuses_with_a_place(refusal, whole);
            false
        }
        (Ok(plugin), Ok(again)) => {
            let shown = format!("{plugin:?}");
            assert_eq!(shown, format!("{again:?}"), "configured in two ways");
            let Some(whole) = whole else { unreachable!("text is taken that is no JSON") };
            match P::configure(whole.to_string().as_bytes(), &node) {
                Ok(anew) => assert_eq!(format!("{anew:?}"), shown, "written anew, it is another"),
                Err(refusal) => unreachable!("written anew, it is refused: {refusal}"),
            }
            serves(plugin);
            true
        }
        (Ok(_), Err(refusal)) | (Err(refusal), Ok(_)) => unreachable!("taken and refused: {refusal}"),
    }
}

/// Every problem has words, fits into a line of the proxy's log, and names a place that is there.
fn refuses_with_a_place(refusal: &Refusal, whole: Option<&Value>) {
    let problems = &refusal.problems;
    assert!(!problems.is_empty() && problems.len() <= MOST_PROBLEMS, "{} problems", problems.len());
    for problem in problems {
        assert!(!problem.message.is_empty(), "{problem:?}");
        assert!(!problem.to_string().contains(char::is_control), "not a line: {problem:?}");
        // What is no JSON has no places that could be looked up.
        if let Some(whole) = whole {
            assert!(leads_somewhere(whole, &problem.path), "{problem:?} in {whole}");
        }
        if problem.path.is_empty() {
            assert!(may_be_about_the_whole(problem.code), "no place: {problem:?}");
        }
    }
}

/// What there is no smaller place for.
const fn may_be_about_the_whole(code: Code) -> bool {
    matches!(
        code,
        Code::Syntax
            | Code::NothingThere
            | Code::TooLarge
            | Code::NotUtf8
            | Code::MoreProblems
            | Code::MissingField
            // A field without a name.
            | Code::UnknownField
            | Code::WrongType
            | Code::NothingToDo
    )
}

/// A configured plugin decides; nothing it is asked makes it panic.
fn serves<P: Plugin>(plugin: &P) {
    let now = UnixMillis(1_767_225_600_000);
    let mut state = plugin.state(Seed(7));
    plugin.tick(&mut state, now);
    for (at, (method, path, host, name)) in (1..).zip([
        ("GET", "/orders/7?x=1", "orders.shop:8080", Some("spiffe://cluster.local/ns/shop/sa/web")),
        ("POST", "/a/%2e", "ORDERS.example.", None),
        ("", "*", "[::1]", Some("spiffe://cluster.local")),
    ]) {
        let mut headers = Headers::builder();
        headers.push(b":method", method.as_bytes()).push(b":path", path.as_bytes());
        headers.push(b":authority", host.as_bytes()).push(b"authorization", b"Bearer a.b.c");
        let uri_san = name.map(|name| name.as_bytes().to_vec());
        let connection = Connection { uri_san, destination_port: Some(8080), ..Connection::default() };
        let head = Head { id: RequestId(at), headers: headers.build(), connection, handover: None };
        let decided = || plugin.decide(&mut plugin.state(Seed(7)), head.clone(), now);
        assert_eq!(format!("{:?}", decided()), format!("{:?}", decided()), "decided in two ways");
        plugin.decide(&mut state, head, now);
    }
    plugin.give_up(&mut state, now);
}

/// What `guard` takes can be told apart into plugins, and each of them takes its part.
fn splits_where_it_is_taken(text: &str, taken: bool) {
    let Ok(parts) = split::split(text) else {
        assert!(!taken, "`guard` takes what cannot be split");
        return;
    };
    if !taken {
        return;
    }
    for part in parts {
        let bytes = part.configuration.as_bytes();
        let node = crate::node();
        let refusal = match part.plugin {
            split::Plugin::Authn => Authn::configure(bytes, &node).err(),
            split::Plugin::Authz => Authz::configure(bytes, &node).err(),
            split::Plugin::Penalty | split::Plugin::Quota => Ratelimit::configure(bytes, &node).err(),
            split::Plugin::Sentinel => Sentinel::configure(bytes, &node).err(),
        };
        assert_eq!(refusal, None, "{} refuses its part: {}", part.plugin.name(), part.configuration);
    }
}
