//! JSON Web Tokens and the keys that verify them: is the caller who it says it is?
//!
//! [`Authentication`] is a compiled document and a stage. The connection comes first (mutual TLS, trust domains), then the token:
//! taken apart and read strictly (`compact`, `json`), checked for what it says of itself (`token`), its key found (`jwks`, `key`;
//! fetched where it has to be, `fetch`), its signature verified by the proxy (`offload`) or here (`verify`), and remembered
//! (`cache`). `jsonwebtoken` verifies signatures and nothing else: times, audiences and types are decided here, with the time as
//! an argument.

mod algorithm;
mod base64url;
mod bearer;
mod cache;
mod challenge;
mod compact;
mod compile;
mod der;
mod fetch;
mod json;
mod jwks;
mod key;
mod offload;
pub mod raw;
mod settings;
mod stage;
mod state;
mod ticket;
mod token;
mod verify;

pub use algorithm::Algorithm;
pub use compact::MAX_TOKEN_BYTES;
pub use stage::Authentication;
pub use state::State;
