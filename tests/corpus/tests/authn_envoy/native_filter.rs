//! One of Envoy's own filters writes a text where the handover belongs: no plugin takes it for one.

use crate::setup::{WITHIN, envoys, key, token, with_token};
use meshward_cases::mint::jwks;
use meshward_corpus::engines::Modules;
use meshward_harness::client::{Client, RawRequest};
use meshward_harness::config::{Bootstrap, Filter, Listener, Wasm};
use meshward_harness::envoy::Envoy;
use meshward_harness::ports::Reserved;
use serde_json::{Value, json};

fn envelope(fields: &Value, documents: &Value) -> String {
    let mut envelope = json!({
        "apiVersion": "meshward.io/v1alpha1", "kind": "PluginConfig", "peerVerifiedBy": "transport",
        "documents": documents,
    });
    if let (Some(envelope), Some(fields)) = (envelope.as_object_mut(), fields.as_object()) {
        envelope.extend(fields.clone());
    }
    envelope.to_string()
}

#[test]
fn a_text_of_one_of_envoys_filters_is_no_handover_and_is_in_nobodys_way() {
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    let wasm = |name: &str, configuration: &str| {
        let module = modules.of(name).unwrap_or_else(|remedy| panic!("{remedy}"));
        Filter::Wasm(Wasm { name: name.to_owned(), ..Wasm::new(&module, configuration) })
    };
    let key = key("ec-1");
    let issuer = json!({
        "issuer": "https://id.example", "audiences": ["shop"], "algorithms": ["ES256"], "keys": jwks([&key]),
    });
    let authn = envelope(
        &json!({}),
        &json!([{
            "apiVersion": "meshward.io/v1alpha1", "kind": "Authentication", "metadata": {"name": "callers"},
            "spec": {"jwt": {"required": true, "issuers": [issuer]}},
        }]),
    );
    let authz = envelope(
        &json!({"claims": {"from": "handover"}}),
        &json!([{
            "apiVersion": "meshward.io/v1alpha1", "kind": "AccessPolicy", "metadata": {"name": "alice"},
            "spec": {"rules": [{"when": [{"claim": ["sub"], "equals": "alice"}]}]},
        }]),
    );
    let text = || Filter::FilterState { key: "wasm.meshward_authn".to_owned(), format: "rubbish".to_owned() };
    for (version, binary) in envoys() {
        let ports = [(); 2].map(|()| Reserved::loopback().expect("a port"));
        let [without, with] = [ports[0].address(), ports[1].address()];
        let listeners = vec![
            Listener::on(without).named("without").filter(text()).filter(wasm("authz", &authz)),
            Listener::on(with)
                .named("with")
                .filter(text())
                .filter(wasm("authn", &authn))
                .filter(wasm("authz", &authz)),
        ];
        let envoy = Envoy::builder(&binary).bootstrap(&Bootstrap::new(listeners)).start().expect("Envoy");
        let send = |address, request: &RawRequest| Client::plain(address).send(request).expect("an answer");
        assert_eq!(send(without, &RawRequest::get("/")).status, 403, "{version}");
        // It is none, not one that cannot be read.
        let said = envoy.wait_log(|line| line.contains("authz.handover_missing"), WITHIN);
        said.unwrap_or_else(|error| panic!("{version}: {error}"));
        assert_eq!(send(with, &with_token("/", &token(&key, "alice"))).status, 200, "{version}");
        assert_eq!(send(with, &with_token("/", &token(&key, "bob"))).status, 403, "{version}");
        assert_eq!(send(with, &RawRequest::get("/")).status, 401, "{version}");
    }
}
