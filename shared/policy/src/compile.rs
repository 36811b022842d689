//! Documents to compiled sets. Everything that could go wrong goes wrong here, with a place and a remedy.

mod address;
mod attribute;
mod claim;
mod condition;
mod document;
mod grpc;
mod operation;
mod rule;
mod source;
mod typed;
mod values;

use std::collections::BTreeSet;

use meshward_config::{Place, Problems, WhenNothingApplies};
use meshward_decide::matching::claim::ClaimTest;
use meshward_decide::{AccessControl, Condition, Rule, Rules, Set, Uses};
use meshward_model::{Allowed, Code, Decision, Denial, DocumentKind, Needs, Problem, Reason, Refusal};

use crate::raw::{Action, Mode, Otherwise};
use document::Document;

/// Whether the requests that the policies decide have verified tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// `authn` verifies them, before or beside.
    Verified,
    /// Nobody does: a policy that looks at a token is refused.
    Unverified,
}

/// The most regular expressions of one configuration: each is a table of up to 128 KiB.
const MAX_REGEXES: usize = 128;

/// How many regular expressions a rule has.
fn regexes(rule: &Rule) -> usize {
    let count = |condition: &Condition| match condition {
        Condition::Attribute(attribute) => {
            attribute.tests.iter().filter(|test| matches!(test, ClaimTest::Regex(_))).count()
        }
        Condition::Header(_)
        | Condition::Peer(_)
        | Condition::Port(_)
        | Condition::RequestPrincipal(_)
        | Condition::ClaimStrings(_)
        | Condition::Remote(_) => 0,
    };
    rule.when.iter().map(count).sum()
}

/// Collects documents and compiles them into an [`AccessControl`].
///
/// ```
/// use meshward_config::{Place, Problems, WhenNothingApplies};
/// use meshward_model::{DocumentKind, Needs};
/// use meshward_policy::{Compiler, Tokens};
///
/// let mut compiler = Compiler::new(Tokens::Unverified);
/// compiler.add("documents[0]", DocumentKind::AuthorizationPolicy, r#"{
///     "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": "nobody", "namespace": "shop"}, "spec": {}
/// }"#);
/// assert!(compiler.finish(WhenNothingApplies::Deny, Needs::default()).is_ok());
/// ```
pub struct Compiler {
    tokens: Tokens,
    problems: Problems,
    documents: Vec<Document>,
    regexes: usize,
    names: BTreeSet<(DocumentKind, String, String)>,
}

impl Compiler {
    /// A compiler without documents.
    pub fn new(tokens: Tokens) -> Self {
        Self {
            tokens,
            problems: Problems::default(),
            documents: Vec::new(),
            regexes: 0,
            names: BTreeSet::new(),
        }
    }

    /// Compiles one document; `path` is where it stands in the configuration. Problems are kept for [`Compiler::finish`].
    pub fn add(&mut self, path: &str, kind: DocumentKind, json: &str) {
        let place = Place::root(path);
        let Some(document) = document::compile(&place, kind, self.tokens, json, &mut self.problems) else {
            return;
        };
        let name = (kind, document.namespace.clone(), document.name.clone());
        if !self.names.insert(name) {
            self.problems.add(
                Code::DoubledName,
                &place.field("metadata").field("name"),
                format!(
                    "a second {} `{}` in namespace `{}`",
                    kind.as_str(),
                    document.name,
                    document.namespace
                ),
                "give it another name: verdicts tell documents apart by it",
            );
        }
        let before = self.regexes;
        self.regexes = before.saturating_add(document.rules.iter().map(regexes).sum());
        if before <= MAX_REGEXES && self.regexes > MAX_REGEXES {
            self.problems.add(
                Code::TooManyRegexes,
                &place.field("spec").field("rules"),
                format!("more than {MAX_REGEXES} regular expressions in one configuration"),
                "write `in`, `prefix`, `suffix` or path templates, or one expression for several: `a|b`",
            );
        }
        self.documents.push(document);
    }

