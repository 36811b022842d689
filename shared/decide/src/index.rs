//! Which rules a request is worth comparing with.
//!
//! A rule is filed under what tells it apart: a path, a host, a caller, a header, or two of them where one alone is shared by many
//! rules. A request is looked up by all of its own, and every rule that could match is among what is found; whether it does,
//! the rule itself says. So the index can cost a verdict only by not finding a rule, and that it finds all is what the tests
//! hold it to: they ask the rules one by one as well.
//!
//! What is filed under nothing (a rule about methods alone, or one whose only name is `*`) is compared with every request.

mod cover;
mod key;
mod probe;

use crate::rule::{Rule, Subject};
pub(crate) use cover::{ALL, Dimension, NAMELESS, TOKENLESS};
use cover::{Cover, DIMENSIONS, Label};
use key::{ByKey, Key, Kind};
use probe::Filed;

/// A key that more rules than this share is paired with another, where there is one.
const CROWD: u32 = 8;
/// The most pairs that one rule is filed under.
const MAX_PAIRS: usize = 64;

/// So many shelves are found without growing the list of them; ordinary requests find fewer.
const AT_ONCE: usize = 8;

/// Rules by what they ask for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Index {
    shelves: ByKey<Shelf>,
    /// The rules that stand on no shelf.
    unfiled: Vec<u32>,
    filed: Filed,
    /// Whether any key is half of a pair.
    pairs: bool,
}

/// What is filed under a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Shelf {
    /// Rules, in rising order.
    places: Vec<u32>,
    /// How many rules could be filed here.
    shared: u32,
    /// Whether the key is half of a pair.
    paired: bool,
}

impl Index {
    /// Files `rules` by these dimensions.
    pub(crate) fn new(rules: &[Rule], dimensions: &[Dimension]) -> Self {
        let mut index = Self::default();
        for rule in rules {
            for dimension in dimensions {
                for label in cover::of(rule, *dimension).iter().flatten().flatten() {
                    let shelf = index.shelves.entry(label.key).or_default();
                    shelf.shared = shelf.shared.saturating_add(1);
                }
            }
        }
        for (place, rule) in (0_u32..).zip(rules) {
            let (mut best, mut second): (Option<Choice>, Option<Choice>) = (None, None);
            for dimension in dimensions {
                let Some(choice) = index.choice(*dimension, cover::of(rule, *dimension)) else { continue };
                if best.as_ref().is_none_or(|best| choice.crowd < best.crowd) {
                    second = best.replace(choice);
                } else if second.as_ref().is_none_or(|second| choice.crowd < second.crowd) {
                    second = Some(choice);
                }
            }
            match best {
                Some(best) => index.file(place, rule, &best, second.as_ref()),
                None => index.unfiled.push(place),
            }
        }
        index.shelves.retain(|_, shelf| shelf.paired || !shelf.places.is_empty());
        index
    }

    /// All rules that could match, in rising order.
    pub(crate) fn candidates(&self, subject: &Subject<'_>) -> Candidates<'_> {
        let mut found = Vec::with_capacity(AT_ONCE);
        found.push(self.unfiled.as_slice());
        let mut halves: [Vec<Key>; DIMENSIONS] = Default::default();
        self.filed.probe(subject, &mut |dimension, key| {
            let Some(shelf) = self.shelves.get(&key) else { return };
            found.push(&shelf.places);
            if shelf.paired
                && let Some(half) = halves.get_mut(dimension as usize)
            {
                half.push(key);
            }
        });
        if self.pairs {
            for (at, firsts) in halves.iter().enumerate() {
                for second in halves.iter().skip(at.saturating_add(1)).flatten() {
                    for first in firsts {
                        let shelf = self.shelves.get(&key::pair(*first, *second));
                        found.extend(shelf.map(|shelf| shelf.places.as_slice()));
                    }
                }
            }
        }
        found.retain(|places| !places.is_empty());
        Candidates(found)
    }

    /// Whether any rule is filed under an address.
    pub(crate) fn asks_for_addresses(&self) -> bool {
        self.filed.has(&[Kind::Block])
    }

    /// Whether any rule is filed under a caller.
    pub(crate) fn asks_for_callers(&self) -> bool {
        self.filed.has(key::CALLERS)
    }

    /// One dimension of a rule.
    fn choice(&self, dimension: Dimension, cover: Cover) -> Option<Choice> {
        let shared = |label: &Label| self.shelves.get(&label.key).map_or(u32::MAX, |shelf| shelf.shared);
        let mut choice = Choice { dimension, labels: Vec::new(), crowd: 0 };
        for alternatives in cover? {
            let label = alternatives.into_iter().min_by_key(shared)?;
            choice.crowd = choice.crowd.max(shared(&label));
            choice.labels.push(label);
        }
        Some(choice)
    }

    fn file(&mut self, place: u32, rule: &Rule, best: &Choice, second: Option<&Choice>) {
        self.note(rule, best);
        let second = second.filter(|second| {
            best.crowd > CROWD && best.labels.len().saturating_mul(second.labels.len()) <= MAX_PAIRS
        });
        let Some(second) = second else {
            best.labels.iter().for_each(|label| self.put(label.key, place));
            return;
        };
        self.note(rule, second);
        self.pairs = true;
        for half in best.labels.iter().chain(&second.labels) {
            self.shelves.entry(half.key).or_default().paired = true;
        }
        let is_first = (best.dimension as usize) < second.dimension as usize;
        let (first, second) = if is_first { (best, second) } else { (second, best) };
        for one in &first.labels {
            second.labels.iter().for_each(|other| self.put(key::pair(one.key, other.key), place));
        }
    }

    fn put(&mut self, key: Key, place: u32) {
        let places = &mut self.shelves.entry(key).or_default().places;
        if places.last() != Some(&place) {
            places.push(place);
        }
    }

    fn note(&mut self, rule: &Rule, choice: &Choice) {
        choice.labels.iter().for_each(|label| self.filed.note(*label));
        if choice.dimension == Dimension::Header {
            cover::header_name(rule).into_iter().for_each(|name| self.filed.note_header(name));
        }
        if choice.dimension == Dimension::Token {
            cover::claim_name(rule).into_iter().for_each(|path| self.filed.note_claim(path));
        }
    }
}

/// One dimension of a rule, with one label for each of its values: the one that the fewest rules share.
struct Choice {
    dimension: Dimension,
    labels: Vec<Label>,
    /// How many rules share the label that is shared most.
    crowd: u32,
}

/// Places of rules, in rising order: what is left of each shelf.
pub(crate) struct Candidates<'i>(Vec<&'i [u32]>);

impl Iterator for Candidates<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let next = self.0.iter().filter_map(|places| places.first()).min().copied()?;
        for places in &mut self.0 {
            if let Some((first, left)) = places.split_first()
                && *first == next
            {
                *places = left;
            }
        }
        Some(next)
    }
}

#[cfg(test)]
#[path = "index/tests.rs"]
mod tests;
