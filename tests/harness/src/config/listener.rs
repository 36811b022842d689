//! One HTTP listener: where it listens, TLS, filters, routes, access logs, and the connection manager's switches.

use super::filter::Filter;
use super::tls::DownstreamTls;
use super::{DIR, merge};
use serde_json::{Map, Value, json};

/// A listener.
#[derive(Debug, Clone)]
pub struct Listener {
    /// Its name; unique in one Envoy.
    pub name: String,
    /// `127.0.0.x:port`; see [`crate::ports::Reserved`] for a port that is known beforehand.
    pub address: String,
    /// None: plaintext.
    pub tls: Option<DownstreamTls>,
    /// HTTP filters, in order, before the router.
    pub filters: Vec<Filter>,
    /// Tried in order; none: everything is answered 200 `ok`.
    pub routes: Vec<Route>,
    /// Access logs.
    pub access_logs: Vec<AccessLog>,
    /// The connection manager.
    pub http: Http,
    /// Merged over the listener, for what has no field here.
    pub patch: Value,
}

/// The HTTP connection manager's switches. `None` leaves Envoy's default.
#[derive(Debug, Clone, Default)]
pub struct Http {
    /// How many KiB a request's head may have (default 60, at most 8192).
    pub max_request_headers_kb: Option<u32>,
    /// How many headers a request may have (default 100).
    pub max_headers_count: Option<u32>,
    /// RFC 3986 normalisation of the path.
    pub normalize_path: Option<bool>,
    /// `//` becomes `/`.
    pub merge_slashes: Option<bool>,
    /// Such as `UNESCAPE_AND_FORWARD`, `REJECT_REQUEST`.
    pub path_with_escaped_slashes_action: Option<String>,
    /// How long a stream may stand still, such as `2s`; then Envoy ends it (default 5 minutes).
    pub stream_idle_timeout: Option<String>,
    /// Merged over the connection manager.
    pub patch: Value,
}

/// What is answered, or where a request goes, under a path prefix.
#[derive(Debug, Clone)]
pub struct Route {
    /// The path prefix.
    pub prefix: String,
    /// What happens.
    pub action: Action,
}

/// What a route does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Envoy answers by itself.
    Respond {
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
    /// To the cluster of this name.
    Cluster(String),
}

/// An access log: a file `NAME.log` in Envoy's directory.
#[derive(Debug, Clone)]
pub struct AccessLog {
    /// The name that [`crate::envoy::View::access_log`] takes.
    pub name: String,
    /// What a line says.
    pub format: LogFormat,
}

/// What a line of an access log says, in Envoy's command operators.
#[derive(Debug, Clone)]
pub enum LogFormat {
    /// One line of text.
    Text(String),
    /// One JSON object; values are formats.
    Json(Map<String, Value>),
}

impl Listener {
    /// A plaintext listener `inbound` without filters that answers 200 `ok`.
    pub fn on(address: impl ToString) -> Self {
        Self {
            name: "inbound".to_owned(),
            address: address.to_string(),
            tls: None,
            filters: Vec::new(),
            routes: Vec::new(),
            access_logs: Vec::new(),
            http: Http::default(),
            patch: Value::Null,
        }
    }

    /// Another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// TLS.
    #[must_use]
    pub fn tls(mut self, tls: DownstreamTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// One more filter.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// One more route to a cluster.
    #[must_use]
    pub fn route_to(mut self, prefix: &str, cluster: &str) -> Self {
        let action = Action::Cluster(cluster.to_owned());
        self.routes.push(Route { prefix: prefix.to_owned(), action });
        self
    }

    /// One more access log.
    #[must_use]
    pub fn access_log(mut self, log: AccessLog) -> Self {
        self.access_logs.push(log);
        self
    }

    /// Other switches of the connection manager.
    #[must_use]
    pub fn http(mut self, http: Http) -> Self {
        self.http = http;
        self
    }

    pub(super) fn to_json(&self) -> Value {
        // From the right: an IPv6 address has colons of its own.
        let (host, port) = self.address.rsplit_once(':').unwrap_or((&self.address, ""));
        let port = port.parse::<u16>().map_or_else(|_| json!(port), |port| json!(port));
        let mut chain = json!({"filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": self.connection_manager(),
        }]});
        if let (Some(tls), Some(fields)) = (&self.tls, chain.as_object_mut()) {
            fields.insert("transport_socket".to_owned(), tls.to_json());
        }
        let mut listener = json!({
            "name": self.name,
            "address": {"socket_address": {"address": host.trim_matches(['[', ']']), "port_value": port}},
            "filter_chains": [chain],
        });
        merge(&mut listener, &self.patch);
        listener
    }

    fn connection_manager(&self) -> Value {
        let mut filters: Vec<_> = self.filters.iter().map(Filter::to_json).collect();
        filters.push(json!({"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
        }}));
        let ok = [Route::respond("/", 200, "ok")];
        let routes = if self.routes.is_empty() { ok.as_slice() } else { self.routes.as_slice() };
        let mut manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": self.name,
            "codec_type": "AUTO",
            "http_filters": filters,
            "route_config": {"name": self.name, "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": routes.iter().map(Route::to_json).collect::<Vec<_>>(),
            }]},
            "access_log": self.access_logs.iter().map(AccessLog::to_json).collect::<Vec<_>>(),
        });
        merge(&mut manager, &self.http.to_json());
        manager
    }
}

