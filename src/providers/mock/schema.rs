//! The plainest value that a JSON Schema allows.

use serde_json::{Map, Value, json};

/// Deeper than any schema that means it; ends a recursive one.
const DEEPEST: usize = 8;

/// A value that `schema` allows, with `text` where it wants a string.
pub fn example(schema: &Value, text: &str) -> Value {
    Example { root: schema, text }.of(schema, 0)
}

struct Example<'a> {
    root: &'a Value,
    text: &'a str,
}

impl Example<'_> {
    fn of(&self, schema: &Value, depth: usize) -> Value {
        if depth > DEEPEST {
            return Value::Null;
        }
        if let Some(value) = schema.get("const").or_else(|| schema["enum"].get(0)) {
            return value.clone();
        }
        let referred = schema["$ref"].as_str().and_then(|pointer| self.root.pointer(pointer.strip_prefix('#')?));
        if let Some(other) = referred.or_else(|| schema["anyOf"].get(0)).or_else(|| schema["oneOf"].get(0)) {
            return self.of(other, depth + 1);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => {
                let count = schema["minItems"].as_u64().unwrap_or(0).min(DEEPEST as u64);
                (0..count).map(|_| self.of(&schema["items"], depth + 1)).collect()
            }
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => json!(self.text),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let members: Map<String, Value> = required.map(|name| (name.to_owned(), self.of(&schema["properties"][name], depth + 1))).collect();
        Value::Object(members)
    }
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null"),
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    }
}
