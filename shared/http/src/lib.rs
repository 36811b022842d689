//! One reading of what an HTTP request says of itself.
//!
//! A proxy and the service behind it may read the same bytes in two ways, and every way that a policy did not think of is a way
//! around it. So each reader here gives either the one canonical form or a refusal that names the cause; it never repairs.
//! Standards followed: RFC 3986 (URI) and RFC 3629 (UTF-8) for the path, RFC 9110 §7.2 and RFC 3986 §3.2 for the host,
//! RFC 5952 for IPv6 addresses, RFC 9110 §9.1 for the method.

pub mod host;
pub mod merged;
pub mod method;
pub mod path;
pub mod template;
