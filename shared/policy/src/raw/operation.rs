//! What is asked for, as it is written.

use crate::shape::{Fields, Kind, Shape};

/// An operation. Fields are ANDed, the values of one field are ORed, `notX` means none of them.
#[derive(Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "camelCase", deny_unknown_fields))]
pub struct RawOperation {
    /// Hosts (`:authority`); exact, `prefix*`, `*suffix` or `*`.
    pub hosts: Option<Vec<String>>,
    /// None of these hosts.
    pub not_hosts: Option<Vec<String>>,
    /// Ports of this workload, as strings.
    pub ports: Option<Vec<String>>,
    /// None of these ports.
    pub not_ports: Option<Vec<String>>,
    /// HTTP methods; exact, `prefix*`, `*suffix` or `*`.
    pub methods: Option<Vec<String>>,
    /// None of these methods.
    pub not_methods: Option<Vec<String>>,
    /// Paths without query; exact, `prefix*`, `*suffix`, `*`, or a template with `{*}` (one segment), `{**}` (any rest) and, in an
    /// AccessPolicy, `{name}` (one segment, which conditions may compare as `capture: name`).
    pub paths: Option<Vec<String>>,
    /// None of these paths.
    pub not_paths: Option<Vec<String>>,
    /// Methods of gRPC services; AccessPolicy only.
    pub grpc: Option<Vec<RawGrpc>>,
}

const GRPC: Shape = Shape {
    what: "a gRPC method (`service` and `method`)",
    names: &["service", "method"],
    kinds: &[Kind::Text, Kind::Text],
    whole: false,
};

pub(super) const OPERATION: Shape = Shape {
    what: "an operation",
    names: &["hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths", "grpc"],
    kinds: &[
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Texts,
        Kind::Many(&GRPC),
    ],
    whole: false,
};

impl From<Fields> for RawOperation {
    fn from(mut fields: Fields) -> Self {
        let grpc =
            |fields: Fields| RawGrpc { service: fields.text(0).cloned(), method: fields.text(1).cloned() };
        Self {
            hosts: fields.take_texts(0),
            not_hosts: fields.take_texts(1),
            ports: fields.take_texts(2),
            not_ports: fields.take_texts(3),
            methods: fields.take_texts(4),
            not_methods: fields.take_texts(5),
            paths: fields.take_texts(6),
            not_paths: fields.take_texts(7),
            grpc: fields.take_many(8, grpc),
        }
    }
}

/// A method of a gRPC service, or methods.
#[derive(Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct RawGrpc {
    /// The service with its package, `shop.v1.Orders`, or the beginning of it, `shop.v1.*`; any when left out.
    pub service: Option<String>,
    /// The method, `GetOrder`, or the beginning of it, `Get*`; any when left out.
    pub method: Option<String>,
}
