//! Random rules, documents and requests over an alphabet so small that they often meet.

use meshward_model::DocumentKind;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::specimen::{self, AccessPolicy, Ask};

/// Which values a rule may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alphabet {
    /// Whether `*` may stand for any identity.
    any_identity: bool,
}

impl Alphabet {
    pub(crate) const ISTIO: Self = Self { any_identity: true };
    /// Without `*` for any identity: a rule that asks for an identity, whichever, is meant to be lost with it.
    pub(crate) const NAMED: Self = Self { any_identity: false };
}

/// So many times the usual 256 cases; `PROPTEST_CASES` sets another number than 256.
pub(crate) fn cases(times: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: usual.cases.saturating_mul(times), failure_persistence: None, ..usual }
}

type Fields = BoxedStrategy<Vec<(String, Value)>>;

/// `x`, `notX` or both, with one or two values each.
fn field(name: &'static str, values: &[&'static str], extra: &[&'static str]) -> Fields {
    let list =
        |values: Vec<&'static str>| prop::sample::subsequence(values, 1..=2).prop_map(|values| json!(values));
    let mut positive = values.to_vec();
    positive.extend(extra);
    let not_name = if name == "values" {
        "notValues".to_owned()
    } else {
        let (first, rest) = name.split_at(1);
        format!("not{}{rest}", first.to_uppercase())
    };
    let positive = move || list(positive.clone()).prop_map(move |list| (name.to_owned(), list));
    let negative = list(values.to_vec()).prop_map(move |list| (not_name.clone(), list));
    prop_oneof![
        4 => positive().prop_map(|field| vec![field]),
        2 => negative.clone().prop_map(|field| vec![field]),
        1 => (positive(), negative).prop_map(|(positive, negative)| vec![positive, negative]),
    ]
    .boxed()
}

/// An object of one or two of the fields.
fn object(fields: Vec<Fields>) -> BoxedStrategy<Value> {
    let one = prop::strategy::Union::new(fields);
    prop::collection::vec(one, 1..=2)
        .prop_map(|fields| Value::Object(fields.into_iter().flatten().collect::<Map<_, _>>()))
        .boxed()
}

fn blocks(name: &'static str) -> Fields {
    field(name, &["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/33", "::/0"], &[])
}

fn source(alphabet: Alphabet) -> BoxedStrategy<Value> {
    let any: &[&str] = if alphabet.any_identity { &["*"] } else { &[] };
    let domains = || field("trustDomains", &["td", "td*", "*2"], any);
    let names = field("principals", &["td/ns/a/sa/x", "td/ns/a/*", "*/sa/x", "td2*", "td/ns/shop/sa/x"], any);
    let namespaces = field("namespaces", &["a", "b", "sh*", "*p"], any);
    let accounts = field("serviceAccounts", &["a/x", "x", "b/y", "shop/y"], &[]);
    let tokens = || field("requestPrincipals", &["i/s", "i/*", "i*", "*s", "*/t", "j/t"], any);
    prop_oneof![
        3 => object(vec![names, namespaces, domains(), tokens()]),
        1 => object(vec![accounts, domains(), blocks("remoteIpBlocks")]),
        1 => object(vec![tokens()]),
        1 => object(vec![blocks("remoteIpBlocks")]),
    ]
    .boxed()
}

fn operation() -> BoxedStrategy<Value> {
    object(vec![
        field("hosts", &["h.example", "*.example", "H*", "g.example"], &["*"]),
        field("ports", &["80", "81"], &[]),
        field("methods", &["GET", "P*", "*T", "PUT"], &["*"]),
        field("paths", &["/", "/a", "/a/*", "*/x", "/a/{*}", "/{**}/x", "/{*}/y"], &["*"]),
    ])
}

fn condition(alphabet: Alphabet) -> BoxedStrategy<Value> {
    let any: &[&str] = if alphabet.any_identity { &["*"] } else { &[] };
    let with = |key: &'static str, values: Fields| {
        values.prop_map(move |fields| {
            let mut object: Map<_, _> = fields.into_iter().collect();
            object.insert("key".to_owned(), json!(key));
            Value::Object(object)
        })
    };
    let headers = || field("values", &["1", "2", "1*", "*2", "Bearer 1"], &["*"]);
    prop_oneof![
        3 => with("request.headers[X-A]", headers()),
        3 => with("request.headers[authorization]", headers()),
        1 => with("destination.port", field("values", &["80", "81"], &[])),
        1 => with("remote.ip", blocks("values")),
        1 => with("source.namespace", field("values", &["a", "shop"], any)),
        1 => with("source.serviceAccount", field("values", &["a/x", "shop/y"], &[])),
        1 => with("source.principal", field("values", &["td/ns/a/sa/x", "td/*"], any)),
        1 => with("source.trustDomain", field("values", &["td", "td2"], any)),
        1 => with("request.auth.principal", field("values", &["i/s", "j/*"], any)),
        1 => with("request.auth.audiences", field("values", &["a", "b*"], any)),
        1 => with("request.auth.presenter", field("values", &["a", "*b"], any)),
        2 => with("request.auth.claims[g]", field("values", &["a", "b", "a*", "*b"], any)),
        1 => with("request.auth.claims[n][g]", field("values", &["a", "ab"], any)),
        1 => with("request.auth.claims[scope]", field("values", &["a", "b"], any)),
    ]
    .boxed()
}

