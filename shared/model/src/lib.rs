//! The words meshward thinks in.
//!
//! Everything here is plain data: no proxy, no clock, no network, no environment. A request comes in as a [`Head`] (bytes as
//! read), is parsed once into a [`Request`], a [`Stage`] turns it into a [`Step`], and the end of every way is a [`Verdict`]
//! that names its [`Reason`] and, where one decided, its rule.

mod allowance;
mod code;
mod effects;
mod event;
mod field_name;
mod headers;
mod near;
mod needs;
mod node;
mod peer;
mod plugin;
mod reason;
mod request;
mod rule;
mod seed;
mod spiffe_id;
mod stage;
mod step;
mod time;
mod token;
mod verdict;

pub use allowance::Allowance;
pub use code::Code;
pub use effects::{Effects, Resumed};
pub use event::{Change, DecisionEvent, Event, EventKind, Finding, Trouble};
pub use field_name::{FieldName, is_field_name};
pub use headers::{Headers, HeadersBuilder, NotSingle};
pub use near::{Missed, NearMiss};
pub use needs::Needs;
pub use node::Node;
pub use peer::{Anonymous, Peer};
pub use plugin::{
    AskingCounters, Counter, Done, End, EndNeeds, LogLine, Plugin, Problem, Refusal, Report, Seen, Severity,
};
pub use reason::Reason;
pub use request::{Connection, Head, Request};
pub use rule::{DocumentKind, RuleId, RuleName};
pub use seed::Seed;
pub use spiffe_id::{SpiffeId, SpiffeIdError};
pub use stage::{Noted, Outcome, Stage, StageId};
pub use step::{Answer, Cas, Question, RequestId, Step, Ticket, Waiting};
pub use time::UnixMillis;
pub use token::{Claim, Token, Written};
pub use verdict::{Allowed, Decision, Denial, Edits, Verdict};
