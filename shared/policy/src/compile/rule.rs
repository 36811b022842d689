//! One rule.

use meshward_config::{Place, Problems};
use meshward_decide::{Rule, Uses};
use meshward_model::{Code, RuleId};

use super::document::Context;
use super::{condition, operation, source};
use crate::raw::{RawRule, RawTo};

/// The most entries of `from`, `to` or `when`; Istio's own limit for `from`.
const MAX_ENTRIES: usize = 512;

pub(super) fn compile(
    place: &Place<'_>,
    context: Context<'_>,
    id: RuleId,
    raw: &RawRule,
    uses: &mut Uses,
    problems: &mut Problems,
) -> Rule {
    let at = place.field("from");
    check_entries(
        &at,
        raw.from.as_deref(),
        "name a caller (without `from` the rule matches EVERY caller)",
        problems,
    );
    let from = raw.from.iter().flatten().enumerate();
    let from = from.map(|(index, from)| {
        let entry = at.index(index);
        source::compile(&entry.field("source"), context, &from.source, uses, problems)
    });
    let from = from.collect();

    let at = place.field("to");
    check_entries(
        &at,
        raw.to.as_deref(),
        "name an operation (without `to` the rule matches EVERY operation)",
        problems,
    );
    let to = raw.to.iter().flatten().enumerate();
    let to = to.map(|(index, to)| {
        let entry = at.index(index);
        operation::compile(&entry.field("operation"), context, &to.operation, uses, problems)
    });
    let to = to.collect();

    let at = place.field("when");
    if context.strict {
        check_entries(
            &at,
            raw.when.as_deref(),
            "name a condition (without `when` the rule has none)",
            problems,
        );
    }
    let asked = raw_to(raw);
    let when = raw.when.iter().flatten().enumerate();
    let when = when
        .filter_map(|(index, raw)| condition::compile(&at.index(index), context, raw, asked, uses, problems));
    let when = when.collect();
    Rule { id, from, to, when }
}

/// What the rule is about, as it is written.
fn raw_to(raw: &RawRule) -> &[RawTo] {
    raw.to.as_deref().unwrap_or_default()
}

fn check_entries<T>(at: &Place<'_>, entries: Option<&[T]>, remedy: &'static str, problems: &mut Problems) {
    match entries.map(<[T]>::len) {
        Some(0) => problems.add(Code::EmptyList, at, "an empty list", remedy),
        Some(count) if count > MAX_ENTRIES => {
            problems.add(
                Code::TooManyValues,
                at,
                format!("{count} entries, at most {MAX_ENTRIES} are read"),
                "split the rule",
            );
        }
        Some(_) | None => {}
    }
}
