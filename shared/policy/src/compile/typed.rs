//! Typed conditions of an AccessPolicy: a claim or another part of the request, and what it must be.

use core::cmp::Ordering;

use meshward_config::{Place, Problems};
use meshward_decide::matching::attribute::AttributeCondition;
use meshward_decide::matching::claim::ClaimTest;
use meshward_decide::{Condition, Uses};
use meshward_model::Code;
use meshward_reading::attribute::Attribute;

use super::attribute;
use super::document::Context;
use super::values;
use crate::raw::{RawCondition, RawTo, Scalar, at};
use crate::regex;

/// A condition on one attribute; `to` is what its rule is about.
pub(super) fn compile(
    place: &Place<'_>,
    context: Context<'_>,
    raw: &RawCondition,
    to: &[RawTo],
    uses: &mut Uses,
    problems: &mut Problems,
) -> Option<Condition> {
    if raw.first(at::KEY..=at::NOT_VALUES).is_some() {
        mixed(
            place,
            "a typed condition does not go together with `key`, `values` and `notValues`",
            "say what it must be by `equals`, `in` and the like; write another condition for the key",
            problems,
        );
    }
    let attribute = attribute::compile(place, context, (&raw.0, at::ATTRIBUTES.start), to, uses, problems);
    let tests = tests(place, raw, problems);
    let place_of_same = place.field("sameAs");
    let same = raw.0.one(at::SAME_AS);
    let same = same.map(|raw| attribute::compile(&place_of_same, context, (raw, 0), to, uses, problems));
    if raw.first(at::EQUALS..=at::SAME_AS).is_none() {
        problems.add(
            Code::ConditionWithoutValues,
            place,
            "a condition that does not say what the attribute must be says nothing",
            "give `equals`, `in`, `prefix`, `suffix`, `contains`, `gt`, `lt`, `regex`, `exists` or `sameAs`",
        );
    }
    if raw.0.flag(at::EXISTS) == Some(false) && (tests.len() > 1 || same.is_some()) {
        let what = "what does not exist can be nothing else";
        mixed(&place.field("exists"), what, "take `exists: false` or the rest away", problems);
    }
    let attribute = attribute?;
    let same = match same {
        Some(same) => Some(same?),
        None => None,
    };
    if same.as_ref() == Some(&attribute) {
        mixed(&place_of_same, "everything is the same as itself", "name another attribute", problems);
    }
    fits(place, &attribute, raw, problems);
    Some(Condition::Attribute(AttributeCondition { attribute, tests, same }))
}

fn mixed(place: &Place<'_>, message: &'static str, help: &'static str, problems: &mut Problems) {
    problems.add(Code::MixedCondition, place, message, help);
}

/// A test that could never tell anything of this attribute is a mistake.
fn fits(place: &Place<'_>, attribute: &Attribute, raw: &RawCondition, problems: &mut Problems) {
    let (what, numbers) = match attribute {
        Attribute::Claim(_) | Attribute::Header(_) | Attribute::Query(_) | Attribute::Cookie(_) => return,
        Attribute::Capture(..) => ("a segment of the path", true),
        Attribute::Peer(_) => ("a part of the peer", false),
        Attribute::Path => ("the path", false),
    };
    let is_text = |value: &Scalar| matches!(value, Scalar::Text(_)) || (numbers && value.is_number());
    for field in at::EQUALS..=at::EXISTS {
        let why = match field {
            at::CONTAINS => "no list",
            at::EXISTS => "never the question",
            at::GT | at::LT if !numbers => "no number",
            at::EQUALS | at::IN if !raw.0.scalars(field).unwrap_or_default().iter().all(is_text) => {
                "not of this type"
            }
            _ => continue,
        };
        let Some(name) = raw.first([field]) else { continue };
        problems.add(
            Code::OperatorMisfits,
            &place.field(name),
            format!("`{name}` says nothing of {what}, which is {why}"),
            "compare it by `equals`, `in`, `prefix`, `suffix`, `regex` or `sameAs`; ask for a caller with a name by `principals: [\"*\"]` under `from`",
        );
    }
}

fn tests(place: &Place<'_>, raw: &RawCondition, problems: &mut Problems) -> Vec<ClaimTest> {
    let mut tests = Vec::new();
    for field in at::EQUALS..=at::EXISTS {
        let Some(name) = raw.first([field]) else { continue };
        let place = place.field(name);
        let scalars = raw.0.scalars(field).unwrap_or_default();
        let text = raw.0.text(field).map(String::as_str).unwrap_or_default();
        let values: Vec<_> = scalars.iter().cloned().map(meshward_decide::Scalar::from).collect();
        let first = values.first().cloned().unwrap_or(meshward_decide::Scalar::Bool(false));
        tests.push(match field {
            at::EQUALS | at::IN => {
                if values.is_empty() {
                    values::empty_list(&place, problems);
                }
                ClaimTest::In(values)
            }
            at::EXISTS => ClaimTest::Exists(raw.0.flag(field).unwrap_or_default()),
            at::GT | at::LT => {
                if !scalars.iter().all(Scalar::is_number) {
                    problems.add(
                        Code::NotOneNumber,
                        &place,
                        "only numbers are compared",
                        "write a number, without quotes",
                    );
                }
                let side = if field == at::GT { Ordering::Greater } else { Ordering::Less };
                ClaimTest::Compared(side, first)
            }
            at::CONTAINS => {
                if matches!(&first, meshward_decide::Scalar::Text(text) if text.is_empty()) {
                    values::empty_value(&place, problems);
                }
                ClaimTest::Contains(first)
            }
            _ => {
                if text.is_empty() {
                    values::empty_value(&place, problems);
                }
                match field {
                    at::PREFIX => ClaimTest::Prefix(text.into()),
                    at::SUFFIX => ClaimTest::Suffix(text.into()),
                    _ => match regex::compile(text) {
                        Ok(regex) => ClaimTest::Regex(regex),
                        Err((message, help)) => {
                            problems.add(Code::BadRegex, &place, message, help);
                            continue;
                        }
                    },
                }
            }
        });
    }
    tests
}
