//! Why: the module decides, and says a rule only where it refuses; the same policy is asked natively which rule it was.

use std::cell::RefCell;

use meshward_host::{Attributes, Headers};
use meshward_model::{Connection, Head, Headers as Map, Plugin, RequestId, Seed, Step, UnixMillis};
use meshward_pipeline::Authz;

/// The policy in force, for asking.
pub(super) struct Native {
    plugin: RefCell<Authz>,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) allowed: bool,
    /// The rule, or the reason where none decided.
    pub(super) by: String,
    /// What a shadow document would have refused it by.
    pub(super) shadow: Option<String>,
}

impl Native {
    pub(super) fn new(plugin: Authz) -> Self {
        Self { plugin: RefCell::new(plugin) }
    }

    /// Another policy is in force.
    pub(super) fn replace(&self, plugin: Authz) {
        *self.plugin.borrow_mut() = plugin;
    }

    /// Why this request is decided as it is; nothing where the policy asks others first.
    pub(super) fn why(&self, headers: &Headers, attributes: &Attributes, port: u16) -> Option<Why> {
        let mut map = Map::builder();
        for (name, value) in headers {
            map.push(name, value);
        }
        let tls = attributes.tls.as_ref();
        let connection = Connection {
            uri_san: tls
                .and_then(|tls| tls.uri_san_peer_certificate.as_ref())
                .map(|uri| uri.as_bytes().to_vec()),
            certificate_presented: Some(tls.is_some_and(|tls| tls.peer_certificate_presented)),
            certificate_valid: tls.and_then(|tls| tls.peer_certificate_valid),
            destination_port: Some(port),
            ..Connection::default()
        };
        let head = Head { id: RequestId::default(), headers: map.build(), connection, handover: None };
        let plugin = self.plugin.borrow();
        let (_, step) = plugin.decide(&mut plugin.state(Seed::default()), head, UnixMillis(0));
        let Step::Done(verdict) = step else { return None };
        let by = match verdict.rule() {
            Some(rule) => rule.to_string(),
            None => verdict.reason().code().to_owned(),
        };
        let shadow = verdict.shadow.as_ref().map(|denial| match &denial.rule {
            Some(rule) => rule.to_string(),
            None => denial.reason.code().to_owned(),
        });
        Some(Why { allowed: verdict.denial().is_none(), by, shadow })
    }
}
