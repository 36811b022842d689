//! Every kind of record, against OCSF's own schema.

#![cfg(not(target_arch = "wasm32"))]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on says why and fails"
)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;

use jsonschema::Validator;
use meshward_event::Shown;
use meshward_event::ocsf::{Context, Numbering, json};
use meshward_model::{
    Anonymous, Change, DecisionEvent, DocumentKind, Event, EventKind, Finding, Missed, NearMiss, Node, Peer,
    Reason, RuleId, RuleName, Seed, SpiffeId, StageId, Trouble, UnixMillis,
};
use serde_json::{Value, json as value};

const CLASSES: [(u64, &str); 4] = [
    (4002, "http_activity"),
    (3002, "authentication"),
    (2004, "detection_finding"),
    (6008, "application_error"),
];

struct Schemas(BTreeMap<u64, Validator>);

impl Schemas {
    fn load() -> Self {
        let remedy =
            "run `cargo xtask setup --all`, then `cargo xtask test --only unit`, or set MESHWARD_OCSF";
        let folder = std::env::var_os("MESHWARD_OCSF").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| panic!("OCSF's schemas are not there: {remedy}"));
        let load = |name: &str| {
            let text = std::fs::read(folder.join(format!("{name}.json")));
            let text = text.unwrap_or_else(|error| panic!("no schema of {name} ({error}): {remedy}"));
            let schema: Value = serde_json::from_slice(&text).expect("a schema is JSON");
            assert!(schema.pointer("/$id").is_some_and(|id| id.to_string().contains("/1.8.0/")), "{name}");
            jsonschema::validator_for(&schema).expect("a schema compiles")
        };
        Self(CLASSES.iter().map(|(class, name)| (*class, load(name))).collect())
    }

    /// What is wrong with a record.
    fn problems(&self, record: &Value) -> Vec<String> {
        let number = |name: &str| record.get(name).and_then(Value::as_u64).unwrap_or_default();
        let Some(schema) = self.0.get(&number("class_uid")) else { return vec!["unknown class".to_owned()] };
        let mut problems: Vec<String> =
            schema.iter_errors(record).map(|error| format!("{}: {error}", error.instance_path())).collect();
        // What JSON Schema does not say.
        if number("type_uid") != number("class_uid") * 100 + number("activity_id") {
            problems.push("type_uid is not class and activity".to_owned());
        }
        if number("class_uid") / 1000 != number("category_uid") {
            problems.push("the class is not of the category".to_owned());
        }
        let declared = record.pointer("/metadata/profiles").is_some();
        if record.get("action_id").is_some() != declared {
            problems.push("a field of a profile that is not declared".to_owned());
        }
        problems
    }
}

fn nodes() -> [Node; 2] {
    let node = Node {
        id: "n1".to_owned(),
        namespace: "shop".to_owned(),
        workload: "orders".to_owned(),
        ..Node::default()
    };
    [node, Node::default()]
}

fn peers() -> [Peer; 3] {
    let id = |text: &[u8]| Peer::Spiffe(SpiffeId::parse(text).expect("a SPIFFE ID"));
    [
        id(b"spiffe://cluster.local/ns/web/sa/frontend"),
        id(b"spiffe://cluster.local/some/thing"),
        Peer::Anonymous(Anonymous::NoIdentity),
    ]
}

fn near_miss(rule: &RuleName) -> Box<NearMiss> {
    let missed = [("to[0].operation.methods", false), ("when[1]", true)];
    let missed = missed.map(|(place, open)| Missed { place: place.to_owned(), open });
    Box::new(NearMiss { rule: RuleId::new(rule.clone()), missed: missed.to_vec() })
}

fn decisions() -> Vec<Event<'static>> {
    let rule = RuleName {
        kind: DocumentKind::AccessPolicy,
        namespace: "shop".to_owned(),
        policy: "orders".to_owned(),
        index: 1,
    };
    let mut events = Vec::new();
    for (at, reason) in Reason::ALL.iter().enumerate() {
        for kind in [EventKind::Denied, EventKind::WouldDeny] {
            for (peer, method) in peers().into_iter().zip([&b"GET"[..], b"", b"PURGE\n"]) {
                let is_known = !method.is_empty();
                events.push(Event::Decision(DecisionEvent {
                    time: UnixMillis(1_776_881_335_332),
                    kind,
                    reason: *reason,
                    rule: (at % 2 == 0).then(|| RuleId::new(rule.clone())),
                    near: (at % 3 == 0).then(|| near_miss(&rule)),
                    native_details: (*reason == Reason::NativeDenied)
                        .then_some(Cow::Borrowed(b"ext_authz_error")),
                    status: reason.status(),
                    peer: Cow::Owned(peer),
                    method: Cow::Borrowed(method),
                    authority: Cow::Borrowed(if is_known { b"orders.shop" } else { b"" }),
                    path: Cow::Borrowed(if is_known { b"/v1/orders/\xff\"" } else { b"" }),
                    request_id: Cow::Borrowed(if is_known { b"9ee7ff66" } else { b"" }),
                    destination_port: is_known.then_some(8080),
                }));
            }
        }
    }
    events
}

