//! What a tool takes: a schema is always there, and always one of an object.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::dialects::members::Members;
use crate::hub::Raw;

/// A tool's schema.
pub(super) enum Schema<'a> {
    /// As it came.
    Given(&'a Raw),
    /// As it came, and a `type` before it.
    Typed(Raw),
    /// A tool that takes nothing.
    OfNothing,
    /// A custom tool, which takes a text.
    OfText,
}

impl<'a> Schema<'a> {
    /// `schema` with the `type` that Anthropic requires, which OpenAI lets go.
    pub(super) fn typed(schema: &'a Raw) -> Schema<'a> {
        let Ok(members) = Members::of_body(schema.text().as_bytes()) else { return Schema::Given(schema) };
        if members.has("type") {
            return Schema::Given(schema);
        }
        let rest = schema.text().strip_prefix('{').unwrap_or_default().trim_start();
        let comma = if rest.starts_with('}') { "" } else { "," };
        Raw::parse(&format!(r#"{{"type":"object"{comma}{rest}"#)).map_or(Schema::Given(schema), Schema::Typed)
    }
}

impl Serialize for Schema<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_text = match self {
            Schema::Given(raw) => return raw.serialize(serializer),
            Schema::Typed(raw) => return raw.serialize(serializer),
            Schema::OfNothing => false,
            Schema::OfText => true,
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", "object")?;
        map.serialize_entry("properties", &if is_text { json!({ "input": { "type": "string" } }) } else { json!({}) })?;
        if is_text {
            map.serialize_entry("required", &["input"])?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::Schema;
    use crate::hub::Raw;

    #[test]
    fn a_schema_is_one_of_an_object() {
        for (given, written) in [
            (r#"{"type":"object","properties":{"z":{},"a":{}}}"#, r#"{"type":"object","properties":{"z":{},"a":{}}}"#),
            (r#"{ "properties":{"城市":{}} }"#, r#"{"type":"object","properties":{"城市":{}} }"#),
            ("{ }", r#"{"type":"object"}"#),
        ] {
            let raw = Raw::parse(given).expect("JSON");
            assert_eq!(serde_json::to_string(&Schema::typed(&raw)).expect("JSON"), written);
        }
        let text = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}"#;
        assert_eq!(serde_json::to_string(&Schema::OfText).expect("JSON"), text);
        assert_eq!(serde_json::to_string(&Schema::OfNothing).expect("JSON"), r#"{"type":"object","properties":{}}"#);
    }
}
