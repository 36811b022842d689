//! What the gRPC service `probe.Service` answers, by method.

use meshward_harness::upstream::{GrpcReply, GrpcUpstream};
use std::time::Duration;

/// The service that scripts ask.
pub const SERVICE: &str = "probe.Service";

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// A message after so many milliseconds.
    Message(&'static str, u64),
    /// A status and its message.
    Status(u16, &'static str),
    /// Nothing, ever.
    Never,
    /// The stream is reset.
    Reset,
}

/// The methods.
pub const METHODS: [(&str, Reply); 6] = [
    ("Answer", Reply::Message("pong", 0)),
    ("Empty", Reply::Message("", 0)),
    ("Late", Reply::Message("late", 500)),
    ("Refuse", Reply::Status(7, "not today")),
    ("Never", Reply::Never),
    ("Reset", Reply::Reset),
];

/// Starts the service.
///
/// # Errors
/// When no port can be had.
pub fn start() -> std::io::Result<GrpcUpstream> {
    let upstream = GrpcUpstream::start()?;
    for (method, reply) in METHODS {
        let reply = match reply {
            Reply::Message(text, after) => GrpcReply::message(text).after(Duration::from_millis(after)),
            Reply::Status(code, text) => GrpcReply::status(code, text),
            Reply::Never => GrpcReply::never(),
            Reply::Reset => GrpcReply::reset(),
        };
        upstream.always(&format!("/{SERVICE}/{method}"), reply);
    }
    Ok(upstream)
}
