//! Upstreams that answer by a script, for what a module asks: one over HTTP/1.1, one for unary gRPC over HTTP/2.
//!
//! ```
//! use meshward_harness::client::{Client, RawRequest};
//! use meshward_harness::upstream::{HttpUpstream, Reply};
//!
//! let upstream = HttpUpstream::start()?;
//! upstream.always("/keys", Reply::status(200).body("always"));
//! upstream.once("/keys", Reply::status(503));
//! let mut client = Client::plain(upstream.address());
//! assert_eq!(client.send(&RawRequest::get("/keys?a=b"))?.status, 503);
//! assert_eq!(client.send(&RawRequest::get("/keys"))?.text(), "always");
//! assert_eq!(client.send(&RawRequest::get("/other"))?.status, 404);
//! assert_eq!(upstream.count("/keys"), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod folder;
mod grpc;
mod http;
mod script;

pub use grpc::{GrpcReply, GrpcSeen, GrpcUpstream};
pub use http::{HttpUpstream, Reply, Seen};
