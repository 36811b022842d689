//! What is left of a limit, for the response's headers.

use std::sync::Arc;

use crate::{StageId, UnixMillis};

/// What is left of one limit after a request was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The stage that limits.
    pub stage: StageId,
    /// The limit's name.
    pub policy: Arc<str>,
    /// How many more requests may come at once.
    pub quota: u64,
    /// How many of them are left.
    pub remaining: u64,
    /// When all of them are there again.
    pub full_at: UnixMillis,
}