/// A typed condition on a claim, which only strict rules have. `named`: one that asks for more than that the claim exists.
fn typed_condition(alphabet: Alphabet) -> BoxedStrategy<Value> {
    let mut tests = vec![
        json!({"equals": "a"}),
        json!({"equals": true}),
        json!({"equals": 1}),
        json!({"in": ["a", 2, "b"]}),
        json!({"prefix": "a"}),
        json!({"suffix": "b"}),
        json!({"contains": "a"}),
        json!({"gt": 1}),
        json!({"lt": 2.5}),
        json!({"gt": 0, "lt": 2}),
        json!({"exists": false}),
    ];
    if alphabet.any_identity {
        tests.push(json!({"exists": true}));
    }
    (select(&[json!(["g"]), json!(["n", "g"]), json!(["scope"]), json!(["aud"])]), select(&tests))
        .prop_map(|(path, mut test)| {
            if let Some(test) = test.as_object_mut() {
                test.insert("claim".to_owned(), path);
            }
            test
        })
        .boxed()
}

/// A rule with one or two typed conditions beside what a rule may have; for strict documents only.
pub(crate) fn typed_rule(alphabet: Alphabet) -> impl Strategy<Value = Value> {
    (rule(alphabet), prop::collection::vec(typed_condition(alphabet), 1..=2)).prop_map(|(mut rule, typed)| {
        if let Some(rule) = rule.as_object_mut() {
            let when = rule.entry("when").or_insert_with(|| json!([]));
            when.as_array_mut().into_iter().for_each(|when| when.extend(typed.clone()));
        }
        rule
    })
}

/// The claims of a verified token; none where there is no token.
fn claims() -> BoxedStrategy<Option<Value>> {
    let value = || {
        select(&[
            json!(null),
            json!("a"),
            json!("ab"),
            json!("b a"),
            json!(""),
            json!(true),
            json!(1),
            json!(2.5),
            json!([]),
            json!(["a", "b"]),
            json!(["ab", 1]),
            json!({"g": "a"}),
            json!({"g": ["ab", "c"]}),
        ])
    };
    let optional = || prop::option::of(value());
    let subject = prop::option::weighted(0.8, select(&["s", "t", "us", ""]));
    let token =
        (select(&["i", "j", "ij"]), subject, optional(), optional(), optional(), optional(), optional())
            .prop_map(|(issuer, subject, g, n, scope, aud, azp)| {
                let subject = subject.map(|subject| json!(subject));
                let all =
                    [("sub", subject), ("g", g), ("n", n), ("scope", scope), ("aud", aud), ("azp", azp)];
                let mut claims = Map::new();
                claims.insert("iss".to_owned(), json!(issuer));
                claims.extend(all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
                Value::Object(claims)
            });
    prop::option::weighted(0.7, token).boxed()
}

/// A token about which nothing is open to the rules of [`rule`]: whole, and each claim of strings.
fn plain_claims() -> BoxedStrategy<Option<Value>> {
    let value = || select(&[json!("a"), json!("ab"), json!(["a", "b"]), json!([]), json!(["ab"])]);
    (select(&["i", "j", "ij"]), select(&["s", "t", "us"]), [value(), value(), value(), value(), value()])
        .prop_map(|(issuer, subject, [g, inner, scope, aud, azp])| {
            Some(json!({
                "iss": issuer, "sub": subject, "g": g, "n": {"g": inner}, "scope": scope, "aud": aud, "azp": azp,
            }))
        })
        .boxed()
}

/// A rule; sometimes the empty one.
pub(crate) fn rule(alphabet: Alphabet) -> BoxedStrategy<Value> {
    let entries = |name: &'static str, inner: &'static str, values: BoxedStrategy<Value>| {
        prop::collection::vec(values, 0..=2).prop_map(move |values| {
            (name, values.into_iter().map(|value| json!({inner: value})).collect::<Vec<_>>())
        })
    };
    let when = prop::collection::vec(condition(alphabet), 0..=1).prop_map(|values| ("when", values));
    (entries("from", "source", source(alphabet)), entries("to", "operation", operation()), when)
        .prop_map(|(from, to, when)| {
            let parts = [from, to, when].into_iter().filter(|(_, values)| !values.is_empty());
            Value::Object(parts.map(|(name, values)| (name.to_owned(), json!(values))).collect())
        })
        .boxed()
}

/// A document before it is written down.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) denies: bool,
    pub(crate) rules: Vec<Value>,
}