fn findings() -> Vec<Event<'static>> {
    let until = UnixMillis(1_776_881_395_332);
    let changes = [Change::Noted, Change::Throttled, Change::Quarantined { until }, Change::Released];
    let mut events = Vec::new();
    for change in changes {
        for caller in ["spiffe://cluster.local/ns/web/sa/frontend", "10.0.0.1", "2001:db8::"] {
            for simulated in [true, false] {
                events.push(Event::Finding(Finding {
                    time: UnixMillis(1_776_881_335_332),
                    id: "0123456789abcdef0123456789abcdef".to_owned(),
                    change,
                    detector: (change != Change::Released).then_some("failed_authentication"),
                    caller: caller.to_owned(),
                    score: 81,
                    threshold: 80,
                    strikes: 2,
                    simulated,
                }));
            }
        }
    }
    events
}

fn troubles() -> Vec<Event<'static>> {
    let all = [
        (StageId::Sentinel, "events_dropped", 7, false),
        (StageId::Authn, "jwks_fails", 0, false),
        (StageId::Authn, "jwks_fails", 3, true),
    ];
    let trouble = |(stage, what, count, over)| {
        let message = "something does not work".to_owned();
        Event::Trouble(Trouble { time: UnixMillis(1_776_881_335_332), stage, what, message, count, over })
    };
    all.into_iter().map(trouble).collect()
}

#[test]
fn every_kind_of_record_is_what_ocsf_says() {
    let schemas = Schemas::load();
    let mut seen: BTreeMap<(u64, u64), usize> = BTreeMap::new();
    let mut numbering = Numbering::new(Seed(7));
    let shown = [Shown::default(), Shown::default().with_whole_paths(true)];
    for event in decisions().iter().chain(&findings()).chain(&troubles()) {
        for node in &nodes() {
            for shown in &shown {
                let text = json(event, &Context { node, shown, number: numbering.number() });
                assert!(!text.contains('\n'), "one record is one line");
                let record: Value = serde_json::from_str(&text).expect("a record is JSON");
                assert_eq!(schemas.problems(&record), Vec::<String>::new(), "{text}");
                let number = |name: &str| record.get(name).and_then(Value::as_u64).unwrap_or_default();
                *seen.entry((number("class_uid"), number("activity_id"))).or_default() += 1;
            }
        }
    }
    for kind in [(4002, 0), (4002, 3), (4002, 99), (3002, 1), (2004, 1), (2004, 3), (6008, 1)] {
        assert!(seen.contains_key(&kind), "{kind:?} was never written: {seen:?}");
    }
}

#[test]
fn the_schema_finds_what_is_wrong() {
    let schemas = Schemas::load();
    let [node, _] = nodes();
    let event = decisions().swap_remove(0);
    let context = Context { node: &node, shown: &Shown::default(), number: Numbering::new(Seed(7)).number() };
    let good: Value = serde_json::from_str(&json(&event, &context)).expect("a record is JSON");
    let spoilt = |spoil: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut record = good.clone();
        spoil(record.as_object_mut().expect("an object"));
        schemas.problems(&record)
    };
    assert_eq!(spoilt(&|_| {}), Vec::<String>::new());
    let insert = |name: &str, new: Value| spoilt(&|record| drop(record.insert(name.to_owned(), new.clone())));
    for (name, new) in [
        ("no_such_field", value!(1)),
        ("severity_id", value!(77)),
        ("time", value!("now")),
        ("type_uid", value!(400_204)),
        ("http_response", value!({})),
        ("src_endpoint", value!({"port": 1})),
    ] {
        assert!(!insert(name, new).is_empty(), "{name}");
    }
    assert!(!spoilt(&|record| drop(record.remove("metadata"))).is_empty());
}
