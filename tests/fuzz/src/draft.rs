//! Policies and requests made of bytes: out of so few words that they often meet, cut at so many places that they often just miss.

use arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};

/// The most documents, rules of one, and entries of a part of a rule.
const MOST_DOCUMENTS: usize = 6;
const MOST_RULES: usize = 8;
const MOST_ENTRIES: usize = 2;
/// The most rules of a document that are alike but for a number: an index is for many.
const MOST_ALIKE: usize = 40;

const DOMAINS: [&str; 3] = ["td", "td2", "t.example"];
const NAMESPACES: [&str; 4] = ["a", "ab", "shop", "n7"];
const ACCOUNTS: [&str; 4] = ["x", "y", "xy", "web"];
const ISSUERS: [&str; 3] = ["i", "ij", "https://id.example"];
const SUBJECTS: [&str; 3] = ["s", "st", "a/b"];
const HOSTS: [&str; 6] = ["h.example", "g.example", "a.h.example", "n7.example", "x", "[::1]"];
const PORTS: [&str; 3] = ["80", "81", "8080"];
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "GE"];
const SEGMENTS: [&str; 8] = ["a", "b", "ab", "n7", "x.y", "a:b", "%C3%A9", "A"];
const HEADERS: [&str; 4] = ["x-a", "X-B", "authorization", "x-forwarded-for"];
const VALUES: [&str; 8] = ["1", "12", "n7", "ab", "Bearer 1", "n7,1", "a, n7", "é"];
const CLAIMS: [&str; 6] = ["g", "n", "scope", "aud", "azp", "sub"];

/// The bytes that choices are made of.
pub(crate) struct Draft<'a, 'b>(pub(crate) &'b mut Unstructured<'a>);

