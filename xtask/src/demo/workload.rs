//! Who is in the demo: the five workloads of the mesh, and those who call them.

/// A workload of the mesh: an application behind an Envoy of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Workload {
    /// The ingress gateway: TLS from outside, mTLS to web.
    Gateway,
    /// The shop's front.
    Web,
    /// The order service.
    Orders,
    /// The customers' own data: nobody comes in without a token.
    Accounts,
    /// The payment service, in another namespace.
    Payments,
}

impl Workload {
    /// All of them, from the outside in.
    pub(super) const ALL: [Self; 5] =
        [Self::Gateway, Self::Web, Self::Orders, Self::Accounts, Self::Payments];

    /// Its name, which is also its service account's.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Web => "web",
            Self::Orders => "orders",
            Self::Accounts => "accounts",
            Self::Payments => "payments",
        }
    }

    /// Its namespace.
    pub(super) fn namespace(self) -> &'static str {
        match self {
            Self::Gateway => "edge",
            Self::Web | Self::Orders | Self::Accounts => "shop",
            Self::Payments => "bank",
        }
    }

    /// The name that callers use.
    pub(super) fn host(self) -> &'static str {
        match self {
            Self::Gateway => "shop.example.com",
            Self::Web => "web.shop",
            Self::Orders => "orders.shop",
            Self::Accounts => "accounts.shop",
            Self::Payments => "payments.bank",
        }
    }

    /// Its SPIFFE ID.
    pub(super) fn spiffe(self) -> String {
        spiffe(self.namespace(), self.name())
    }

    /// Whether an application stands behind its Envoy; behind the gateway's there is web.
    pub(super) fn has_application(self) -> bool {
        self != Self::Gateway
    }

    /// Whether the kubelet asks it in plaintext; who demands a token of everybody cannot be asked without one.
    pub(super) fn is_probed(self) -> bool {
        match self {
            Self::Gateway | Self::Accounts => false,
            Self::Web | Self::Orders | Self::Payments => true,
        }
    }

    /// Whom it calls through its own Envoy.
    pub(super) fn calls(self) -> &'static [Self] {
        match self {
            Self::Gateway => &[Self::Web],
            Self::Web => &[Self::Orders, Self::Payments, Self::Accounts],
            Self::Orders => &[Self::Payments],
            Self::Accounts | Self::Payments => &[],
        }
    }
}

/// Who makes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Somebody on the internet.
    Customer,
    /// The kubelet, which has no certificate.
    Kubelet,
    /// Somebody inside who has no certificate of this mesh.
    Mallory,
    /// A workload of the mesh.
    Of(Workload),
    /// A nightly job, `shop/reports`, without a sidecar.
    Reports,
    /// A price-comparison job, `shop/scraper`, without a sidecar, and tonight in somebody else's hands.
    Scraper,
    /// The operators' console, `ops/console`, without a sidecar.
    Console,
}

impl Caller {
    /// As the table shows it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Kubelet => "kubelet",
            Self::Mallory => "mallory",
            Self::Of(workload) => workload.name(),
            Self::Reports => "reports",
            Self::Scraper => "scraper",
            Self::Console => "console",
        }
    }

    /// The SPIFFE ID in the certificate that it holds; mallory claims web's.
    pub(super) fn spiffe(self) -> Option<String> {
        match self {
            Self::Customer | Self::Kubelet => None,
            Self::Mallory => Some(Workload::Web.spiffe()),
            Self::Of(workload) => Some(workload.spiffe()),
            Self::Reports => Some(spiffe("shop", "reports")),
            Self::Scraper => Some(spiffe("shop", "scraper")),
            Self::Console => Some(spiffe("ops", "console")),
        }
    }
}

fn spiffe(namespace: &str, account: &str) -> String {
    format!("spiffe://mesh.local/ns/{namespace}/sa/{account}")
}
