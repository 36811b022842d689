//! The rules: what they are told apart by, and as many as asked for.

use clap::ValueEnum;
use serde::Serialize;

use super::super::scene;

/// What rules are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    /// Exact, prefix, suffix, template and CIDR rules in turn; each but the last kind has a caller, a host and a path of its own.
    Mixed,
    /// One caller, a path prefix each.
    Path,
    /// One path, a caller each.
    Identity,
}

/// All shapes, in the order of the tables.
pub(super) const ALL: [Shape; 3] = [Shape::Mixed, Shape::Path, Shape::Identity];

impl Shape {
    /// What tables call it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Mixed => "mixed rules",
            Self::Path => "told apart by path",
            Self::Identity => "told apart by identity",
        }
    }
}

/// Whether one of the rules is about the bench's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Found {
    /// The last one.
    Last,
    /// None.
    Never,
}

/// A rule's values as Istio writes them; what is `None` is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) principal: Option<String>,
    pub(super) host: Option<String>,
    pub(super) path: Option<String>,
    pub(super) block: Option<String>,
}

/// Methods of each rule.
pub(super) const METHODS: [&str; 2] = ["GET", "HEAD"];
/// How many kinds of rules [`Shape::Mixed`] takes in turn.
const KINDS: u32 = 5;

/// `count` rules; with [`Found::Last`] the last one is about the bench's request.
pub(super) fn rules(shape: Shape, found: Found, count: u32) -> Vec<Rule> {
    let last = |index: u32| found == Found::Last && index.saturating_add(1) == count;
    (0..count).map(|index| if last(index) { hit(shape) } else { miss(shape, index) }).collect()
}

fn hit(shape: Shape) -> Rule {
    let host = (shape == Shape::Mixed).then(|| scene::HOST.to_owned());
    Rule { principal: Some(caller().to_owned()), host, path: Some(path().to_owned()), block: None }
}

fn miss(shape: Shape, index: u32) -> Rule {
    match shape {
        Shape::Path => Rule {
            principal: Some(caller().to_owned()),
            path: Some(format!("/api/v1/resource-{index}/*")),
            ..Rule::default()
        },
        Shape::Identity => {
            Rule { principal: Some(account(index)), path: Some(path().to_owned()), ..Rule::default() }
        }
        Shape::Mixed => mixed(index),
    }
}

fn mixed(index: u32) -> Rule {
    match index.checked_rem(KINDS).unwrap_or_default() {
        4 => Rule {
            path: Some(path().to_owned()),
            block: Some(format!("10.{}.{}.0/24", index / 256 % 256, index % 256)),
            ..Rule::default()
        },
        kind => own(index, kind),
    }
}

/// As many rules, each with a caller, a host and a path of its own; the last one is about the bench's request.
pub(super) fn distinct(count: u32) -> Vec<Rule> {
    let last = count.saturating_sub(1);
    (0..last).map(|index| own(index, index % 4)).chain([hit(Shape::Mixed)]).collect()
}

/// Exact, prefix, suffix, template.
fn own(index: u32, kind: u32) -> Rule {
    let rule = |principal: String, host: String, path: String| Rule {
        principal: Some(principal),
        host: Some(host),
        path: Some(path),
        block: None,
    };
    match kind {
        0 => rule(account(index), format!("service-{index}.example"), format!("/api/v1/resource-{index}")),
        1 => rule(
            format!("cluster.local/ns/team-{index}/*"),
            format!("team-{index}.*"),
            format!("/api/v2/resource-{index}/*"),
        ),
        2 => {
            rule(format!("*/sa/service-{index}"), format!("*.team-{index}.example"), format!("*/end-{index}"))
        }
        _ => rule(
            account(index),
            format!("service-{index}.example"),
            format!("/api/{{*}}/part-{index}/{{**}}"),
        ),
    }
}

fn account(index: u32) -> String {
    format!("cluster.local/ns/team-{}/sa/service-{index}", index.checked_rem(97).unwrap_or_default())
}

/// The bench's caller without `spiffe://`.
fn caller() -> &'static str {
    scene::CALLER.trim_start_matches("spiffe://")
}

/// What the bench's request asks for.
const fn path() -> &'static str {
    "/api/v1/refunds/*"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rules_of_a_shape_differ_in_what_they_are_told_apart_by() {
        let count = |shape, of: fn(&Rule) -> &Option<String>| {
            rules(shape, Found::Last, 1000).iter().map(|rule| of(rule).clone()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(count(Shape::Path, |rule| &rule.path), 1000);
        assert_eq!(count(Shape::Path, |rule| &rule.principal), 1);
        assert_eq!(count(Shape::Identity, |rule| &rule.principal), 1000);
        assert_eq!(count(Shape::Identity, |rule| &rule.path), 1);
        // The rules with blocks have one path, and neither caller nor host.
        assert_eq!(count(Shape::Mixed, |rule| &rule.path), 801);
        assert_eq!(count(Shape::Mixed, |rule| &rule.principal), 802);
        assert_eq!(count(Shape::Mixed, |rule| &rule.host), 802);
        assert_eq!(count(Shape::Mixed, |rule| &rule.block), 200);
    }

    #[test]
    fn distinct_rules_share_nothing() {
        let rules = distinct(1000);
        let count = |of: fn(&Rule) -> &Option<String>| {
            rules.iter().filter_map(|rule| of(rule).clone()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(
            (count(|rule| &rule.principal), count(|rule| &rule.host), count(|rule| &rule.path)),
            (1000, 1000, 1000)
        );
    }

    #[test]
    fn only_the_last_rule_is_about_the_request() {
        for shape in ALL {
            let with = rules(shape, Found::Last, 10);
            assert_eq!(with.iter().filter(|rule| **rule == hit(shape)).count(), 1);
            assert_eq!(with.last(), Some(&hit(shape)));
            assert!(!rules(shape, Found::Never, 10).contains(&hit(shape)));
        }
    }
}
