//! The JSON Schema of the file, for editors.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::{Map, Value, json};

use super::file::File;

/// A text with a variable in it.
const VARIABLE: &str = r"\$\{";

/// What describes a value rather than restricts it.
const DESCRIPTIONS: [&str; 4] = ["description", "default", "title", "examples"];

/// The schema, as checked in at `config/llmgw.schema.json`.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<File>();
    loosen(&mut schema);
    schema.insert("title".to_owned(), json!("llmgw configuration"));
    schema.insert("patternProperties".to_owned(), json!({ "^x-": {} }));
    schema.to_value()
}

/// The reader takes `${VAR}` for any scalar, and `null` for a key that is not there.
fn loosen(schema: &mut Schema) {
    // The parts first: what is made here must not be gone through again.
    transform_subschemas(&mut loosen, schema);
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().filter_map(Value::as_object_mut).for_each(|property| or(property, json!({ "type": "null" })));
    }
    // A variable fits every word of a set, so exactly one could never fit.
    if let Some(words) = object.remove("oneOf") {
        object.insert("anyOf".to_owned(), words);
        or(object, json!({ "type": "string", "pattern": VARIABLE }));
    }
    let scalar = matches!(object.get("type").and_then(Value::as_str), Some("integer" | "number" | "boolean"));
    if scalar || ["enum", "pattern"].iter().any(|key| object.contains_key(*key)) {
        or(object, json!({ "type": "string", "pattern": VARIABLE }));
    }
}

/// Lets `alternative` stand too, with the description kept outside.
fn or(schema: &mut Map<String, Value>, alternative: Value) {
    if let Some(alternatives) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        alternatives.push(alternative);
        return;
    }
    let (kept, moved): (Map<_, _>, Map<_, _>) =
        std::mem::take(schema).into_iter().partition(|(key, _)| DESCRIPTIONS.contains(&key.as_str()));
    *schema = kept;
    schema.insert("anyOf".to_owned(), json!([moved, alternative]));
}
