//! How fast a caller may go, and what becomes of one that misbehaves.
//!
//! Two stages. [`Quota`] counts requests in buckets (GCRA) and refuses what is too much; [`Penalty`] scores callers by how their
//! requests end, slows down and refuses those that misbehave. What the workers of a proxy share lies in a fixed number of slots of
//! its shared data; everything there is validated when it is read, and every table has a fixed size.
//!
//! | file | what it holds |
//! |---|---|
//! | `gcra`, `table` | a bucket, and a worker's own buckets |
//! | `slot`, `lease`, `buckets` | buckets in shared data, what a worker has taken out of them, and all that it sees |
//! | `key`, `limit`, `fields` | whom a bucket is for, one limit, the header fields that tell of it |
//! | `quota` | the stage |
//! | `caller`, `decay`, `standing` | who it is, how a score falls, how a caller stands |
//! | `cell`, `known` | standings in shared data, and what a worker keeps in mind |
//! | `penalty`, `watch` | the stage: enforcing, detecting |
//! | `raw`, `compile`, `detection` | the documents |
//! | `sealed` | bytes that anybody may have written |

mod buckets;
mod caller;
mod cell;
mod compile;
pub mod counters;
mod decay;
mod detection;
mod fields;
pub mod gcra;
mod ids;
mod key;
mod known;
mod lease;
mod limit;
mod penalty;
mod quota;
pub mod raw;
mod sealed;
mod siphash;
mod slot;
mod standing;
pub mod table;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod toy;
mod watch;

pub use compile::QuotaCompiler;
pub use detection::{compile_detection, second_detection};
pub use penalty::{Penalty, PenaltyState};
pub use quota::{Quota, QuotaState};
