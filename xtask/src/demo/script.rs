//! What a call of the script is, and what must become of it.

use super::issuer::Bearer;
use super::workload::{Caller, Workload};

/// How a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// From the application through its own Envoy, as all honest traffic of a workload goes.
    Sidecar,
    /// Straight to the other side's Envoy with the caller's certificate, byte for byte: a job without sidecar, or a pod taken over.
    OwnCert,
    /// TLS without a certificate.
    NoCert,
    /// No TLS, on the port that demands it.
    Plaintext,
    /// No TLS, on the port for health probes.
    ProbePort,
    /// A certificate that claims the identity, from another authority.
    ForeignCa,
    /// A certificate that was good until a minute ago.
    Expired,
}

impl How {
    /// As the table shows it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sidecar => "sidecar",
            Self::OwnCert => "own cert",
            Self::NoCert => "TLS",
            Self::Plaintext => "plaintext",
            Self::ProbePort => "probe port",
            Self::ForeignCa => "foreign CA",
            Self::Expired => "expired",
        }
    }
}

/// What must become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The workload answers it.
    Reached,
    /// The module refuses it with this status.
    Denied(u16),
    /// The module refuses it with this gRPC status.
    DeniedGrpc(u16),
    /// TLS refuses it, before there is a request.
    NoTls,
}

/// How often a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// Once.
    Once,
    /// So many times.
    Exactly(usize),
    /// Again and again until it comes out as expected.
    Until,
    /// Once after each time of the call before it in the script.
    Beside,
}

/// What happens beside the mesh before a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// The issuer publishes its second key beside the first.
    PublishSecondKey,
    /// The issuer withdraws its first key.
    WithdrawFirstKey,
    /// The quarantine runs out.
    AwaitRelease,
}

/// What decides where TLS does.
pub(super) const HANDSHAKE: &str = "TLS handshake";

/// One call, and what is expected of it.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) from: Caller,
    pub(super) how: How,
    pub(super) to: Workload,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) host: &'static str,
    pub(super) headers: Vec<(&'static str, &'static str)>,
    /// What is special about it and not seen in method and path.
    pub(super) aside: &'static str,
    /// The token that it presents.
    pub(super) bearer: Option<Bearer>,
    pub(super) times: Times,
    /// What happens before it.
    pub(super) deed: Option<Deed>,
    /// Headers of the answer that are shown.
    pub(super) shows: &'static [&'static str],
    /// What else may come of it before it comes out as expected, and by what; the first of these must.
    pub(super) before: Vec<(Outcome, &'static str)>,
    pub(super) expected: Outcome,
    /// The rule (`policy[index]`), the reason where no rule does, or [`HANDSHAKE`].
    pub(super) decided_by: &'static str,
    /// Whether it comes out otherwise when the rule is missing that `--sabotage` takes out.
    pub(super) leans_on_sabotaged: bool,
}

impl Call {
    /// A call to the host name of the workload; what must become of it is said next.
    pub(super) fn new(
        from: Caller,
        how: How,
        to: Workload,
        method: &'static str,
        path: &'static str,
    ) -> Self {
        Self {
            from,
            how,
            to,
            method,
            path,
            host: to.host(),
            headers: Vec::new(),
            aside: "",
            bearer: None,
            times: Times::Once,
            deed: None,
            shows: &[],
            before: Vec::new(),
            expected: Outcome::NoTls,
            decided_by: HANDSHAKE,
            leans_on_sabotaged: false,
        }
    }

    pub(super) fn host(mut self, host: &'static str) -> Self {
        self.host = host;
        self
    }

    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn aside(mut self, aside: &'static str) -> Self {
        self.aside = aside;
        self
    }

    pub(super) fn bearing(self, bearer: Bearer) -> Self {
        Self { bearer: Some(bearer), ..self }
    }

    pub(super) fn times(self, times: Times) -> Self {
        Self { times, ..self }
    }

    pub(super) fn after(self, deed: Deed) -> Self {
        Self { deed: Some(deed), ..self }
    }

    pub(super) fn showing(self, headers: &'static [&'static str]) -> Self {
        Self { shows: headers, ..self }
    }

    pub(super) fn at_first(mut self, status: u16, by: &'static str) -> Self {
        self.before.push((Outcome::Denied(status), by));
        self
    }

    pub(super) fn at_reached(mut self, rule: &'static str) -> Self {
        self.before.push((Outcome::Reached, rule));
        self
    }

    pub(super) fn reaches(self, rule: &'static str) -> Self {
        Self { expected: Outcome::Reached, decided_by: rule, ..self }
    }

    pub(super) fn denied(self, by: &'static str) -> Self {
        Self { expected: Outcome::Denied(403), decided_by: by, ..self }
    }

    pub(super) fn ambiguous(self, reason: &'static str) -> Self {
        Self { expected: Outcome::Denied(400), decided_by: reason, ..self }
    }

    pub(super) fn unauthenticated(self, reason: &'static str) -> Self {
        Self { expected: Outcome::Denied(401), decided_by: reason, ..self }
    }

    pub(super) fn too_many(self, by: &'static str) -> Self {
        Self { expected: Outcome::Denied(429), decided_by: by, ..self }
    }

    pub(super) fn denied_grpc(self, by: &'static str) -> Self {
        Self { expected: Outcome::DeniedGrpc(7), decided_by: by, ..self }
    }

    pub(super) fn leans_on_sabotaged(self) -> Self {
        Self { leans_on_sabotaged: true, ..self }
    }

    /// Whether this may come of it, decided by that.
    pub(super) fn permits(&self, outcome: Outcome, by: &str) -> bool {
        let expected = (self.expected, self.decided_by);
        self.before.iter().chain([&expected]).any(|permitted| *permitted == (outcome, by))
    }

    /// Whether the workload may see it.
    pub(super) fn may_arrive(&self) -> bool {
        self.expected == Outcome::Reached || self.before.iter().any(|(before, _)| *before == Outcome::Reached)
    }

    /// What is asked for, as the table shows it.
    pub(super) fn what(&self) -> String {
        match self.aside {
            "" => format!("{} {}", self.method, self.path),
            aside => format!("{} {} · {aside}", self.method, self.path),
        }
    }
}

/// Calls that belong together.
pub(super) struct Scene {
    pub(super) title: &'static str,
    pub(super) calls: Vec<Call>,
}
