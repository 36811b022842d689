//! The JSON Schema of a configuration, made of the raw types that parse it.
//!
//! Draft 7: the newest draft that editors' YAML support reads.

use meshward_config::{RawDocument, RawEnvelope};
use meshward_event::sinks::RawEventSink;
use meshward_limit::raw::{RawDetection, RawRateLimit};
use meshward_policy::raw::{RawAccessPolicy, RawAuthorizationPolicy};
use meshward_token::raw::RawAuthentication;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

/// The JSON Schema of `PluginConfig` with every kind of document that the plugins of this version read.
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let kinds = [
        document::<RawEventSink>(&mut generator, "EventSink", &["meshward.io/v1alpha1"]),
        document::<RawAccessPolicy>(&mut generator, "AccessPolicy", &["meshward.io/v1alpha1"]),
        document::<RawAuthorizationPolicy>(
            &mut generator,
            "AuthorizationPolicy",
            &["security.istio.io/v1", "security.istio.io/v1beta1"],
        ),
        document::<RawAuthentication>(&mut generator, "Authentication", &["meshward.io/v1alpha1"]),
        document::<RawRateLimit>(&mut generator, "RateLimit", &["meshward.io/v1alpha1"]),
        document::<RawDetection>(&mut generator, "Detection", &["meshward.io/v1alpha1"]),
    ];
    let mut schema = generator.into_root_schema_for::<RawEnvelope>().to_value();
    if let Some(documents) = schema.pointer_mut("/properties/documents") {
        *documents = json!({
            "description": "The policy documents, in any order.",
            "type": "array",
            "items": {"oneOf": kinds},
        });
    }
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), json!("meshward PluginConfig"));
    }
    refuse_null(&mut schema);
    schema
}

/// A field that may be left out may not be null: takes null out of every type that the generator makes of an `Option`.
fn refuse_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| *choice != json!({"type": "null"}));
            }
            object.values_mut().for_each(refuse_null);
        }
        Value::Array(values) => values.iter_mut().for_each(refuse_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn document<Spec: JsonSchema>(generator: &mut SchemaGenerator, kind: &str, versions: &[&str]) -> Value {
    let mut schema = <RawDocument<Spec>>::json_schema(generator).to_value();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), json!(kind));
    }
    if let Some(properties) = schema.pointer_mut("/properties").and_then(Value::as_object_mut) {
        properties.insert("kind".to_owned(), json!({"const": kind}));
        properties.insert("apiVersion".to_owned(), json!({"enum": versions}));
    }
    schema
}