/// One to four documents of one kind.
pub(crate) fn drafts(alphabet: Alphabet) -> impl Strategy<Value = Vec<Draft>> {
    let draft = (any::<bool>(), prop::collection::vec(rule(alphabet), 1..=3));
    prop::collection::vec(draft, 1..=4).prop_map(|drafts| {
        let number = |(at, (denies, rules))| Draft { name: format!("d{at}"), denies, rules };
        drafts.into_iter().enumerate().map(number).collect()
    })
}

/// The drafts as documents; DENY documents of the strict kind let the rest through.
pub(crate) fn write(kind: DocumentKind, drafts: &[Draft]) -> Vec<Value> {
    let write = |draft: &Draft| {
        let mut spec = json!({"action": if draft.denies { "DENY" } else { "ALLOW" }, "rules": draft.rules});
        if draft.denies
            && kind == AccessPolicy
            && let Some(spec) = spec.as_object_mut()
        {
            spec.insert("otherwise".to_owned(), json!("allow"));
        }
        specimen::document(kind, &draft.name, spec)
    };
    drafts.iter().map(write).collect()
}

fn select<T: Clone + core::fmt::Debug + 'static>(values: &[T]) -> prop::sample::Select<T> {
    prop::sample::select(values.to_vec())
}

fn build(
    callers: &'static [&'static str],
    hosts: &'static [&'static str],
    ports: &'static [Option<u16>],
    addresses: &'static [&'static str],
    headers: BoxedStrategy<Vec<(String, String)>>,
    claims: BoxedStrategy<Option<Value>>,
) -> impl Strategy<Value = Ask> {
    let paths = select(&["/", "/a", "/a/x", "/a/b/x", "/b/y?q=/a", "/a/q"]);
    let target = (select(&["GET", "POST", "PUT"]), paths, select(hosts), select(ports));
    let from = (select(callers), select(addresses));
    (from, target, headers, claims).prop_map(
        |((caller, address), (method, path, host, port), headers, claims)| {
            let ask = Ask { claims, ..specimen::ask() }.method(method).path(path).host(host).port(port);
            let ask = if caller.is_empty() { ask } else { ask.by(caller) };
            let ask = if address.is_empty() { ask } else { ask.at_address(address) };
            headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
        },
    )
}

/// Any request: nobody, strange identities, repeated and merged headers, ports unknown or in the host.
pub(crate) fn ask() -> impl Strategy<Value = Ask> {
    let header = (
        select(&["x-a", "authorization", "x-b", "x_a"]),
        select(&["1", "2", "12", "1,2", "Bearer 1", "1, Bearer 1", ""]),
    )
        .prop_map(|(name, value)| (name.to_owned(), value.to_owned()));
    build(
        &[
            "",
            "",
            "td/ns/a/sa/x",
            "td/ns/b/sa/y",
            "td2/ns/a/sa/x",
            "td/ns/shop/sa/x",
            "td/other",
            "td/ns/a/dc/d/svc/x",
        ],
        &["h.example", "H.example:81", "g.example", "x"],
        &[Some(80), Some(80), Some(81), None],
        &[
            "",
            "10.1.2.3",
            "10.1.2.4",
            "10.2.0.0",
            "11.0.0.1",
            "2001:db8::1",
            "2001:db8:8000::",
            "::ffff:10.1.2.3",
        ],
        prop::collection::vec(header, 0..=3).boxed(),
        claims(),
    )
}

/// A request about which nothing is open: a whole identity, a known port, each header once and without a comma.
pub(crate) fn plain_ask() -> impl Strategy<Value = Ask> {
    let value = || prop::option::of(select(&["1", "2", "12", "Bearer 1"]));
    let headers = (value(), value()).prop_map(|(a, authorization)| {
        let both = [("x-a", a), ("authorization", authorization)];
        both.into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
            .collect::<Vec<_>>()
    });
    build(
        &["td/ns/a/sa/x", "td/ns/b/sa/y", "td2/ns/a/sa/x", "td/ns/shop/sa/x", "td/ns/shop/sa/y"],
        &["h.example", "g.example", "x"],
        &[Some(80), Some(81)],
        &["10.1.2.3", "10.1.2.4", "10.2.0.0", "11.0.0.1", "2001:db8::1", "2001:db8:8000::"],
        headers.boxed(),
        plain_claims(),
    )
}
