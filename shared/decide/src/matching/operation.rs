//! Matching on what is asked for: host, port, method, path.

use meshward_http::host::Host;

use meshward_model::Headers;

use super::Field;
use super::grpc::{self, GrpcMatcher};
use crate::pattern::Pattern;
use crate::truth::{Truth, all};
use meshward_http::template::Template;

/// One entry of `to`: all of its fields must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// In the order in which they are matched.
    pub fields: Vec<OperationField>,
}

/// One field of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OperationField {
    /// The host.
    Hosts(Field<HostMatcher>),
    /// The port that the connection was accepted on.
    Ports(Field<u16>),
    /// The method.
    Methods(Field<Pattern>),
    /// The path.
    Paths(Field<PathMatcher>),
    /// The method of a service; strict rules only.
    Grpc(Vec<GrpcMatcher>),
}

/// One value of `hosts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostMatcher {
    /// Strict: the host's name in its one form; the port only where the rule names one.
    Strict {
        /// The name, lower case.
        name: Pattern,
        /// The port that must be named, too.
        port: Option<u16>,
    },
    /// Istio: the `:authority` as sent, letter case aside; a port is part of it.
    Istio(Pattern),
}

/// One value of `paths`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathMatcher {
    /// The whole path, its beginning or its end.
    Pattern(Pattern),
    /// Segment by segment.
    Template(Template),
}

/// What an operation is matched against. A part that no rule asks for may be absent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target<'r> {
    /// `:authority` as sent.
    pub(crate) authority: Option<&'r [u8]>,
    /// The host in its one form; strict rules only.
    pub(crate) host: Option<Host<'r>>,
    /// The port that the connection was accepted on.
    pub(crate) port: Option<u16>,
    /// `:method`.
    pub(crate) method: Option<&'r [u8]>,
    /// The path without query: in its one form for strict rules, as sent for Istio's.
    pub(crate) path: Option<&'r [u8]>,
    /// All headers, where the content type is in.
    pub(crate) headers: Option<&'r Headers>,
}

impl Operation {
    pub(crate) fn truth(&self, target: &Target<'_>) -> Truth {
        all(self.fields.iter().map(|field| field.truth(target)))
    }
}

impl OperationField {
    pub(crate) fn truth(&self, target: &Target<'_>) -> Truth {
        match self {
            Self::Hosts(hosts) => hosts.plain(|host| host.matches(target)),
            Self::Ports(ports) => port_truth(ports, target.port),
            Self::Methods(methods) => {
                methods.plain(|pattern| target.method.is_some_and(|method| pattern.matches(method)))
            }
            Self::Paths(paths) => paths.plain(|path| target.path.is_some_and(|target| path.matches(target))),
            Self::Grpc(calls) => grpc::truth(calls, target),
        }
    }
}

/// A port that the proxy does not tell could be any.
pub(crate) fn port_truth(ports: &Field<u16>, port: Option<u16>) -> Truth {
    match port {
        Some(port) => ports.plain(|value| *value == port),
        None => Truth::Maybe,
    }
}

impl HostMatcher {
    fn matches(&self, target: &Target<'_>) -> bool {
        match self {
            Self::Strict { name, port } => target.host.as_ref().is_some_and(|host| {
                name.matches(host.name.as_bytes()) && (port.is_none() || *port == host.port)
            }),
            Self::Istio(pattern) => {
                target.authority.is_some_and(|authority| pattern.matches_ignoring_case(authority))
            }
        }
    }
}

impl PathMatcher {
    fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Pattern(Pattern::Any) => !path.is_empty(),
            Self::Pattern(pattern) => pattern.matches(path),
            Self::Template(template) => template.matches(path),
        }
    }
}

#[cfg(test)]
#[path = "operation_tests.rs"]
mod tests;
