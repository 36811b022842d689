//! What records of several classes have in common.

use core::fmt::Display;

use meshward_model::{DecisionEvent, Node, Peer, SpiffeId, UnixMillis};

use super::judgement::Judgement;
use super::{Context, VERSION};
use crate::json::Object;
use crate::shown;
use crate::text::printable;

/// The longest name of a node or a workload that is written.
const MAX_NAME: usize = 255;

/// Class and activity, as OCSF numbers them.
pub(super) struct Class {
    pub(super) uid: u32,
    pub(super) name: &'static str,
    pub(super) category_uid: u32,
    pub(super) activity_id: u32,
}

/// Time, class, activity, severity, message.
pub(super) fn base(
    record: &mut Object<'_>,
    class: &Class,
    time: UnixMillis,
    severity_id: u32,
    message: &dyn Display,
) {
    let Class { uid, name, category_uid, activity_id } = class;
    record.number("time", time.0).number("class_uid", (*uid).into()).text("class_name", name);
    record.number("category_uid", (*category_uid).into()).number("activity_id", (*activity_id).into());
    let type_uid = u64::from(*uid).saturating_mul(100).saturating_add((*activity_id).into());
    record.number("type_uid", type_uid).number("severity_id", severity_id.into());
    record.text("message", &message.to_string());
}

/// What the Security Control profile and the base class say of the judgement.
pub(super) fn judged(record: &mut Object<'_>, judgement: &Judgement, status_detail: &str) {
    let Judgement { action_id, disposition_id, status_id, severity_id } = *judgement;
    record.number("action_id", action_id.into()).number("disposition_id", disposition_id.into());
    record.number("status_id", status_id.into()).text("status_detail", status_detail);
    record.flag("is_alert", severity_id >= 3);
}

/// Who wrote the record, of which stage, with which number. `code` is `stage.snake_case`.
pub(super) fn metadata(
    record: &mut Object<'_>,
    context: &Context<'_>,
    profile: Option<&str>,
    code: &str,
    correlation_uid: &str,
) {
    let stage = code.split('.').next().unwrap_or_default();
    let Context { node, number, .. } = context;
    let mut metadata = record.object("metadata");
    metadata.text("version", VERSION);
    if let Some(profile) = profile {
        metadata.texts("profiles", &[profile]);
    }
    metadata.text("uid", &number.uid()).number("sequence", number.sequence);
    {
        let mut product = metadata.object("product");
        product.text("name", "meshward").text("vendor_name", "meshward");
        product.text("version", env!("CARGO_PKG_VERSION"));
        product.object("feature").text("name", stage);
    }
    metadata.text("log_name", &format!("meshward.{stage}")).text("event_code", code);
    metadata.text_if_any("correlation_uid", correlation_uid);
    let label = |name: &str, value: &str| (!value.is_empty()).then(|| format!("{name}={}", named(value)));
    let labels = [label("namespace", &node.namespace), label("workload", &node.workload)];
    let labels: Vec<&str> = labels.iter().flatten().map(String::as_str).collect();
    if !labels.is_empty() {
        metadata.texts("labels", &labels);
    }
}

/// Who called, where that is known and verified.
pub(super) fn source(record: &mut Object<'_>, peer: &Peer) {
    if let Some(id) = peer.spiffe_id() {
        let mut endpoint = record.object("src_endpoint");
        endpoint.text("uid", id.as_str()).text_if_any("svc_name", &account(id));
    }
}

/// Who was called; OCSF wants a name of it.
pub(super) fn destination(record: &mut Object<'_>, node: &Node, port: Option<u16>) {
    let service = workload(node);
    if node.id.is_empty() && service.is_empty() {
        return;
    }
    let mut endpoint = record.object("dst_endpoint");
    endpoint.text_if_any("uid", &named(&node.id)).text_if_any("svc_name", &service);
    if let Some(port) = port {
        endpoint.number("port", port.into());
    }
}

/// The request, as far as it may be written, and the response's status.
pub(super) fn exchange(record: &mut Object<'_>, event: &DecisionEvent<'_>, context: &Context<'_>) {
    {
        let mut request = record.object("http_request");
        request.text_if_any("uid", shown::request_id(&event.request_id));
        if let (Some(method), _) = shown::method(&event.method) {
            request.text("http_method", method);
        }
        if let Some(path) = context.shown.path(&event.path) {
            let mut url = request.object("url");
            url.text_if_any("hostname", context.shown.host(&event.authority).unwrap_or_default());
            url.text("path", &path);
        }
    }
    record.object("http_response").number("code", event.status.into());
}

/// `namespace/account`, where the SPIFFE ID is of that shape; empty else.
pub(super) fn account(id: &SpiffeId) -> String {
    match (id.namespace(), id.service_account()) {
        (Some(namespace), Some(account)) => format!("{namespace}/{account}"),
        (Some(_) | None, _) => String::new(),
    }
}

/// `namespace/workload`, as far as the proxy says it.
pub(super) fn workload(node: &Node) -> String {
    match (node.namespace.as_str(), node.workload.as_str()) {
        ("", workload) => named(workload),
        (namespace, workload) => named(&format!("{namespace}/{workload}")),
    }
}

/// A name that the proxy gives, safe to print.
pub(crate) fn named(name: &str) -> String {
    printable(name.as_bytes(), MAX_NAME)
}
