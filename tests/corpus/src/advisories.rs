//! The advisories whose trick could be tried here, and what is there to show of each: `tests/corpus/advisories.yaml`.

use crate::CorpusError;
use crate::broken::Broken;
use crate::case::{Case, Expect};
use crate::files::{root, text};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The share of rows with a request that may be skipped, in per cent.
const SKIPPED_PERCENT: usize = 15;

/// A row as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRow {
    ids: Vec<String>,
    of: String,
    what: String,
    shown: Option<String>,
    skip: Option<String>,
    nothing: Option<String>,
}

/// Advisories of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Such as `CVE-2019-9901`.
    pub ids: Vec<String>,
    /// Whose product.
    pub of: String,
    /// The trick, in a few words.
    pub what: String,
    /// How it is shown.
    pub how: How,
}

/// How a row is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// By cases, or by a configuration that must be refused.
    Cases,
    /// By a test of its own.
    Test {
        /// Its file, from the checkout's folder.
        file: String,
        /// Its name.
        name: String,
    },
    /// It has a request, and cannot be tried here.
    Skipped(String),
    /// It has no request.
    Nothing(String),
}

/// Every row, in order.
///
/// # Errors
/// When the list cannot be read, or a row says two things of itself.
pub fn catalog() -> Result<Vec<Row>, CorpusError> {
    let path = root().join("tests/corpus/advisories.yaml");
    let fail = |what: String| CorpusError::new("tests/corpus/advisories.yaml", what);
    let parts: BTreeMap<String, Vec<RawRow>> =
        serde_yaml_ng::from_str(&text(&path)?).map_err(|error| fail(error.to_string()))?;
    parts.into_values().flatten().map(|raw| row(raw).map_err(fail)).collect()
}

fn row(raw: RawRow) -> Result<Row, String> {
    let RawRow { ids, of, what, shown, skip, nothing } = raw;
    let how = match (shown, skip, nothing) {
        (None, None, None) => How::Cases,
        (Some(shown), None, None) => {
            let (file, name) =
                shown.split_once(": ").ok_or_else(|| format!("`{shown}`: write `<file>: <test>`"))?;
            How::Test { file: file.to_owned(), name: name.to_owned() }
        }
        (None, Some(why), None) if !why.trim().is_empty() => How::Skipped(why),
        (None, None, Some(why)) if !why.trim().is_empty() => How::Nothing(why),
        (_, _, _) => return Err(format!("{ids:?}: one of `shown`, `skip`, `nothing`, or none of them")),
    };
    Ok(Row { ids, of, what, how })
}

/// What is wrong with the list: rows that nothing shows, ids that are on no row, cases that show nothing, too many skips.
///
/// # Errors
/// When a file that a row names cannot be read.
pub fn wrong(rows: &[Row], cases: &[Case], broken: &[Broken]) -> Result<Vec<String>, CorpusError> {
    let mut wrong = Vec::new();
    let known: Vec<&String> = rows.iter().flat_map(|row| &row.ids).collect();
    let distinct: BTreeSet<&String> = known.iter().copied().collect();
    if distinct.len() != known.len() {
        wrong.push("an id stands on two rows".to_owned());
    }
    let tags = cases.iter().flat_map(|case| case.advisories.iter().map(|id| (id, &case.name)));
    let tags =
        tags.chain(broken.iter().flat_map(|one| one.advisories.iter().map(|id| (id, &one.policy.name))));
    wrong.extend(
        tags.filter(|(id, _)| !distinct.contains(id)).map(|(id, at)| format!("{at}: `{id}` is on no row")),
    );
    for row in rows {
        match &row.how {
            How::Cases => wrong.extend(row.ids.iter().filter_map(|id| unshown(id, cases, broken))),
            How::Test { file, name } => {
                if !text(&root().join(file))?.contains(&format!("fn {name}(")) {
                    wrong.push(format!("{:?}: {file} has no test `{name}`", row.ids));
                }
            }
            How::Skipped(_) | How::Nothing(_) => {}
        }
        let tagged = |id: &&String| cases.iter().any(|case| case.advisories.contains(id));
        if let (How::Skipped(_) | How::Nothing(_), Some(id)) = (&row.how, row.ids.iter().find(tagged)) {
            wrong.push(format!("{id} is skipped, and a case bears it"));
        }
    }
    wrong.extend(cases.iter().filter_map(pretends));
    let asks = rows.iter().filter(|row| !matches!(row.how, How::Nothing(_))).count();
    let skipped = rows.iter().filter(|row| matches!(row.how, How::Skipped(_))).count();
    if skipped * 100 > asks * SKIPPED_PERCENT {
        wrong.push(format!("{skipped} of {asks} rows are skipped, at most {SKIPPED_PERCENT} % may be"));
    }
    Ok(wrong)
}

/// Whether nothing shows this id: no configuration that is refused with it, and no pair of a step that is refused and one that goes
/// on, in policies that are none of Istio's.
fn unshown(id: &String, cases: &[Case], broken: &[Broken]) -> Option<String> {
    if broken.iter().any(|one| one.advisories.contains(id)) {
        return None;
    }
    let ours = cases.iter().filter(|case| case.advisories.contains(id) && !is_istios(case));
    let steps: Vec<_> = ours.flat_map(|case| &case.steps).collect();
    let refused = steps.iter().any(|step| !goes_on(&step.expect));
    let benign = steps.iter().any(|step| goes_on(&step.expect));
    match (refused, benign) {
        (true, true) => None,
        (false, _) => Some(format!("{id}: no case of a policy of our own refuses it")),
        (true, false) => Some(format!("{id}: nothing beside it goes on")),
    }
}

/// A case that says less than its tags: one that differs must be of a document of Istio's and let something through, one that does not
/// must not be without steps that are refused or go on as its twin says.
fn pretends(case: &Case) -> Option<String> {
    let let_through = case.steps.iter().any(|step| goes_on(&step.expect));
    match &case.differs {
        Some(_) if case.advisories.is_empty() => {
            Some(format!("{}: `differs` without `advisories`", case.name))
        }
        Some(_) if !is_istios(case) => Some(format!("{}: `differs`, and no document of Istio's", case.name)),
        Some(_) if !let_through => Some(format!("{}: `differs`, and all is refused", case.name)),
        Some(_) | None => None,
    }
}

/// Whether a document of Istio's decides.
pub fn is_istios(case: &Case) -> bool {
    case.policy.json.contains(r#""kind":"AuthorizationPolicy""#)
}

/// Whether a request goes on, in whichever door.
pub fn goes_on(expect: &Expect) -> bool {
    match expect {
        Expect::Verdict(expected) => expected.allowed,
        Expect::Envoy { .. } => false,
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.ids.join(", "), self.of, self.what)
    }
}
