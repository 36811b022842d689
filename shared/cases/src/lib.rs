//! Cases of a policy: requests and what must come of them.
//!
//! A case ([`case::Case`]) is written in a `cases.yaml` ([`mod@format`]) and says what is given, what is asked, and what comes of
//! it. [`read`] checks the text of a file and fills in what it leaves out; [`native`] decides a case by the pipeline alone;
//! [`check`] compares what was seen ([`seen::Seen`]) with what is expected, and is the same for every engine. Text in, values
//! out: whoever uses this crate reads the files and says what was found.
//!
//! ```
//! use meshward_cases::{case::Policy, check::differences, native, played::Form, read};
//!
//! let policy = Policy::from_yaml("policy.yaml", r#"
//! apiVersion: meshward.io/v1alpha1
//! kind: PluginConfig
//! peerVerifiedBy: transport
//! "#)?;
//! let cases = read("cases.yaml", r#"
//! cases:
//!   - name: nobody may call anything
//!     steps: [{request: {path: /orders}, expect: {verdict: deny, reason: authz.nothing_applies}}]
//! "#, Some(policy))?;
//! for case in &cases {
//!     for (_, expected, seen) in native::run(case, Form::Guard)? {
//!         assert!(differences(expected, &seen).is_empty());
//!     }
//! }
//! # Ok::<(), meshward_cases::CasesError>(())
//! ```

pub mod case;
pub mod check;
pub mod coverage;
pub mod credential;
pub mod event;
pub mod format;
pub mod mint;
pub mod native;
pub mod played;
mod prepare;
pub mod proxy;
pub mod seen;
mod station;
mod world;

use case::{Case, Policy};

/// The most bytes of a file of cases that are read.
pub const MAX_FILE_BYTES: usize = 8 * 1024 * 1024;

/// Cases cannot be read, or a configuration in them is refused. A case that goes otherwise is not this but a
/// [`check::Finding`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct CasesError {
    /// The file, or the file and the case.
    pub at: String,
    /// What is wrong and what to do.
    pub what: String,
}

impl CasesError {
    /// Shorthand.
    pub fn new(at: impl ToString, what: impl ToString) -> Self {
        Self { at: at.to_string(), what: what.to_string() }
    }
}

/// Reads the text of a `cases.yaml`. `own` is the policy that cases get which name none, usually the `policy.yaml` beside the
/// file.
///
/// # Errors
/// Text that is no YAML, an unknown field, or the first case that cannot be used, with its name.
pub fn read(file: &str, text: &str, own: Option<Policy>) -> Result<Vec<Case>, CasesError> {
    if text.len() > MAX_FILE_BYTES {
        let what = format!("{} bytes, at most {MAX_FILE_BYTES} are read; split the file", text.len());
        return Err(CasesError::new(file, what));
    }
    let raw: format::RawFile = serde_yaml_ng::from_str(text).map_err(|error| CasesError::new(file, error))?;
    prepare::cases(file, raw, own)
}

impl Policy {
    /// A configuration written as YAML (or JSON), as the JSON text that a plugin gets.
    ///
    /// # Errors
    /// When the text is not YAML.
    pub fn from_yaml(name: &str, text: &str) -> Result<Self, CasesError> {
        let fail = |error: &dyn ToString| CasesError::new(name, error.to_string());
        let value: serde_yaml_ng::Value = serde_yaml_ng::from_str(text).map_err(|error| fail(&error))?;
        let json = serde_json::to_string(&value).map_err(|error| fail(&error))?;
        Ok(Self { name: name.to_owned(), json })
    }
}