impl Http {
    /// Room for hostile requests: heads up to 512 KiB, 10,000 headers.
    #[must_use]
    pub fn roomy() -> Self {
        Self { max_request_headers_kb: Some(512), max_headers_count: Some(10_000), ..Self::default() }
    }

    /// As Istio's sidecars do by default: normalise, merge slashes, unescape slashes and forward.
    #[must_use]
    pub fn normalizing(mut self) -> Self {
        self.normalize_path = Some(true);
        self.merge_slashes = Some(true);
        self.path_with_escaped_slashes_action = Some("UNESCAPE_AND_FORWARD".to_owned());
        self
    }

    /// A stream that stands still for so long ends.
    #[must_use]
    pub fn stream_idle_timeout(mut self, time: &str) -> Self {
        self.stream_idle_timeout = Some(time.to_owned());
        self
    }

    /// Only what is set: null leaves the default.
    fn to_json(&self) -> Value {
        let mut fields = Map::new();
        fields.extend(self.max_request_headers_kb.map(|kb| ("max_request_headers_kb".to_owned(), json!(kb))));
        fields.extend(
            self.max_headers_count.map(|count| {
                ("common_http_protocol_options".to_owned(), json!({"max_headers_count": count}))
            }),
        );
        fields.extend(self.normalize_path.map(|on| ("normalize_path".to_owned(), json!(on))));
        fields.extend(self.merge_slashes.map(|on| ("merge_slashes".to_owned(), json!(on))));
        let idle = self.stream_idle_timeout.as_ref();
        fields.extend(idle.map(|time| ("stream_idle_timeout".to_owned(), json!(time))));
        let action = self.path_with_escaped_slashes_action.as_ref();
        fields.extend(action.map(|action| ("path_with_escaped_slashes_action".to_owned(), json!(action))));
        let mut all = Value::Object(fields);
        merge(&mut all, &self.patch);
        all
    }
}

impl Route {
    /// Envoy answers by itself.
    #[must_use]
    pub fn respond(prefix: &str, status: u16, body: &str) -> Self {
        Self { prefix: prefix.to_owned(), action: Action::Respond { status, body: body.to_owned() } }
    }

    fn to_json(&self) -> Value {
        let (name, action) = match &self.action {
            Action::Respond { status, body } => {
                ("direct_response", json!({"status": status, "body": {"inline_string": body}}))
            }
            Action::Cluster(cluster) => ("route", json!({"cluster": cluster})),
        };
        json!({"match": {"prefix": self.prefix}, name: action})
    }
}

impl AccessLog {
    /// One line of JSON: method, path, code, details, and the peer's URI name.
    #[must_use]
    pub fn usual(name: &str) -> Self {
        let mut fields = Map::new();
        for (field, format) in [
            ("method", "%REQ(:METHOD)%"),
            ("path", "%REQ(:PATH)%"),
            ("code", "%RESPONSE_CODE%"),
            ("details", "%RESPONSE_CODE_DETAILS%"),
            ("peer", "%DOWNSTREAM_PEER_URI_SAN%"),
            ("case", "%REQ(X-CASE)%"),
        ] {
            fields.insert(field.to_owned(), json!(format));
        }
        Self { name: name.to_owned(), format: LogFormat::Json(fields) }
    }

    fn to_json(&self) -> Value {
        let format = match &self.format {
            LogFormat::Text(text) => json!({"text_format_source": {"inline_string": format!("{text}\n")}}),
            LogFormat::Json(fields) => json!({"json_format": fields}),
        };
        json!({"name": "envoy.access_loggers.file", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": format!("{DIR}/{}.log", self.name),
            "log_format": format,
        }})
    }
}
