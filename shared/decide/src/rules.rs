//! The rules of one action of a set, and the first of them that speaks of a request.

use crate::index::{self, Index};
use crate::rule::{Rule, Subject};
use crate::truth::Truth;

/// So few rules are compared one by one: looking up costs as much.
const FEW: usize = 8;
/// How many rules are looked at for a near miss, of those that are found and of the first ones: a refusal must not be dear.
const MOST_NEAR: usize = 128;

/// Rules in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    rules: Vec<Rule>,
    /// On what a rule matches: `Yes` to allow, `Maybe` and more to deny.
    least: Truth,
    index: Option<Indexes>,
}

/// How rules are found, where they are many.
#[derive(Debug, Clone, PartialEq)]
struct Indexes {
    all: Index,
    /// For a caller who lacks a name, a part of it or an address, where the rules are strict and deny: whomever they name, it could be
    /// this one.
    nameless: Option<Index>,
}

impl Rules {
    /// Rules of ALLOW documents, which match for certain only; `strict` is their dialect.
    pub fn allowing(rules: Vec<Rule>, strict: bool) -> Self {
        Self::new(rules, Truth::Yes, strict)
    }

    /// Rules of DENY documents, which match wherever they might; `strict` is their dialect.
    pub fn denying(rules: Vec<Rule>, strict: bool) -> Self {
        Self::new(rules, Truth::Maybe, strict)
    }

    fn new(rules: Vec<Rule>, least: Truth, strict: bool) -> Self {
        // What is missing could be what such a rule speaks of.
        let is_open = strict && least == Truth::Maybe;
        let index = (rules.len() > FEW).then(|| Indexes {
            all: Index::new(&rules, if is_open { index::TOKENLESS } else { index::ALL }),
            nameless: is_open.then(|| Index::new(&rules, index::NAMELESS)),
        });
        Self { rules, least, index }
    }

    /// All of them, in their order.
    pub(crate) fn iter(&self) -> core::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    /// The first that matches.
    pub(crate) fn first(&self, subject: &Subject<'_>) -> Option<&Rule> {
        let Some(Indexes { all, nameless }) = &self.index else { return self.first_one_by_one(subject) };
        let is_known = || {
            let id = subject.peer.spiffe_id();
            let has_name = id.is_some_and(|id| id.namespace().is_some() && id.service_account().is_some());
            (has_name || !all.asks_for_callers()) && (subject.remote.is_some() || !all.asks_for_addresses())
        };
        let index = nameless.as_ref().filter(|_| !is_known()).unwrap_or(all);
        let rules = index.candidates(subject);
        rules
            .filter_map(|place| self.rules.get(usize::try_from(place).ok()?))
            .find(|rule| self.matches(rule, subject))
    }

    /// Those of which one may be near to a request that none of them matches: what it finds by a path, a host or a caller that
    /// they name, and the first ones.
    pub(crate) fn near(&self, subject: &Subject<'_>) -> impl Iterator<Item = &Rule> {
        let found = self.index.iter().flat_map(|indexes| indexes.all.candidates(subject));
        let found = found.filter_map(|place| self.rules.get(usize::try_from(place).ok()?));
        found.take(MOST_NEAR).chain(self.rules.iter().take(MOST_NEAR))
    }

    /// The same without index: what the index is held to.
    pub(crate) fn first_one_by_one(&self, subject: &Subject<'_>) -> Option<&Rule> {
        self.rules.iter().find(|rule| self.matches(rule, subject))
    }

    fn matches(&self, rule: &Rule, subject: &Subject<'_>) -> bool {
        rule.truth(subject) >= self.least
    }
}
