//! The tree of a regular expression to a deterministic automaton: Thompson's construction, then subsets.

use meshward_reading::regex::Regex;

use super::Fault;
use super::parse::Node;

/// The most places that the expression may have, counted repeats written out.
const MAX_PLACES: usize = 2048;

/// The most states of the automaton.
const MAX_STATES: usize = 1024;

/// The most entries of its table: states times classes of characters.
const MAX_ENTRIES: usize = 65_536;

/// The most steps that making it may take.
const MAX_STEPS: usize = 2_000_000;

/// A place in the expression.
enum Place {
    /// Goes on with a character of the set.
    Set(Vec<(u32, u32)>, usize),
    /// Goes on at both.
    Fork(usize, usize),
    /// The end.
    End,
}

/// Where a part goes on that has not been written yet.
const LATER: usize = usize::MAX;

fn too_large() -> Fault {
    (
        "the expression makes too large an automaton".into(),
        "count less, or say less at once: `.*` before counted repeats is what grows most; several rules may do",
    )
}

/// The automaton of `node`.
pub(super) fn build(node: &Node) -> Result<Regex, Fault> {
    let mut places = Places { all: vec![Place::End] };
    let begin = places.add(node, 0)?;
    subsets(&places.all, begin)
}

/// Places are written from the end: each part knows where it goes on.
struct Places {
    all: Vec<Place>,
}

impl Places {
    fn push(&mut self, place: Place) -> Result<usize, Fault> {
        if self.all.len() >= MAX_PLACES {
            return Err(too_large());
        }
        self.all.push(place);
        Ok(self.all.len().saturating_sub(1))
    }

    /// Adds `node`, which goes on at `next`, and gives where it begins.
    fn add(&mut self, node: &Node, next: usize) -> Result<usize, Fault> {
        match node {
            Node::Set(ranges) => self.push(Place::Set(ranges.clone(), next)),
            Node::All(parts) => parts.iter().rev().try_fold(next, |next, part| self.add(part, next)),
            Node::Any(branches) => {
                let mut begin = None;
                for branch in branches {
                    let one = self.add(branch, next)?;
                    begin = Some(match begin {
                        None => one,
                        Some(other) => self.push(Place::Fork(other, one))?,
                    });
                }
                Ok(begin.unwrap_or(next))
            }
            Node::Repeat(part, least, most) => {
                let mut begin = match most {
                    None => {
                        let fork = self.push(Place::Fork(LATER, next))?;
                        let again = self.add(part, fork)?;
                        if let Some(place) = self.all.get_mut(fork) {
                            *place = Place::Fork(again, next);
                        }
                        fork
                    }
                    Some(most) => {
                        let mut begin = next;
                        for _ in *least..*most {
                            let one = self.add(part, begin)?;
                            begin = self.push(Place::Fork(one, next))?;
                        }
                        begin
                    }
                };
                for _ in 0..*least {
                    // A part that is nothing adds no place, and so would never end by their number.
                    let before = begin;
                    begin = self.add(part, begin)?;
                    if begin == before {
                        break;
                    }
                }
                Ok(begin)
            }
        }
    }
}

/// Subsets of places, each a state.
fn subsets(places: &[Place], begin: usize) -> Result<Regex, Fault> {
    let bounds = bounds(places);
    let mut steps = 0_usize;
    let mut states = vec![closure(places, vec![begin], &mut steps)?];
    // Numbers of states, in the order of the states themselves.
    let mut known: Vec<u16> = vec![0];
    let mut next = Vec::new();
    let mut ends = Vec::new();
    let mut at = 0;
    while let Some(state) = states.get(at).cloned() {
        at = at.saturating_add(1);
        ends.push(state.iter().any(|place| matches!(places.get(*place), Some(Place::End))));
        for character in core::iter::once(0).chain(bounds.iter().copied()) {
            let mut goes = Vec::new();
            for place in &state {
                if let Some(Place::Set(ranges, next)) = places.get(*place)
                    && has(ranges, character)
                {
                    goes.push(*next);
                }
            }
            steps = steps.saturating_add(state.len());
            let reached = closure(places, goes, &mut steps)?;
            if reached.is_empty() {
                next.push(Regex::DEAD);
                continue;
            }
            let place =
                known.binary_search_by(|number| states.get(usize::from(*number)).cmp(&Some(&reached)));
            next.push(match place {
                Ok(place) => known.get(place).copied().unwrap_or(Regex::DEAD),
                Err(place) => {
                    let number = u16::try_from(states.len()).unwrap_or(Regex::DEAD);
                    known.insert(place, number);
                    states.push(reached);
                    number
                }
            });
            if states.len() > MAX_STATES || next.len() > MAX_ENTRIES {
                return Err(too_large());
            }
        }
    }
    Ok(Regex::new(bounds.into(), next.into(), ends.into()))
}

/// Every place that is reached from `left` without a character, forks left out, in their order.
fn closure(places: &[Place], mut left: Vec<usize>, steps: &mut usize) -> Result<Vec<usize>, Fault> {
    let mut seen = vec![false; places.len()];
    while let Some(place) = left.pop() {
        *steps = steps.saturating_add(1);
        if *steps > MAX_STEPS {
            return Err(too_large());
        }
        let Some(seen) = seen.get_mut(place) else { continue };
        if core::mem::replace(seen, true) {
            continue;
        }
        if let Some(Place::Fork(one, other)) = places.get(place) {
            left.push(*one);
            left.push(*other);
        }
    }
    *steps = steps.saturating_add(places.len() / 64);
    let mut reached = Vec::new();
    for (at, (place, seen)) in places.iter().zip(seen).enumerate() {
        if seen && !matches!(place, Place::Fork(..)) {
            reached.push(at);
        }
    }
    Ok(reached)
}

/// Where classes of characters begin that the expression tells apart.
fn bounds(places: &[Place]) -> Vec<u32> {
    let mut bounds = Vec::new();
    let mut add = |bound: u32| {
        if let Err(at) = bounds.binary_search(&bound)
            && bound > 0
        {
            bounds.insert(at, bound);
        }
    };
    for place in places {
        if let Place::Set(ranges, _) = place {
            for (first, last) in ranges {
                add(*first);
                add(last.saturating_add(1));
            }
        }
    }
    bounds
}

fn has(ranges: &[(u32, u32)], character: u32) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&character))
}
