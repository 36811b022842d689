//! Configurations that must be refused, and the words of the refusal.
//!
//! A file begins with one comment for each problem, in order, exactly as it is told:
//!
//! ```yaml
//! # refused: `documents[0].spec.rules[0].to[0].operation.path`: unknown field `path`, …; did you mean `paths`?
//! apiVersion: meshward.io/v1alpha1
//! ```

use crate::CorpusError;
use crate::case::Policy;
use crate::files::{policy, short, text};
use crate::native::node;
use meshward_model::Plugin;
use meshward_pipeline::Authz;
use std::path::Path;

const MARK: &str = "# refused: ";

/// A configuration that must be refused.
#[derive(Debug, Clone)]
pub struct Broken {
    /// The configuration.
    pub policy: Policy,
    /// Every problem, in the words of the refusal.
    pub problems: Vec<String>,
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
    Ok(Broken { policy: policy(path)?, problems })
}

/// What the native door says to it: the problems, none if it is taken.
pub fn problems(policy: &Policy) -> Vec<String> {
    match Authz::configure(policy.json.as_bytes(), &node()) {
        Ok(_) => Vec::new(),
        Err(refusal) => refusal.problems.iter().map(ToString::to_string).collect(),
    }
}
