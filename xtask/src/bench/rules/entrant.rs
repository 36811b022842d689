//! Who is measured: the floors, and ours beside Envoy's own, shape by shape and size by size.

use anyhow::Result;
use meshward_harness::client::RawRequest;
use meshward_harness::config::{Filter, Wasm};
use serde::Serialize;

use super::super::contestant::{self, Contestant};
use super::super::floors::{self, Model};
use super::super::measure::Entrant;
use super::super::scene;
use super::documents::{self, Action};
use super::native;
use super::shape::{self, Found, Shape};
use crate::modules::Plugin;

/// How many rules there are.
pub(super) const SIZES: [u32; 6] = [1, 10, 100, 300, 1_000, 10_000];
/// From so many rules on, Envoy's own filter gets a tenth of the requests, and from ten times as many a fiftieth: it takes its time.
const MANY: u32 = 1_000;

/// Whose filter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Maker {
    /// `authz`.
    Ours,
    /// Envoy's RBAC.
    Native,
}

/// What becomes of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// ALLOW rules, of which the last matches.
    LastAllows,
    /// DENY rules, of which none matches; the rest is allowed.
    NoneDenies,
    /// ALLOW rules, of which none matches: refused, which ours writes down.
    Refused,
}

/// All outcomes, in the order of the tables.
pub(super) const OUTCOMES: [Outcome; 3] = [Outcome::LastAllows, Outcome::NoneDenies, Outcome::Refused];

impl Outcome {
    /// What tables call it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::LastAllows => "ALLOW, the last matches",
            Self::NoneDenies => "DENY, none matches",
            Self::Refused => "ALLOW, none matches: refused, and written down by ours",
        }
    }
}

/// One configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum One {
    /// What the others are compared with.
    Beside(Contestant),
    /// The host calls of ours with ten mixed rules, and nothing else.
    Floor,
    /// Rules.
    Rules { maker: Maker, shape: Shape, outcome: Outcome, count: u32 },
}

/// What the floor is made after.
pub(super) fn floor() -> Model {
    let rules = shape::rules(Shape::Mixed, Found::Last, 10);
    let configuration = documents::configuration(Action::Allow, &rules);
    Model { name: "authz-rules", plugin: Plugin::Authz, configuration }
}

/// Everything that is measured of these shapes.
pub(super) fn of(shapes: &[Shape]) -> Vec<One> {
    let beside = [Contestant::Nothing, Contestant::NothingAgain, Contestant::SdkEmpty];
    let mut all: Vec<One> = beside.map(One::Beside).to_vec();
    all.push(One::Floor);
    for shape in shapes {
        for outcome in OUTCOMES {
            for count in SIZES.into_iter().filter(|count| is_measured(*shape, outcome, *count)) {
                let one = |maker| One::Rules { maker, shape: *shape, outcome, count };
                all.extend([one(Maker::Ours), one(Maker::Native)]);
            }
        }
    }
    all
}

/// Where nothing matches, it is the mixed rules that say most; what a refusal costs beside deciding is the same for all.
fn is_measured(shape: Shape, outcome: Outcome, count: u32) -> bool {
    match (shape, outcome) {
        (_, Outcome::LastAllows) | (Shape::Mixed, Outcome::NoneDenies) => true,
        (Shape::Mixed, Outcome::Refused) => matches!(count, 10 | 1_000 | 10_000),
        (Shape::Path | Shape::Identity, Outcome::NoneDenies | Outcome::Refused) => false,
    }
}

impl Entrant for One {
    fn title(self) -> String {
        match self {
            Self::Beside(contestant) => contestant.title().to_owned(),
            Self::Floor => "authz's floor, ten mixed rules".to_owned(),
            Self::Rules { maker, shape, outcome, count } => {
                format!("{maker:?}: {count} rules, {}; {}", shape.title(), outcome.title())
            }
        }
    }

    fn filters(self) -> Result<Vec<Filter>> {
        Ok(match self {
            Self::Beside(contestant) => contestant.filters(),
            Self::Floor => {
                let Model { name, configuration, .. } = floor();
                vec![Filter::Wasm(Wasm::new(&floors::file(name), &configuration))]
            }
            Self::Rules { maker, shape, outcome, count } => {
                let (action, found) = match outcome {
                    Outcome::LastAllows => (Action::Allow, Found::Last),
                    Outcome::NoneDenies => (Action::Deny, Found::Never),
                    Outcome::Refused => (Action::Allow, Found::Never),
                };
                let rules = shape::rules(shape, found, count);
                vec![match maker {
                    Maker::Ours => contestant::wasm(Plugin::Authz, &documents::configuration(action, &rules)),
                    Maker::Native => Filter::Raw(native::filter(action, &rules)),
                }]
            }
        })
    }

    fn request(self) -> RawRequest {
        scene::request()
    }

    fn status(self) -> u16 {
        match self {
            Self::Rules { outcome: Outcome::Refused, .. } => 403,
            Self::Beside(_)
            | Self::Floor
            | Self::Rules { outcome: Outcome::LastAllows | Outcome::NoneDenies, .. } => 200,
        }
    }

    fn share(self) -> u32 {
        match self {
            Self::Rules { maker: Maker::Native, count, .. } if count >= MANY.saturating_mul(10) => 50,
            Self::Rules { maker: Maker::Native, count, .. } if count >= MANY => 10,
            Self::Rules { .. } | Self::Beside(_) | Self::Floor => 1,
        }
    }
}
