//! Lists of values.

use std::borrow::Cow;

use meshward_config::{Place, Problems};
use meshward_decide::Pattern;
use meshward_decide::matching::Field;
use meshward_model::Code;

use super::document::Context;

/// The most values of one list.
const MAX_VALUES: usize = 16_384;

/// A field with its `notX`: `None` when neither is given. `read` compiles one value; its error is (message, help).
pub(super) fn field<M>(
    place: &Place<'_>,
    context: Context<'_>,
    (name, values): (&str, Option<&Vec<String>>),
    (not_name, not_values): (&str, Option<&Vec<String>>),
    mut read: impl FnMut(&str) -> Result<M, Wrong>,
    problems: &mut Problems,
) -> Option<Field<M>> {
    let any = list(&place.field(name), context, values, &mut read, problems);
    let none = list(&place.field(not_name), context, not_values, &mut read, problems);
    (any.is_some() || none.is_some())
        .then(|| Field { any: any.unwrap_or_default(), none: none.unwrap_or_default() })
}

/// What is wrong with a value, and what to write instead.
pub(super) struct Wrong {
    pub(super) code: Code,
    pub(super) message: Cow<'static, str>,
    pub(super) help: Cow<'static, str>,
}

/// Shorthand for a [`Wrong`] value.
pub(super) fn wrong<T>(
    code: Code,
    message: impl Into<Cow<'static, str>>,
    help: impl Into<Cow<'static, str>>,
) -> Result<T, Wrong> {
    Err(Wrong { code, message: message.into(), help: help.into() })
}

fn list<M>(
    place: &Place<'_>,
    context: Context<'_>,
    values: Option<&Vec<String>>,
    read: &mut impl FnMut(&str) -> Result<M, Wrong>,
    problems: &mut Problems,
) -> Option<Vec<M>> {
    let mut compiled = Vec::new();
    let mut keep = |value: &str| read(value).map(|matcher| compiled.push(matcher));
    let is_given = each(place, context, values?, &mut keep, problems);
    is_given.then_some(compiled)
}

/// Reads one value after the other; whether the list counts as given. Stands once in a module, whatever the values are.
fn each(
    place: &Place<'_>,
    context: Context<'_>,
    values: &[String],
    read: &mut dyn FnMut(&str) -> Result<(), Wrong>,
    problems: &mut Problems,
) -> bool {
    if values.is_empty() {
        if context.strict {
            empty_list(place, problems);
        }
        // In Istio's API an empty list is the same as none.
        return context.strict;
    }
    if values.len() > MAX_VALUES {
        problems.add(
            Code::TooManyValues,
            place,
            format!("{} values, at most {MAX_VALUES} are read", values.len()),
            "split the rule",
        );
        return true;
    }
    for (index, value) in values.iter().enumerate() {
        let result = if value.is_empty() {
            wrong(Code::EmptyValue, "an empty value", "name something")
        } else {
            read(value)
        };
        if let Err(Wrong { code, message, help }) = result {
            problems.add(code, &place.index(index), message, help);
        }
    }
    true
}

/// A list that names nothing.
pub(super) fn empty_list(place: &Place<'_>, problems: &mut Problems) {
    problems.add(
        Code::EmptyList,
        place,
        "an empty list",
        "name at least one value; deleting the field would take its restriction away",
    );
}

/// A value that says nothing.
pub(super) fn empty_value(place: &Place<'_>, problems: &mut Problems) {
    problems.add(Code::EmptyValue, place, "an empty value", "name something");
}

/// A strict ALLOW rule that excludes everybody; `what` is what it looks at.
pub(super) fn nobody_is_left(place: &Place<'_>, field: &str, what: &str, problems: &mut Problems) {
    problems.add(
        Code::NobodyIsLeft,
        place,
        format!("in an ALLOW rule `{field}: [\"*\"]` matches nobody (in Istio's: callers without {what})"),
        format!("to let everyone in, with or without {what}, leave `from` out; to require one, write this in a DENY rule"),
    );
}

/// Reads a value as a string match. Strict: a `*` anywhere but at one end is refused, since it would be taken literally. `what`
/// is what the value names.
pub(super) fn pattern(context: Context<'_>, what: &str, value: &str) -> Result<Pattern, Wrong> {
    let pattern = Pattern::new(value);
    if context.strict && pattern.literal().contains(&b'*') {
        return wrong(
            Code::StarInside,
            format!("`{value}`: a `*` may stand only alone, at the start or at the end"),
            format!("list each {what} in full"),
        );
    }
    Ok(pattern)
}
