//! Typed conditions on what a request says: headers, query parameters, cookies, the path and its captures, the peer.
//!
//! A part of a request may have more than one plausible reading; a condition holds for certain when it holds in all of them. That a
//! header, a parameter or a cookie is not there is known, and then no comparison holds.

use meshward_reading::attribute::{Attribute, header_lines, header_values};
use meshward_reading::{Reading, Readings};

use super::claim::{ClaimTest, claim_at, has_two_domains};
use crate::rule::Subject;
use crate::truth::{Truth, all};

/// What an attribute must be: all of `tests`, and the same as each of `same`.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeCondition {
    /// What is looked at.
    pub attribute: Attribute,
    /// What it must be.
    pub tests: Vec<ClaimTest>,
    /// What it must be the same as.
    pub same: Option<Attribute>,
}

impl AttributeCondition {
    /// What the condition says of a request.
    #[inline(never)]
    pub(crate) fn truth(&self, subject: &Subject<'_>) -> Truth {
        let tests = match &self.attribute {
            Attribute::Claim(path) => {
                let claim = claim_at(subject.token, path);
                all(self.tests.iter().map(|test| test.truth(claim, subject.token.is_some())))
            }
            Attribute::Header(name) => {
                // A list is all lines of a header, whether they were joined or not. For everything else each value counts, and each
                // part of one that a proxy may have joined.
                let parts = header_values(name, subject.headers);
                let lines = header_lines(name, subject.headers);
                self.across(&parts, ',', Some(false)).min(self.across(&lines, ',', Some(true)))
            }
            Attribute::Query(_)
            | Attribute::Cookie(_)
            | Attribute::Capture(..)
            | Attribute::Peer(_)
            | Attribute::Path => self.across(&self.attribute.readings(&subject.seen()), ' ', None),
        };
        match &self.same {
            Some(other) if tests != Truth::No => tests.min(are_same(&self.attribute, other, subject)),
            Some(_) | None => tests,
        }
    }

    /// What holds in all readings, or in none; else it is open. `lists`: only of comparisons with lists, or only of the others.
    fn across(&self, readings: &Readings<'_>, separator: char, lists: Option<bool>) -> Truth {
        let is_asked =
            |test: &ClaimTest| lists.is_none_or(|lists| lists == matches!(test, ClaimTest::Contains(_)));
        let mut found = None;
        for reading in readings.iter() {
            let mut truth = Truth::Yes;
            for test in self.tests.iter().filter(|test| is_asked(test)) {
                truth = truth.min(of_reading(test, reading, separator));
            }
            if *found.get_or_insert(truth) != truth {
                return Truth::Maybe;
            }
        }
        found.unwrap_or(Truth::Maybe)
    }
}

/// Whether two attributes are the same string; what is missing, or has two readings, may be or may be not.
fn are_same(one: &Attribute, other: &Attribute, subject: &Subject<'_>) -> Truth {
    let seen = subject.seen();
    let (one, other) = (one.readings(&seen), other.readings(&seen));
    match (one.one(), other.one()) {
        (Some(one), Some(other)) => (one == other).into(),
        (None, _) | (_, None) => Truth::Maybe,
    }
}

/// What a test says of a reading.
fn of_reading(test: &ClaimTest, reading: &Reading<'_>, separator: char) -> Truth {
    match (reading, test) {
        (Reading::Unclear, _) => Truth::Maybe,
        (Reading::Absent, ClaimTest::Exists(wanted)) => (!*wanted).into(),
        (Reading::Absent, _) => Truth::No,
        (Reading::Text(text), test) => of_text(test, text, separator).map_or(Truth::Maybe, Truth::from),
    }
}

/// What a test says of a text; `None` where the text cannot be read as what the test compares.
fn of_text(test: &ClaimTest, text: &str, separator: char) -> Option<bool> {
    match test {
        ClaimTest::In(values) => {
            let mut all_made = true;
            for value in values {
                match value.equals_text(text) {
                    Some(true) => return Some(true),
                    Some(false) => {}
                    None => all_made = false,
                }
            }
            all_made.then_some(false)
        }
        ClaimTest::Prefix(prefix) => Some(text.starts_with(&**prefix)),
        ClaimTest::Suffix(suffix) => {
            (!has_two_domains(suffix.as_bytes(), text)).then(|| text.ends_with(&**suffix))
        }
        ClaimTest::Contains(wanted) => {
            // Between quotes a comma parts nothing, and not everybody knows.
            let mut all_made = !text.contains('"');
            for element in text.split(separator).map(str::trim_ascii).filter(|element| !element.is_empty()) {
                match wanted.equals_text(element) {
                    Some(true) if all_made => return Some(true),
                    Some(false) => {}
                    Some(true) | None => all_made = false,
                }
            }
            all_made.then_some(false)
        }
        ClaimTest::Compared(side, than) => than.compare_text(text).map(|found| found == *side),
        ClaimTest::Exists(wanted) => Some(*wanted),
        ClaimTest::Regex(regex) => regex.matches(text),
    }
}