    /// Puts the documents together. `peer` is what reading the peer takes.
    ///
    /// # Errors
    /// Every problem that was found.
    pub fn finish(
        mut self,
        when_nothing_applies: WhenNothingApplies,
        peer: Needs,
    ) -> Result<AccessControl, Refusal> {
        let enforced = self.sets(Mode::Enforce);
        let shadow = self.sets(Mode::Shadow);
        let problems = self.problems.into_found();
        if !problems.is_empty() {
            return Err(Refusal { problems });
        }
        let reason = Reason::NothingApplies;
        let when_nothing_applies = match when_nothing_applies {
            WhenNothingApplies::Deny => Decision::Deny(Denial::new(reason, None)),
            WhenNothingApplies::Allow => Decision::Allow(Allowed::new(reason, None)),
        };
        Ok(AccessControl::new(enforced, shadow, when_nothing_applies, peer))
    }

    fn sets(&mut self, mode: Mode) -> Vec<Set> {
        [DocumentKind::AccessPolicy, DocumentKind::AuthorizationPolicy]
            .into_iter()
            .filter_map(|kind| {
                let (mine, rest) = core::mem::take(&mut self.documents)
                    .into_iter()
                    .partition(|document| document.kind == kind && document.mode == mode);
                self.documents = rest;
                self.set(kind, mine)
            })
            .collect()
    }

    fn set(&mut self, kind: DocumentKind, documents: Vec<Document>) -> Option<Set> {
        if documents.is_empty() {
            return None;
        }
        let strict = kind == DocumentKind::AccessPolicy;
        let has_allow_document = documents.iter().any(|document| document.action == Action::Allow);
        let otherwise = match (strict, has_allow_document) {
            (true, false) => self.otherwise(&documents),
            (true, true) | (false, _) => Otherwise::Allow,
        };
        let uses = documents.iter().fold(Uses::default(), |uses, document| document.uses.union(uses));
        let (allow, deny): (Vec<_>, Vec<_>) =
            documents.into_iter().partition(|document| document.action == Action::Allow);
        let rules = |documents: Vec<Document>| -> Vec<Rule> {
            documents.into_iter().flat_map(|document| document.rules).collect()
        };
        let otherwise = match otherwise {
            Otherwise::Allow => Decision::Allow(Allowed::new(Reason::NoDenyMatch, None)),
            Otherwise::Deny => Decision::Deny(Denial::new(Reason::Otherwise, None)),
        };
        let (deny, allow) = (Rules::denying(rules(deny), strict), Rules::allowing(rules(allow), strict));
        Some(Set { strict, deny, allow, has_allow_document, otherwise, uses })
    }

    /// What a DENY-only set of AccessPolicies says of the rest: it must say something, and only one thing.
    fn otherwise(&mut self, documents: &[Document]) -> Otherwise {
        let said: Vec<Otherwise> = documents.iter().filter_map(|document| document.otherwise).collect();
        match said.split_first() {
            None => self.problems.push(Problem {
                code: Code::OtherwiseMissing,
                path: format!("{}.spec.otherwise", documents.first().map(|d| d.path.as_str()).unwrap_or_default()),
                message: "this DENY document does not say what happens to requests that it does not refuse".to_owned(),
                help: "write `otherwise: allow` (as Istio does) or `otherwise: deny`; an ALLOW document in another file is not seen from here: put both into one file or PluginConfig".to_owned(),
            }),
            Some((first, rest)) if rest.iter().all(|other| other == first) => return *first,
            Some(_) => self.problems.push(Problem {
                code: Code::OtherwiseContradicts,
                path: "documents".to_owned(),
                message: "one DENY document says `otherwise: allow`, another `otherwise: deny`".to_owned(),
                help: "let them agree".to_owned(),
            }),
        }
        Otherwise::Deny
    }
}
