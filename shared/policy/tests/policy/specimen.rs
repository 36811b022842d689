//! What the tests here are made of: documents, requests, and what a lone rule says of a request.

use std::net::IpAddr;
use std::sync::Arc;

use meshward_config::WhenNothingApplies;
use meshward_model::{
    Anonymous, Claim, Decision, DocumentKind, Headers, Needs, Peer, Reason, Refusal, Request, RequestId,
    SpiffeId, Token, Written,
};
use meshward_policy::{AccessControl, Compiler, Tokens};
use serde_json::{Value, json};

pub(crate) use DocumentKind::{AccessPolicy, AuthorizationPolicy};

/// What a rule says of a request, told from outside: it lets through as an ALLOW, or refuses as a DENY only, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Says {
    No,
    Maybe,
    Yes,
}

/// A request under construction; it begins as an anonymous `GET /` for `shop.example` on port 8080.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) principal: Option<String>,
    pub(crate) method: String,
    /// Empty: there is none.
    pub(crate) path: String,
    pub(crate) authority: String,
    pub(crate) port: Option<u16>,
    /// The address that the request came from.
    pub(crate) remote: Option<IpAddr>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// The claims of the verified token, `iss` among them.
    pub(crate) claims: Option<Value>,
}

pub(crate) fn ask() -> Ask {
    Ask {
        principal: None,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        authority: "shop.example".to_owned(),
        port: Some(8080),
        remote: None,
        headers: Vec::new(),
        claims: None,
    }
}

impl Ask {
    /// The caller's verified token.
    pub(crate) fn token(self, claims: Value) -> Self {
        Self { claims: Some(claims), ..self }
    }

    /// The caller, as `<trust domain>/<path>`.
    pub(crate) fn by(self, principal: &str) -> Self {
        Self { principal: Some(principal.to_owned()), ..self }
    }

    pub(crate) fn method(self, method: &str) -> Self {
        Self { method: method.to_owned(), ..self }
    }

