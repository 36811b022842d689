//! Configurations that must be refused, and the words of the refusal.
//!
//! A file begins with one comment for each problem, in order, exactly as it is told:
//!
//! ```yaml
//! # refused: `documents[0].spec.rules[0].to[0].operation.path`: unknown field `path`, …; did you mean `paths`?
//! apiVersion: meshward.io/v1alpha1
//! ```
//!
//! Behind these may stand `# configures: guard`, where another plugin than `authz` is given it, and `# advisories:` with the ids
//! of those that it shows.

use crate::CorpusError;
use crate::case::Policy;
use crate::files::{policy, short, text};
use crate::native::node;
use meshward_model::{Plugin, Refusal};
use meshward_pipeline::{Authz, Guard};
use std::path::Path;

const MARK: &str = "# refused: ";
const GUARDS: &str = "# configures: guard";
const ADVISORIES: &str = "# advisories: ";

/// A configuration that must be refused.
#[derive(Debug, Clone)]
pub struct Broken {
    /// The configuration.
    pub policy: Policy,
    /// Every problem, in the words of the refusal.
    pub problems: Vec<String>,
    /// Whether it is given to `guard` and not to `authz`.
    pub is_guards: bool,
    /// The advisories that it shows.
    pub advisories: Vec<String>,
}

/// Reads one.
///
/// # Errors
/// When the file cannot be read, is not YAML, or does not begin with what is expected.
pub fn read(path: &Path) -> Result<Broken, CorpusError> {
    let text = text(path)?;
    let problems: Vec<String> =
        text.lines().map_while(|line| line.strip_prefix(MARK)).map(str::to_owned).collect();
    if problems.is_empty() {
        return Err(CorpusError::new(short(path), format!("the first line must be `{MARK}<problem>`")));
    }
    let ids = text.lines().filter_map(|line| line.strip_prefix(ADVISORIES)).flat_map(|ids| ids.split(", "));
    let advisories = ids.map(str::to_owned).collect();
    let is_guards = text.lines().any(|line| line == GUARDS);
    Ok(Broken { policy: policy(path)?, problems, is_guards, advisories })
}

/// What `authz` says to a configuration natively: the problems, none if it is taken.
pub fn problems(policy: &Policy) -> Vec<String> {
    told(Authz::configure(policy.json.as_bytes(), &node()).err())
}

impl Broken {
    /// What the plugin that it is given to says to it natively.
    pub fn said(&self) -> Vec<String> {
        if self.is_guards {
            told(Guard::configure(self.policy.json.as_bytes(), &node()).err())
        } else {
            problems(&self.policy)
        }
    }
}

fn told(refusal: Option<Refusal>) -> Vec<String> {
    refusal.iter().flat_map(|refusal| &refusal.problems).map(ToString::to_string).collect()
}
