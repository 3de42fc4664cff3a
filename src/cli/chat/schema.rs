//! `--schema`: an answer that has a shape, and is checked against it when it is here.

use std::path::Path;

use boon::{CompileError, Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::{Value, json};

use crate::cli::failure::Failure;

/// Larger than any schema that an upstream takes.
const LARGEST: u64 = 1 << 20;

/// Where the schema stands, as far as its own references are concerned. Nothing is ever fetched from there.
const ADDRESS: &str = "llmgw:/schema.json";

/// Longest name of a schema that OpenAI takes.
const LONGEST_NAME: usize = 64;

/// The shape of an answer.
pub struct Schema {
    name: String,
    written: Value,
    compiled: Schemas,
    index: SchemaIndex,
}

/// References to other files are not followed: the upstream could not follow them either.
struct Closed;

impl UrlLoader for Closed {
    fn load(&self, _: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err("a schema must hold all that it refers to".into())
    }
}

impl Schema {
    /// Reads and compiles the file.
    pub fn read(path: &Path) -> Result<Schema, Failure> {
        let shown = path.display();
        let unusable = |reason: String| Failure::usage(format!("`{shown}` is no JSON Schema: {reason}"));
        let unreadable = |error| Failure::usage(format!("cannot read the schema `{shown}`: {error}")).hint("check the path");
        if std::fs::metadata(path).map_err(unreadable)?.len() > LARGEST {
            return Err(unusable("it is larger than 1 MiB".to_owned()).hint("an answer's shape takes a few lines"));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let written: Value =
            serde_json::from_str(&text).map_err(|error| unusable(format!("not JSON: {error}")).hint("a JSON Schema is written as JSON"))?;
        if !written.is_object() {
            return Err(unusable("it is no object".to_owned()).hint("begin with `{\"type\": \"object\", \"properties\": …}`"));
        }
        Schema::compile(name_of(path), written)
            .map_err(|reason| unusable(reason).hint("https://json-schema.org says what a schema may hold"))
    }

    fn compile(name: String, written: Value) -> Result<Schema, String> {
        let mut compiler = Compiler::new();
        compiler.use_loader(Box::new(Closed));
        let mut compiled = Schemas::new();
        compiler.add_resource(ADDRESS, written.clone()).map_err(|error| in_words(&error))?;
        let index = compiler.compile(ADDRESS, &mut compiled).map_err(|error| in_words(&error))?;
        Ok(Schema { name, written, compiled, index })
    }

    /// What is asked of the model.
    pub fn response_format(&self) -> Value {
        json!({
            "type": "json_schema",
            "json_schema": { "name": self.name, "schema": self.written, "strict": is_strict(&self.written) },
        })
    }

    /// Whether `answer` has the shape.
    pub fn check(&self, answer: &str) -> Result<(), Failure> {
        let instance: Value = serde_json::from_str(answer).map_err(|error| {
            Failure::failed(format!("the answer is not JSON: {error}"))
                .hint("the model may not know `response_format`; `llmgw explain` shows who answers, and `--system` can ask for JSON alone")
        })?;
        self.compiled.validate(&instance, self.index).map_err(|error| {
            Failure::failed(format!("the answer does not fit the schema: {}", place(&error)))
                .hint("ask again, or let the schema say more in its `description`s")
        })
    }
}

/// What a schema is called in a request: the file's name, as far as OpenAI takes it.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(LONGEST_NAME).collect();
    if name.chars().any(|c| c.is_ascii_alphanumeric()) { name } else { "answer".to_owned() }
}

/// Whether OpenAI could hold a model to it: every object names all of its members and no others. What it refuses for another
/// reason, its own words say.
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Array(parts) => parts.iter().all(is_strict),
        Value::Object(members) => {
            let is_closed = match members.get("properties").and_then(Value::as_object) {
                Some(properties) => {
                    let required: Vec<&str> =
                        members.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
                    members.get("additionalProperties") == Some(&Value::Bool(false))
                        && properties.keys().all(|name| required.contains(&name.as_str()))
                }
                None => members.get("type") != Some(&json!("object")),
            };
            is_closed && members.values().all(is_strict)
        }
        _ => true,
    }
}

/// The first mismatch, by its place in the answer.
fn place(error: &ValidationError<'_, '_>) -> String {
    let mut first = error;
    // Of alternatives none fits: what one of them says would mislead.
    while let Some(cause) = first.causes.first().filter(|_| !matches!(first.kind, ErrorKind::AnyOf | ErrorKind::OneOf(_))) {
        first = cause;
    }
    let path = first.instance_location.to_string();
    let place = if path.is_empty() { "the top" } else { &path };
    format!("at `{place}`: {}", first.kind)
}

fn in_words(error: &CompileError) -> String {
    match error {
        CompileError::ValidationError { src, .. } => place(src),
        CompileError::LoadUrlError { url, src } => format!("`{url}`: {src}"),
        error => error.to_string().replace(ADDRESS, ""),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::{Schema, is_strict, name_of};

    fn person() -> Schema {
        let written = json!({
            "type": "object",
            "properties": { "名字": { "type": "string" }, "电话": { "type": "array", "items": { "type": "integer" } } },
            "required": ["名字", "电话"],
            "additionalProperties": false,
        });
        Schema::compile("person".to_owned(), written).unwrap()
    }

    #[test]
    fn an_answer_that_fits_is_let_through() {
        assert_eq!(person().check(" {\"名字\": \"王\", \"电话\": [1, 2]}\n"), Ok(()));
    }

    #[test]
    fn the_first_mismatch_is_named_by_its_place() {
        let message = |answer: &str| person().check(answer).unwrap_err().message;
        assert_eq!(message("```json"), "the answer is not JSON: expected value at line 1 column 1");
        let wrong = message("{\"名字\": \"王\", \"电话\": [1, \"二\"]}");
        assert_eq!(wrong, "the answer does not fit the schema: at `/电话/1`: want integer, but got string");
        let missing = message("{\"名字\": \"王\"}");
        assert!(missing.starts_with("the answer does not fit the schema: at `the top`: missing propert"), "{missing}");
    }

    #[test]
    fn what_is_no_schema_is_told_so() {
        let reason = |written| Schema::compile("x".to_owned(), written).err().unwrap();
        assert!(reason(json!({ "type": "strin" })).starts_with("at `/type`: "), "{}", reason(json!({ "type": "strin" })));
        let reason = reason(json!({ "$ref": "https://example.com/other.json" }));
        assert!(reason.contains("must hold all that it refers to"), "{reason}");
    }

    #[test]
    fn a_model_is_held_to_what_is_closed() {
        assert_eq!(person().response_format()["json_schema"]["strict"], true);
        assert!(is_strict(&json!({ "type": "array", "items": { "type": "string" } })));
        for open in [
            json!({ "type": "object" }),
            json!({ "type": "object", "properties": { "a": {} }, "required": ["a"] }),
            json!({ "type": "array", "items": { "properties": { "a": {} }, "additionalProperties": false } }),
        ] {
            assert!(!is_strict(&open), "{open}");
        }
    }

    #[test]
    fn a_schema_is_called_as_its_file() {
        assert_eq!(name_of(Path::new("dir/my person.v2.json")), "my_person_v2");
        assert_eq!(name_of(Path::new("人.json")), "answer");
    }
}