    pub(crate) fn path(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    /// As CONNECT comes.
    pub(crate) fn without_path(self) -> Self {
        Self { path: String::new(), ..self }
    }

    pub(crate) fn host(self, authority: &str) -> Self {
        Self { authority: authority.to_owned(), ..self }
    }

    pub(crate) fn port(self, port: impl Into<Option<u16>>) -> Self {
        Self { port: port.into(), ..self }
    }

    pub(crate) fn at_address(self, address: &str) -> Self {
        Self { remote: Some(address.parse().unwrap()), ..self }
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn request(&self) -> Request {
        let mut headers = Headers::builder();
        headers.push(b":method", self.method.as_bytes());
        if !self.path.is_empty() {
            headers.push(b":path", self.path.as_bytes());
        }
        headers.push(b":authority", self.authority.as_bytes());
        for (name, value) in &self.headers {
            headers.push(name.as_bytes(), value);
        }
        let peer = match &self.principal {
            Some(principal) => {
                Peer::Spiffe(SpiffeId::parse(format!("spiffe://{principal}").as_bytes()).unwrap())
            }
            None => Peer::Anonymous(Anonymous::NoIdentity),
        };
        let mut request = Request::new(RequestId(1), headers.build(), peer);
        request.destination_port = self.port;
        request.source_address = self.remote;
        request.token = self.claims.as_ref().map(|claims| Arc::new(verified(claims)));
        request
    }
}

/// What `authn` would make of these claims.
fn verified(claims: &Value) -> Token {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let Claim::Map(members) = claim(claims) else { panic!("claims are an object: {claims}") };
    Token { issuer: text("iss").unwrap(), subject: text("sub"), claims: members, written: Written::default() }
}

fn claim(value: &Value) -> Claim {
    match value {
        Value::Null => Claim::Null,
        Value::Bool(flag) => Claim::Bool(*flag),
        Value::Number(number) => {
            number.as_i64().map_or_else(|| Claim::Real(number.as_f64().unwrap()), Claim::Integer)
        }
        Value::String(text) => Claim::Text(text.clone()),
        Value::Array(elements) => Claim::List(elements.iter().map(claim).collect()),
        Value::Object(members) => {
            Claim::Map(members.iter().map(|(name, value)| (name.clone(), claim(value))).collect())
        }
    }
}

/// A document of `kind`, named `name`, in namespace `shop`.
pub(crate) fn document(kind: DocumentKind, name: &str, spec: Value) -> Value {
    let version = match kind {
        AccessPolicy => "meshward.io/v1alpha1",
        AuthorizationPolicy => "security.istio.io/v1",
        DocumentKind::RateLimit => "meshward.io/v1alpha1",
    };
    json!({
        "apiVersion": version, "kind": kind.as_str(), "metadata": {"name": name, "namespace": "shop"}, "spec": spec,
    })
}

/// What reading the peer takes in these tests.
pub(crate) const PEER: Needs = Needs {
    headers: false,
    uri_san: true,
    certificate_valid: false,
    principal_state: false,
    destination_port: false,
    source_address: false,
    handover: false,
};

pub(crate) fn compile(documents: &[Value], otherwise: WhenNothingApplies) -> Result<AccessControl, Refusal> {
    let mut compiler = Compiler::new(Tokens::Verified);
    for (at, document) in documents.iter().enumerate() {
        let kind = match document.get("kind").and_then(Value::as_str) {
            Some("AccessPolicy") => AccessPolicy,
            _ => AuthorizationPolicy,
        };
        compiler.add(&format!("documents[{at}]"), kind, &document.to_string());
    }
    compiler.finish(otherwise, PEER)
}

/// The compiled documents; a refusal fails the test.
#[track_caller]
pub(crate) fn control(documents: &[Value]) -> AccessControl {
    match compile(documents, WhenNothingApplies::Deny) {
        Ok(control) => control,
        Err(refusal) => panic!("{refusal}\nin {}", Value::from(documents)),
    }
}

pub(crate) fn allows(control: &AccessControl, request: &Request) -> bool {
    matches!(control.verdict(request).decision, Decision::Allow(_))
}

/// What a lone `rule` says of `ask`.
#[track_caller]
pub(crate) fn says(kind: DocumentKind, rule: &Value, ask: &Ask) -> Says {
    let request = ask.request();
    let allow = control(&[document(kind, "lone", json!({"rules": [rule]}))]).verdict(&request);
    let denied = denies(kind, rule, ask);
    match (allow.decision, denied) {
        (Decision::Allow(allowed), true) => {
            assert_eq!(allowed.reason, Reason::AllowRule, "{ask:?}");
            Says::Yes
        }
        (Decision::Deny(denial), denied) => {
            assert_eq!(denial.reason, Reason::NoAllowMatch, "{ask:?}");
            if denied { Says::Maybe } else { Says::No }
        }
        (Decision::Allow(_), false) => panic!("{rule} allows and does not deny {ask:?}"),
    }
}

/// Whether a lone DENY `rule` refuses `ask`.
#[track_caller]
pub(crate) fn denies(kind: DocumentKind, rule: &Value, ask: &Ask) -> bool {
    let mut spec = json!({"action": "DENY", "rules": [rule]});
    if kind == AccessPolicy
        && let Some(spec) = spec.as_object_mut()
    {
        spec.insert("otherwise".to_owned(), json!("allow"));
    }
    match control(&[document(kind, "lone", spec)]).verdict(&ask.request()).decision {
        Decision::Allow(_) => false,
        Decision::Deny(denial) => {
            assert_eq!(denial.reason, Reason::DenyRule, "{ask:?}");
            true
        }
    }
}

/// `{"from": [{"source": source}]}`
pub(crate) fn from(source: Value) -> Value {
    json!({"from": [{"source": source}]})
}

/// `{"to": [{"operation": operation}]}`
pub(crate) fn to(operation: Value) -> Value {
    json!({"to": [{"operation": operation}]})
}

/// `{"when": [{"key": …, "values": …}]}`
pub(crate) fn when(condition: Value) -> Value {
    json!({"when": [condition]})
}
