//! The JSON Schema of the file, for editors.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde_json::{Value, json};

use super::file::File;

/// The schema, as checked in at `config/llmgw.schema.json`.
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft07().into_generator().into_root_schema_for::<File>();
    allow_variables(&mut schema);
    schema.insert("title".to_owned(), json!("llmgw configuration"));
    schema.insert("patternProperties".to_owned(), json!({ "^x-": {} }));
    schema.to_value()
}

/// Where a number, a word of a set or a patterned text stands, `${VAR}` may stand too.
fn allow_variables(schema: &mut Schema) {
    // The parts first: what is made here must not be gone through again.
    transform_subschemas(&mut allow_variables, schema);
    let Some(object) = schema.as_object_mut() else { return };
    let scalar = matches!(object.get("type").and_then(Value::as_str), Some("integer" | "number" | "boolean"));
    let restricted = object.contains_key("enum") || object.contains_key("const") || object.contains_key("pattern");
    if !(scalar || restricted) {
        return;
    }
    let kept = ["description", "default", "title", "examples"];
    let moved: serde_json::Map<String, Value> =
        object.iter().filter(|(key, _)| !kept.contains(&key.as_str())).map(|(key, value)| (key.clone(), value.clone())).collect();
    object.retain(|key, _| kept.contains(&key.as_str()));
    object.insert("anyOf".to_owned(), json!([moved, { "type": "string", "pattern": VARIABLE }]));
}

/// A text with a variable in it.
const VARIABLE: &str = r"\$\{";
