//! The envelope in which every configuration comes, and how problems with it are told.
//!
//! YAML is for people, JSON is what the plugin reads (Istio hands `pluginConfig` over as JSON text, so there are no lines to
//! point at): a [`Problem`](meshward_model::Problem) names the JSON path. Nothing is silently ignored: an unknown field is a
//! problem, and a problem refuses the whole configuration.

mod audience;
mod document;
mod envelope;
mod locate;
mod named;
mod own;
mod parse;
mod place;
mod read;
mod select;
#[cfg(feature = "schema")]
mod selector;
mod texts;
mod tree;
mod word;
mod workload;

pub use audience::{audiences, namespaces};
pub use document::{RawDocument, RawMetadata, split_documents};
pub use envelope::{
    ApiVersion, ClaimsFrom, EnvelopeKind, EventsFrom, PeerFrom, PeerVerifiedBy, RawClaims, RawEnvelope, Role,
    WhenNothingApplies,
};
pub use named::Named;
pub use own::{check_metadata, own_document};
pub use parse::{MAX_CONFIGURATION_BYTES, closest, given, parse, problem};
pub use place::{Place, Problems};
pub use read::Selected;
#[cfg(feature = "schema")]
pub use selector::{RawSelector, RawTargetRef, RawWorkload};
#[doc(hidden)]
pub use serde::{Deserialize, Deserializer};
pub use texts::Texts;
pub use word::{no_word, word};
