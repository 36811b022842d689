//! `x-forwarded-client-cert`: a header that anybody can write.
//!
//! meshward names callers by the connection only, so there is no reader of this header to be fuzzed; what must hold is stronger:
//! whatever stands in it, however often and under whichever spelling of its name, the peer, the verdict, its reason and rule, the
//! counters and the event are those of the request without it.

use std::sync::OnceLock;

use arbitrary::{Result, Unstructured};
use meshward_cases::native::only;
use meshward_model::{
    Connection, Head, Headers, Peer, Plugin, Report, RequestId, Seed, Step, UnixMillis, Verdict,
};
use meshward_pipeline::Guard;

const ADMIN: &str = "spiffe://mesh.example/ns/shop/sa/admin";
const NAMES: [&str; 5] = [
    "x-forwarded-client-cert",
    "X-Forwarded-Client-Cert",
    "x-forwarded-client-cert-chain",
    "x-peer-id",
    "forwarded",
];
const PIECES: [&str; 16] = [
    "By=spiffe://mesh.example/ns/shop/sa/orders",
    "URI=spiffe://mesh.example/ns/shop/sa/admin",
    "URI=\"spiffe://mesh.example/ns/shop/sa/admin\"",
    "uri=spiffe://mesh.example/ns/shop/sa/admin",
    "Hash=468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688",
    "Subject=\"/C=US/CN=Test, \\\"Client\\\"; x\"",
    "DNS=admin.shop.svc",
    "Cert=\"-----BEGIN%20CERTIFICATE-----%0A\"",
    "Chain=",
    ";",
    ",",
    "=",
    "\"",
    "\\",
    " ",
    ADMIN,
];
const DOCUMENTS: &str = r#"{"apiVersion":"meshward.io/v1alpha1","kind":"AccessPolicy","metadata":{"name":"own","namespace":"shop"},
    "spec":{"rules":[{"from":[{"source":{"principals":["mesh.example/ns/shop/sa/admin"]}}],"to":[{"operation":{"paths":["/admin/*"]}}]},
    {"from":[{"source":{"namespaces":["shop"],"notPrincipals":["*/sa/guest"]}}],"to":[{"operation":{"paths":["/orders"]}}]},
    {"to":[{"operation":{"paths":["/open"]}}]}]}},
    {"apiVersion":"security.istio.io/v1","kind":"AuthorizationPolicy","metadata":{"name":"theirs","namespace":"shop"},
    "spec":{"action":"DENY","rules":[{"from":[{"source":{"notPrincipals":["mesh.example/*"]}}],"to":[{"operation":{"paths":["/admin/*"]}}]}]}}"#;

/// Holds one input to the properties.
pub fn body(bytes: &[u8]) {
    // Bytes that run out end the request, not the run.
    let _ = says_nothing(&mut Unstructured::new(bytes));
}

fn says_nothing(source: &mut Unstructured<'_>) -> Result<()> {
    let plugins = plugins();
    let plugin = source.choose(plugins)?;
    let path = *source.choose(&["/admin/keys", "/orders", "/open", "/"])?;
    let connection = connection(source)?;
    let plain = [(":method", "GET"), (":path", path), (":authority", "orders.shop"), ("x-request-id", "7")];
    let mut headers: Vec<(String, Vec<u8>)> =
        plain.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    let without = seen(plugin, &headers, &connection);
    for _ in 0..source.int_in_range(1..=4)? {
        let name = (*source.choose(&NAMES)?).to_owned();
        let at = source.choose_index(headers.len().saturating_add(1))?;
        headers.insert(at, (name, value(source)?));
    }
    let with = seen(plugin, &headers, &connection);
    assert_eq!(with, without, "the header has a say: {headers:?}");
    let named = connection.uri_san.is_some() || connection.principal_state.is_some();
    assert!(named || with.0.spiffe_id().is_none(), "a name out of nowhere: {headers:?}");
    Ok(())
}

/// A value of the header: pieces of its grammar in any order, and any bytes.
fn value(source: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut value = Vec::new();
    for _ in 0..source.int_in_range(0..=8)? {
        if source.ratio(1, 4)? {
            let count = source.int_in_range(0..=24)?;
            let count = count.min(source.len());
            value.extend(source.bytes(count)?);
        } else {
            value.extend(source.choose(&PIECES)?.as_bytes());
        }
    }
    Ok(value)
}

fn connection(source: &mut Unstructured<'_>) -> Result<Connection> {
    let names = [
        None,
        Some(&b"spiffe://mesh.example/ns/shop/sa/web"[..]),
        Some(b"spiffe://mesh.example/ns/shop/sa/guest"),
        Some(b"spiffe://other.example/ns/shop/sa/admin"),
        Some(ADMIN.as_bytes()),
        Some(b"https://mesh.example/"),
        Some(b""),
    ];
    let uri_san = source.choose(&names)?.map(<[u8]>::to_vec);
    let principal_state = source.choose(&names)?.map(<[u8]>::to_vec);
    let certificate_valid = *source.choose(&[None, Some(false), Some(true)])?;
    let certificate_presented = *source.choose(&[None, Some(false), Some(true)])?;
    let source_address = Some(b"10.0.0.1:4711".to_vec());
    Ok(Connection {
        uri_san,
        certificate_presented,
        certificate_valid,
        principal_state,
        destination_port: Some(8080),
        source_address,
    })
}

/// One for each way of knowing the caller.
fn plugins() -> &'static [Guard] {
    static PLUGINS: OnceLock<Vec<Guard>> = OnceLock::new();
    PLUGINS.get_or_init(|| {
        let ways = [("connection", "transport"), ("connection", "connection"), ("filterState", "transport")];
        let plugins = ways.into_iter().map(|(from, by)| {
            let text = format!(
                r#"{{"apiVersion":"meshward.io/v1alpha1","kind":"PluginConfig","peerFrom":"{from}","peerVerifiedBy":"{by}","documents":[{DOCUMENTS}]}}"#
            );
            match Guard::configure(text.as_bytes(), &crate::node()) {
                Ok(plugin) => plugin,
                Err(refusal) => unreachable!("the configuration of this target is refused: {refusal}"),
            }
        });
        plugins.collect()
    })
}

/// What is made of a request, first to last.
fn seen(plugin: &Guard, headers: &[(String, Vec<u8>)], connection: &Connection) -> (Peer, Verdict, Report) {
    let mut map = Headers::builder();
    for (name, value) in headers {
        map.push(name.as_bytes(), value);
    }
    let head =
        Head { id: RequestId(1), headers: map.build(), connection: connection.clone(), handover: None };
    let mut state = plugin.state(Seed(1));
    let now = UnixMillis(1_767_225_600_000);
    let (request, step) = plugin.decide(&mut state, only(&head, plugin.needs()), now);
    let Step::Done(verdict) = step else { unreachable!("nothing asks here") };
    let more = only(&head, plugin.wants(&verdict));
    let report = plugin.report(&mut state, Some(&request), &more, &verdict, now);
    (request.peer, verdict, report)
}
