//! Matching on request headers: every value counts.

use meshward_http::merged;
use meshward_model::Headers;

use super::Field;
use crate::pattern::Pattern;
use crate::truth::Truth;

/// `request.headers[name]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderCondition {
    /// Lower case.
    pub name: Box<[u8]>,
    /// What its values must be.
    pub values: Field<Pattern>,
}

impl HeaderCondition {
    /// What the condition says of `headers`.
    ///
    /// Istio's dialect: a pattern matches when any value matches, as Envoy 1.36.5 and later do. Strict: it matches for certain
    /// only when every reading of every value matches; where a proxy may have merged values with a comma, the parts are further
    /// readings, and so are the values of a name that differs in `_` for `-`: Envoy passes both on, and behind a gateway interface
    /// (RFC 3875 §4.1.18) they are one variable.
    pub(crate) fn truth(&self, headers: &Headers, strict: bool) -> Truth {
        if !strict {
            return self.values.plain(|pattern| headers.all(&self.name).any(|value| pattern.matches(value)));
        }
        let (mut readings, mut more): (Vec<&[u8]>, Vec<&[u8]>) = (Vec::new(), Vec::new());
        for (same, value) in headers.alike(&self.name) {
            self.read(value, if same { &mut readings } else { &mut more });
        }
        let truth = self.of(&readings);
        if more.is_empty() {
            return truth;
        }
        readings.append(&mut more);
        if self.of(&readings) == truth { truth } else { Truth::Maybe }
    }

    fn read<'h>(&self, value: &'h [u8], readings: &mut Vec<&'h [u8]>) {
        readings.push(value);
        if value.contains(&b',') && merged::may_be_merged(&self.name) {
            readings.extend(value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii));
        }
    }

    fn of(&self, readings: &[&[u8]]) -> Truth {
        let some = if self.values.any.is_empty() {
            Truth::Yes
        } else {
            across(readings, |value| self.values.any.iter().any(|pattern| pattern.matches(value)))
        };
        let taken = across(readings, |value| self.values.none.iter().any(|pattern| pattern.matches(value)));
        some.min(!taken)
    }
}

/// `Yes` when all values (at least one) match, `Maybe` when some do, `No` when none does.
fn across(values: &[&[u8]], matches: impl Fn(&[u8]) -> bool) -> Truth {
    let matching = values.iter().filter(|value| matches(value)).count();
    match matching {
        0 => Truth::No,
        all if all == values.len() => Truth::Yes,
        _ => Truth::Maybe,
    }
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
