//! One form of a body: its content type, its schema, an example.

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Content, ContentBuilder, KnownFormat, Ref, RefOr};

/// A content type and what it holds.
pub(super) struct Media {
    pub name: &'static str,
    pub content: Content,
    pub schemas: Vec<(String, RefOr<Schema>)>,
}

/// JSON of this type.
pub(super) fn json<T: ToSchema>(example: Value) -> Media {
    of::<T>("application/json", Some(example))
}

/// A form with files.
pub(super) fn form<T: ToSchema>() -> Media {
    of::<T>("multipart/form-data", None)
}

/// A stream of events, as it comes over the wire. OpenAPI 3.1 has no words for the schema of an event.
pub(super) fn events(example: &str) -> Media {
    Media { name: "text/event-stream", content: ContentBuilder::new().example(Some(json!(example))).build(), schemas: Vec::new() }
}

/// Text that is no JSON.
pub(super) fn words(name: &'static str, example: &str) -> Media {
    plain(name, ObjectBuilder::new().schema_type(Type::String), Some(json!(example)))
}

/// Bytes.
pub(super) fn bytes(name: &'static str) -> Media {
    let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
    plain(name, schema, None)
}

/// Fields of any name.
pub(super) fn fields(name: &'static str) -> Media {
    let any = AdditionalProperties::FreeForm(true);
    plain(name, ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(any)), None)
}

/// An object that the example tells more of than a schema would.
pub(super) fn object(example: Value) -> Media {
    let any = AdditionalProperties::FreeForm(true);
    plain("application/json", ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(any)), Some(example))
}

/// Whatever it is.
pub(super) fn anything(name: &'static str) -> Media {
    plain(name, ObjectBuilder::new().schema_type(SchemaType::AnyValue), None)
}

/// The schema of a type and of all that it is made of, by their names.
pub(super) fn schemas_of<T: ToSchema>() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = Vec::new();
    T::schemas(&mut schemas);
    schemas.push((T::name().into_owned(), T::schema()));
    schemas
}

fn of<T: ToSchema>(name: &'static str, example: Option<Value>) -> Media {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name()))).example(example);
    Media { name, content: content.build(), schemas: schemas_of::<T>() }
}

fn plain(name: &'static str, schema: ObjectBuilder, example: Option<Value>) -> Media {
    Media { name, content: ContentBuilder::new().schema(Some(schema.build())).example(example).build(), schemas: Vec::new() }
}
