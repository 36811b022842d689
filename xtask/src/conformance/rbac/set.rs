//! A set: the AuthorizationPolicies of one workload, made by chance, each of them valid to istiod.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::chance::Chance;
use super::field::{About, Field, Form, Place, Shape};
use super::value::{self, Here};

/// The workload's namespace, and the one whose policies are for all.
pub(super) const NAMESPACE: &str = "foo";
pub(super) const ROOT_NAMESPACE: &str = "istio-system";
/// The trust domain of the mesh.
pub(super) const TRUST_DOMAIN: &str = "cluster.local";

/// How many forms each set has for sure, so that each form comes up in as many sets as the others.
const DUE: usize = 9;
/// Istio reads no more service accounts in one list.
const MOST_VALUES: usize = 8;

/// One field of a rule with all that it says.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) field: &'static Field,
    pub(super) values: Vec<String>,
    pub(super) not_values: Vec<String>,
}

/// A rule: one of `from`, one of `to`, and all of `when`.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    pub(super) from: Vec<Vec<Ask>>,
    pub(super) to: Vec<Vec<Ask>>,
    pub(super) when: Vec<Ask>,
}

/// A set.
pub(super) struct Set {
    /// Which one of the run.
    pub(super) number: usize,
    pub(super) documents: Vec<Value>,
    /// Of all documents, one after another.
    pub(super) rules: Vec<Rule>,
    pub(super) forms: BTreeSet<Form>,
    pub(super) here: Here,
}

impl Set {
    /// The set of this number; `forms` is what it may consist of, in an order of the seed's.
    pub(super) fn new(number: usize, forms: &[Form], here: Here, chance: &mut Chance) -> Self {
        let documents = chance.between(1, 3);
        let shape = Outline::new(documents, chance);
        let mut making = Making { rules: vec![Rule::default(); shape.rules()], forms: BTreeSet::new(), here };
        let due = (0..DUE).filter_map(|at| {
            let place = number.saturating_mul(DUE).saturating_add(at).checked_rem(forms.len());
            place.and_then(|place| forms.get(place)).copied()
        });
        let others = chance.between(0, 6);
        let drawn: Vec<Form> = (0..others).filter_map(|_| chance.pick(forms).copied()).collect();
        for form in due.chain(drawn) {
            let rule = chance.below(making.rules.len());
            making.say(rule, form, chance);
        }
        for rule in 0..making.rules.len() {
            let is_empty = making.rules.get(rule).is_some_and(Rule::is_empty);
            if is_empty && chance.percent(93) {
                let form = chance.pick(forms).copied();
                form.into_iter().for_each(|form| making.say(rule, form, chance));
            }
        }
        let documents = shape.documents(&making.rules);
        Self { number, documents, rules: making.rules, forms: making.forms, here }
    }

    /// The documents as one text that Kubernetes would take.
    pub(super) fn text(&self) -> String {
        let documents: Vec<String> = self.documents.iter().map(Value::to_string).collect();
        documents.join("\n---\n")
    }
}

/// The documents without what their rules say.
struct Outline {
    /// Namespace, name, action, how many rules.
    documents: Vec<(&'static str, String, &'static str, usize)>,
}

impl Outline {
    fn new(count: usize, chance: &mut Chance) -> Self {
        let documents = (0..count).map(|number| {
            let namespace = if chance.percent(25) { ROOT_NAMESPACE } else { NAMESPACE };
            let name = format!("{}-{number}", chance.word(&["allow", "b", "deny", "z"]));
            let action = if chance.percent(38) { "DENY" } else { "ALLOW" };
            let rules = match chance.below(40) {
                // Nothing that matches; Istio's validation takes that for a mistake in a DENY.
                0 if action == "ALLOW" => 0,
                // More than ten, whose names do not stand in the order of their numbers.
                1 => 12,
                _ => chance.between(1, 3),
            };
            (namespace, name, action, rules)
        });
        let mut documents: Vec<_> = documents.collect();
        if let Some(first) = documents.first_mut()
            && first.3 == 0
        {
            first.3 = 1;
        }
        Self { documents }
    }

    fn rules(&self) -> usize {
        self.documents.iter().map(|(_, _, _, rules)| rules).sum()
    }

    fn documents(&self, rules: &[Rule]) -> Vec<Value> {
        let mut rules = rules.iter();
        let documents = self.documents.iter().map(|(namespace, name, action, count)| {
            let rules: Vec<Rule> = rules.by_ref().take(*count).cloned().collect();
            document(namespace, name, action, &rules)
        });
        documents.collect()
    }
}