impl Draft<'_, '_> {
    fn one<'c>(&mut self, of: &[&'c str]) -> Result<&'c str> {
        self.0.choose(of).copied()
    }

    fn chance(&mut self, of: u8) -> Result<bool> {
        self.0.ratio(1, of)
    }

    fn several<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = self.0.int_in_range(1..=most)?;
        (0..count).map(|_| one(self)).collect()
    }

    /// A text as it is, a beginning or an end of it, or anything; what would be no beginning of anything is left whole.
    fn pattern(&mut self, text: String) -> Result<String> {
        let cut = self.0.int_in_range(0..=text.len())?;
        let how = self.0.int_in_range(0..=9_u8)?;
        Ok(match if text.contains(['%', '[']) { 0 } else { how } {
            0..=4 => text,
            5 | 6 => format!("{}*", text.get(..cut).unwrap_or(&text)),
            7 | 8 => format!("*{}", text.get(cut..).unwrap_or(&text)),
            _ => "*".to_owned(),
        })
    }

    /// A whole configuration of `authz`.
    pub(crate) fn configuration(&mut self) -> Result<Value> {
        let mut number = 0_usize;
        let documents = self.several(MOST_DOCUMENTS, |draft| {
            number = number.saturating_add(1);
            draft.document(number)
        })?;
        let nothing = self.one(&["deny", "allow"])?;
        Ok(json!({
            "apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport",
            "claims": {"from": "handover"}, "whenNothingApplies": nothing, "documents": documents,
        }))
    }

    fn document(&mut self, number: usize) -> Result<Value> {
        let strict = self.0.ratio(2, 3)?;
        let denies = self.chance(3)?;
        let shadow = self.chance(6)?;
        let mut rules = self.several(MOST_RULES, |draft| draft.rule(strict))?;
        if self.chance(2)? {
            rules.extend(self.alike()?);
        }
        let mut spec = json!({"action": if denies { "DENY" } else { "ALLOW" }, "rules": rules});
        let mut metadata = json!({"name": format!("d{number}"), "namespace": "shop"});
        if strict && shadow {
            put(&mut spec, "mode", json!("shadow"));
        } else if shadow {
            put(&mut metadata, "annotations", json!({"istio.io/dry-run": "true"}));
        }
        if strict && denies {
            put(&mut spec, "otherwise", json!("allow"));
        }
        let (version, kind) = if strict {
            ("meshward.io/v1alpha1", "AccessPolicy")
        } else {
            ("security.istio.io/v1", "AuthorizationPolicy")
        };
        Ok(json!({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}))
    }

    /// Rules that are told apart by a number in one place.
    fn alike(&mut self) -> Result<Vec<Value>> {
        let how = self.0.int_in_range(0..=7_u8)?;
        let segment = self.one(&SEGMENTS)?;
        let (account, header) = (self.one(&ACCOUNTS)?, self.one(&HEADERS)?);
        let rule = |number: usize| match how {
            0 => json!({"to": [{"operation": {"paths": [format!("/{segment}/n{number}")]}}]}),
            1 => {
                json!({"to": [{"operation": {"paths": [format!("/n{number}/{{*}}"), format!("/{segment}/n{number}/*")]}}]})
            }
            2 => {
                json!({"to": [{"operation": {"paths": [format!("/n{number}/{{**}}/{segment}"), format!("*/n{number}")]}}]})
            }
            3 => json!({"from": [{"source": {"principals": [format!("td/ns/n{number}/sa/{account}")]}}]}),
            // Either part is shared by many, both together by few.
            6 => {
                let half = number.checked_div(3).unwrap_or_default() % 3;
                json!({"from": [{"source": {"namespaces": [NAMESPACES.get(number % 3)]}}],
                    "to": [{"operation": {"paths": [format!("/{}", SEGMENTS.get(half).unwrap_or(&segment))]}}]})
            }
            7 => {
                json!({"when": [{"key": format!("request.headers[{header}]"), "values": [format!("n{number}"), format!("{number}")]}]})
            }
            4 => json!({"from": [{"source": {"namespaces": [format!("n{number}"), format!("n{number}*")]}}],
                "to": [{"operation": {"paths": [format!("/{segment}/*")]}}]}),
            _ => {
                json!({"to": [{"operation": {"paths": [format!("/{segment}")], "hosts": [format!("n{number}.example")]}}],
                "when": [{"key": "request.headers[x-a]", "values": ["1", format!("1{number}*")]}]})
            }
        };
        let count = self.0.int_in_range(3..=MOST_ALIKE)?;
        Ok((0..count).map(rule).collect())
    }

    fn rule(&mut self, strict: bool) -> Result<Value> {
        let mut rule = json!({});
        if self.0.ratio(1, 2)? {
            let from = self.several(MOST_ENTRIES, |draft| Ok(json!({"source": draft.source()?})))?;
            put(&mut rule, "from", json!(from));
        }
        if self.0.ratio(2, 3)? {
            let to = self.several(MOST_ENTRIES, |draft| Ok(json!({"operation": draft.operation()?})))?;
            put(&mut rule, "to", json!(to));
        }
        if self.chance(3)? {
            let when = self.several(MOST_ENTRIES, |draft| draft.condition(strict))?;
            put(&mut rule, "when", json!(when));
        }
        Ok(rule)
    }

    /// Fields of an object, each as `x`, `notX` or both, with values that `value` makes of the field's place.
    fn fields(
        &mut self,
        names: &[&str],
        mut value: impl FnMut(&mut Self, usize) -> Result<String>,
    ) -> Result<Value> {
        let mut object = Map::new();
        for _ in 0..self.0.int_in_range(1..=2_u8)? {
            let at = self.0.choose_index(names.len())?;
            let Some(name) = names.get(at) else { continue };
            let how = self.0.int_in_range(0..=7_u8)?;
            if how < 6 {
                object.insert((*name).to_owned(), json!(self.several(3, |draft| value(draft, at))?));
            }
            if how >= 5 {
                let mut values = self.several(2, |draft| value(draft, at))?;
                // "Not anybody" is refused in an ALLOW rule, for good reasons.
                values.iter_mut().filter(|value| *value == "*").for_each(|value| value.insert(0, 'x'));
                object.insert(negated(name), json!(values));
            }
        }
        Ok(Value::Object(object))
    }

    fn source(&mut self) -> Result<Value> {
        if self.chance(5)? {
            return self.fields(&["serviceAccounts"], |draft, _| draft.service_account());
        }
        let names = ["principals", "namespaces", "trustDomains", "requestPrincipals"];
        self.fields(&names, |draft, at| {
            let text = match at {
                0 => draft.principal()?,
                1 => draft.one(&NAMESPACES)?.to_owned(),
                2 => draft.one(&DOMAINS)?.to_owned(),
                _ => format!("{}/{}", draft.one(&ISSUERS)?, draft.one(&SUBJECTS)?),
            };
            draft.pattern(text)
        })
    }

    fn service_account(&mut self) -> Result<String> {
        Ok(format!("{}/{}", self.one(&NAMESPACES)?, self.one(&ACCOUNTS)?))
    }

    /// `<trust domain>/ns/<namespace>/sa/<account>`.
    pub(crate) fn principal(&mut self) -> Result<String> {
        let (domain, namespace) = (self.one(&DOMAINS)?, self.one(&NAMESPACES)?);
        Ok(format!("{domain}/ns/{namespace}/sa/{}", self.one(&ACCOUNTS)?))
    }

    fn operation(&mut self) -> Result<Value> {
        self.fields(&["paths", "paths", "hosts", "methods", "ports"], |draft, at| match at {
            0 | 1 => draft.path_pattern(),
            2 => {
                let host = draft.one(&HOSTS)?.to_owned();
                draft.pattern(host)
            }
            3 => {
                let method = draft.one(&METHODS)?.to_owned();
                draft.pattern(method)
            }
            _ => Ok(draft.one(&PORTS)?.to_owned()),
        })
    }

    fn path_pattern(&mut self) -> Result<String> {
        if self.0.ratio(2, 5)? {
            let path = self.path()?;
            return self.pattern(path);
        }
        let mut template = String::new();
        let mut open = true;
        for _ in 0..self.0.int_in_range(1..=4_u8)? {
            template.push('/');
            match self.0.int_in_range(0..=5_u8)? {
                0 | 1 if open => template.push_str("{*}"),
                2 if open => {
                    open = false;
                    template.push_str("{**}");
                }
                _ => template.push_str(self.one(&SEGMENTS)?),
            }
        }
        Ok(template)
    }

    /// A path of few segments, in canonical form.
    pub(crate) fn path(&mut self) -> Result<String> {
        let mut path = String::new();
        for _ in 0..self.0.int_in_range(1..=4_u8)? {
            path.push('/');
            path.push_str(self.one(&SEGMENTS)?);
        }
        if self.chance(6)? {
            path.push('/');
        }
        Ok(if self.chance(12)? { "/".to_owned() } else { path })
    }

    fn condition(&mut self, strict: bool) -> Result<Value> {
        if strict && self.chance(3)? {
            return self.typed_condition();
        }
        let at = self.0.int_in_range(0..=7_u8)?;
        let key = match at {
            0..=2 => format!("request.headers[{}]", self.one(&HEADERS)?),
            3 => format!("request.auth.claims[{}]", self.one(&CLAIMS)?),
            4 => "source.namespace".to_owned(),
            5 => "destination.port".to_owned(),
            6 => "source.principal".to_owned(),
            _ => "request.auth.audiences".to_owned(),
        };
        let mut condition = self.fields(&["values"], |draft, _| match at {
            4 => Ok(draft.one(&NAMESPACES)?.to_owned()),
            5 => Ok(draft.one(&PORTS)?.to_owned()),
            6 => {
                let principal = draft.principal()?;
                draft.pattern(principal)
            }
            _ => {
                let value = draft.one(&VALUES)?.to_owned();
                draft.pattern(value)
            }
        })?;
        put(&mut condition, "key", json!(key));
        Ok(condition)
    }

    fn typed_condition(&mut self) -> Result<Value> {
        let mut condition = json!({"claim": [self.one(&CLAIMS)?]});
        let value = json!(self.one(&VALUES)?);
        let (name, value) = match self.0.int_in_range(0..=7_u8)? {
            0 => ("equals", value),
            1 => ("in", json!([value, 1, true])),
            2 => ("prefix", value),
            3 => ("suffix", value),
            4 => ("contains", value),
            5 => ("gt", json!(self.0.int_in_range(-1..=3_i64)?)),
            6 => ("lt", json!(self.0.int_in_range(-1..=3_i64)?)),
            _ => ("exists", json!(self.0.arbitrary::<bool>()?)),
        };
        put(&mut condition, name, value);
        Ok(condition)
    }

    /// A request in the words of the policies.
    pub(crate) fn words(&mut self) -> Result<Words> {
        let header = |draft: &mut Self| Ok((draft.one(&HEADERS)?.to_owned(), draft.one(&VALUES)?.to_owned()));
        let headers = if self.chance(2)? { self.several(3, header)? } else { Vec::new() };
        let principal = if self.0.ratio(4, 5)? { Some(self.principal()?) } else { None };
        let (mut path, mut host) = (self.path()?, self.one(&HOSTS)?.to_owned());
        match self.0.int_in_range(0..=5_u8)? {
            0 => host.make_ascii_uppercase(),
            1 => host.push_str(":8080"),
            2 => host.push('.'),
            _ => {}
        }
        match self.0.int_in_range(0..=11_u8)? {
            0 => path.push_str("?q=/a"),
            1 => path.push_str("%3A"),
            2 => path.insert(0, '/'),
            3 => path.push('b'),
            _ => {}
        }
        let port = self.0.choose(&[None, Some(80), Some(80), Some(81), Some(8080)]).copied()?;
        let claims = if self.chance(2)? { Some(self.claims()?) } else { None };
        Ok(Words { method: self.one(&METHODS)?.to_owned(), path, host, port, principal, headers, claims })
    }

    /// Issuer, subject, and the claims of a verified token.
    fn claims(&mut self) -> Result<Value> {
        let mut claims = json!({"iss": self.one(&ISSUERS)?, "sub": self.one(&SUBJECTS)?});
        for _ in 0..self.0.int_in_range(0..=3_u8)? {
            let (text, other) = (self.one(&VALUES)?, self.one(&VALUES)?);
            let value = match self.0.int_in_range(0..=7_u8)? {
                0..=2 => json!(text),
                3 => json!([text, other]),
                4 => json!(self.0.int_in_range(-1..=3_i64)?),
                5 => json!({"g": text}),
                6 => json!(format!("{text} {other}")),
                _ => json!(null),
            };
            let name = self.one(&["g", "n", "scope", "aud", "azp"])?;
            put(&mut claims, name, value);
        }
        Ok(claims)
    }
}

/// A request, as words.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) principal: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) claims: Option<Value>,
}

fn negated(name: &str) -> String {
    let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
    format!("not{}{rest}", first.to_ascii_uppercase())
}

fn put(object: &mut Value, name: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(name.to_owned(), value);
    }
}