/// A document.
pub(super) fn document(namespace: &str, name: &str, action: &str, rules: &[Rule]) -> Value {
    let rules: Vec<Value> = rules.iter().map(Rule::to_json).collect();
    let spec = if rules.is_empty() { json!({}) } else { json!({"action": action, "rules": rules}) };
    json!({
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
}

/// Rules that are being made.
struct Making {
    rules: Vec<Rule>,
    forms: BTreeSet<Form>,
    here: Here,
}

impl Making {
    /// Lets a rule say something in this form, and now and then more of the kind.
    fn say(&mut self, rule: usize, form: Form, chance: &mut Chance) {
        let Some(rule) = self.rules.get_mut(rule) else { return };
        let asks = match form.field.place {
            Place::Condition => Some(&mut rule.when),
            Place::Source => entry(&mut rule.from, form.field, chance),
            Place::Operation => entry(&mut rule.to, form.field, chance),
        };
        let Some(ask) = asks.and_then(|asks| ask(asks, form.field, chance)) else { return };
        let more = if chance.percent(35) { chance.between(1, 2) } else { 0 };
        let shapes = (0..more).filter_map(|_| chance_shape(form.field, chance)).collect::<Vec<_>>();
        for shape in std::iter::once(form.shape).chain(shapes) {
            let list = if form.not { &mut ask.not_values } else { &mut ask.values };
            if list.len() < MOST_VALUES {
                list.push(value::text(form.field.about, shape, self.here, chance));
                self.forms.insert(Form { shape, ..form });
            }
        }
    }
}

fn chance_shape(field: &'static Field, chance: &mut Chance) -> Option<Shape> {
    chance.pick(field.shapes).copied()
}

/// The entry of `from` or `to` in which a field may stand: service accounts go with no other name of the caller.
/// There always is one.
fn entry<'e>(entries: &'e mut Vec<Vec<Ask>>, field: &Field, chance: &mut Chance) -> Option<&'e mut Vec<Ask>> {
    let is_account = |about| about == About::ServiceAccount;
    let is_other = |about| matches!(about, About::Principal | About::Namespace);
    let clash = |entry: &Vec<Ask>| {
        entry.iter().any(|ask| {
            (is_account(ask.field.about) && is_other(field.about))
                || (is_other(ask.field.about) && is_account(field.about))
        })
    };
    let last = entries.last();
    if last.is_none_or(clash) || chance.percent(30) {
        entries.push(Vec::new());
    }
    entries.last_mut()
}

/// Where the field is spoken of, or begins to be. There always is such a place.
fn ask<'a>(asks: &'a mut Vec<Ask>, field: &'static Field, chance: &mut Chance) -> Option<&'a mut Ask> {
    // Conditions with one key may be many, and all of them must hold.
    let is_new = field.place == Place::Condition && chance.percent(50);
    let known = asks.iter().position(|ask| ask.field == field).filter(|_| !is_new);
    let at = known.unwrap_or_else(|| {
        asks.push(Ask { field, values: Vec::new(), not_values: Vec::new() });
        asks.len().saturating_sub(1)
    });
    asks.get_mut(at)
}

impl Rule {
    /// A rule that says one thing.
    pub(super) fn of(field: &'static Field, value: String) -> Self {
        let ask = Ask { field, values: vec![value], not_values: Vec::new() };
        match field.place {
            Place::Source => Self { from: vec![vec![ask]], ..Self::default() },
            Place::Operation => Self { to: vec![vec![ask]], ..Self::default() },
            Place::Condition => Self { when: vec![ask], ..Self::default() },
        }
    }

    fn is_empty(&self) -> bool {
        self.from.is_empty() && self.to.is_empty() && self.when.is_empty()
    }

    fn to_json(&self) -> Value {
        let mut rule = Map::new();
        for (name, inner, entries) in [("from", "source", &self.from), ("to", "operation", &self.to)] {
            if !entries.is_empty() {
                let entries = entries.iter().map(|asks| json!({inner: fields(asks)}));
                rule.insert(name.to_owned(), entries.collect());
            }
        }
        if !self.when.is_empty() {
            rule.insert("when".to_owned(), self.when.iter().map(condition).collect());
        }
        Value::Object(rule)
    }
}

fn fields(asks: &[Ask]) -> Value {
    let both =
        asks.iter().flat_map(|ask| [(ask.field.name, &ask.values), (ask.field.not_name, &ask.not_values)]);
    both.filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| (name.to_owned(), json!(values)))
        .collect()
}

fn condition(ask: &Ask) -> Value {
    let mut condition = Map::from_iter([("key".to_owned(), json!(ask.field.name))]);
    for (name, values) in [("values", &ask.values), ("notValues", &ask.not_values)] {
        if !values.is_empty() {
            condition.insert(name.to_owned(), json!(values));
        }
    }
    Value::Object(condition)
}
