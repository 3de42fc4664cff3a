//! The leaves of the file: how each kind of scalar is read, and its JSON Schema.

use std::borrow::Cow;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use url::Url;

use super::diagnostic::nearest;
use super::read::{Leaf, List, Place, Read, Reader, Setting, Table, describe, describe_leaf, words};
use super::secret::Secret;
use super::spanned::{Kind, Node, Value};
use super::units::{parse_duration, parse_size};
use super::{Level, LogFormat, RotateEvery, Strategy};

/// A key, a token, a certificate with its chain: far below this.
const LARGEST_SECRET: u64 = 1_000_000;

/// `30s`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationText(pub Duration);

/// `64MB` or bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeText(pub u64);

/// A secret, given itself, as a variable or as `file:/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretText(pub Secret);

/// A path, made absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathText(pub PathBuf);

/// An `http://` or `https://` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlText(pub Url);

/// `429`, `"5xx"`: a status or a pattern of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusText(pub String);

/// Anything, for bodies.
#[derive(Clone, Debug, PartialEq)]
pub struct AnyValue(pub serde_json::Value);

/// One of a closed set of words.
pub trait Word: DeserializeOwned {
    /// All of them.
    const WORDS: &'static [&'static str];
}

impl Word for Level {
    const WORDS: &'static [&'static str] = &["error", "warn", "info", "debug", "trace"];
}

impl Word for LogFormat {
    const WORDS: &'static [&'static str] = &["text", "json"];
}

impl Word for RotateEvery {
    const WORDS: &'static [&'static str] = &["hour", "day", "never"];
}

impl Word for Strategy {
    const WORDS: &'static [&'static str] = &["priority", "weighted", "round_robin", "least_busy", "fastest", "cheapest"];
}

impl<T: Word> Read for T {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<T> {
        let leaf = reader.leaf(node, place, "a word")?;
        let parsed = serde_json::from_value(serde_json::Value::from(leaf.text.as_str()));
        if let Ok(value) = parsed {
            return Some(value);
        }
        let message = format!("expected one of {}, found {}", words(T::WORDS), describe_leaf(&leaf));
        match nearest(&leaf.text, T::WORDS.iter().copied()).filter(|_| !leaf.filled_in) {
            Some(word) => reader.mistakes.error_with(place, message, format!("did you mean `{word}`?")),
            None => reader.mistakes.error(place, message),
        }
        None
    }
}

impl Read for String {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<String> {
        text(node, place, reader, "text")
    }
}

impl Read for bool {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<bool> {
        let leaf = reader.leaf(node, place, "`true` or `false`")?;
        match (leaf.kind, leaf.text.to_ascii_lowercase().as_str()) {
            (Kind::Bool(value), _) => Some(value),
            (_, "true") if leaf.variable => Some(true),
            (_, "false") if leaf.variable => Some(false),
            (_, "true" | "yes" | "on") => mistaken(reader, place, "`true` or `false`", &leaf, "write `true`, without quotes"),
            (_, "false" | "no" | "off") => mistaken(reader, place, "`true` or `false`", &leaf, "write `false`, without quotes"),
            _ => reader.wrong(place, format!("expected `true` or `false`, found {}", describe_leaf(&leaf))),
        }
    }
}

/// A whole number from `least` to `most`.
fn whole(node: &Node, place: &Place, reader: &mut Reader<'_>, most: u64) -> Option<u64> {
    let expected = match most {
        65_535 => "a whole number from 0 to 65535".to_owned(),
        _ => "a whole number, 0 or more".to_owned(),
    };
    let leaf = reader.leaf(node, place, &expected)?;
    let number = match leaf.kind {
        Kind::Int(number) => u64::try_from(number).ok(),
        Kind::Text if leaf.variable => leaf.text.trim().parse().ok(),
        Kind::Text if leaf.text.parse::<u64>().is_ok() => return mistaken(reader, place, &expected, &leaf, "take the quotes off"),
        _ => None,
    };
    match number.filter(|number| *number <= most) {
        Some(number) => Some(number),
        None => reader.wrong(place, format!("expected {expected}, found {}", describe_leaf(&leaf))),
    }
}

macro_rules! read_whole {
    ($($number:ty),*) => { $(
        impl Read for $number {
            fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<$number> {
                whole(node, place, reader, <$number>::MAX as u64).and_then(|number| <$number>::try_from(number).ok())
            }
        }
    )* };
}

read_whole!(u16, u32, u64, usize);

impl Read for f64 {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<f64> {
        let leaf = reader.leaf(node, place, "a number, 0 or more")?;
        let number = match leaf.kind {
            Kind::Int(number) => Some(number as f64),
            Kind::Float(number) => Some(number),
            Kind::Text if leaf.variable => leaf.text.trim().parse().ok(),
            _ => None,
        };
        match number.filter(|number| number.is_finite() && *number >= 0.0) {
            Some(number) => Some(number),
            None => reader.wrong(place, format!("expected a number, 0 or more, found {}", describe_leaf(&leaf))),
        }
    }
}

impl Read for DurationText {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<DurationText> {
        let leaf = reader.leaf(node, place, "a duration such as `30s`")?;
        match parse_duration(&leaf.text) {
            Ok(duration) => Some(DurationText(duration)),
            Err(_) if leaf.filled_in => reader.wrong(place, format!("expected a duration such as `30s`, found {}", describe_leaf(&leaf))),
            Err(error) => reader.wrong(place, error.to_string()),
        }
    }
}

impl Read for SizeText {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<SizeText> {
        let leaf = reader.leaf(node, place, "a size such as `64MB`")?;
        match parse_size(&leaf.text) {
            Ok(size) => Some(SizeText(size)),
            Err(_) if leaf.filled_in => reader.wrong(place, format!("expected a size such as `64MB`, found {}", describe_leaf(&leaf))),
            Err(error) => reader.wrong(place, error.to_string()),
        }
    }
}

impl Read for PathText {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<PathText> {
        let path = text(node, place, reader, "a path")?;
        if path.is_empty() {
            return reader.wrong(place, "an empty path");
        }
        if path.contains('\n') || path.contains("-----BEGIN") {
            return reader.wrong(place, "expected the path of a file, found a file's content");
        }
        Some(PathText(reader.absolute(&path)))
    }
}

impl Read for StatusText {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<StatusText> {
        let leaf = reader.leaf(node, place, "a status such as `429` or `5xx`")?;
        Some(StatusText(leaf.text))
    }
}

impl Read for SecretText {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<SecretText> {
        let Value::Scalar(scalar) = &node.value else {
            return reader.wrong(place, format!("expected text, found {}", describe(node)));
        };
        if scalar.kind != Kind::Text {
            reader.mistakes.error_with(place, format!("expected text, found {}", describe(node)), "put the value in quotes");
            return None;
        }
        let leaf = reader.leaf(node, place, "text")?;
        let value = match leaf.text.strip_prefix("file:") {
            Some(path) => from_file(path, place, reader)?,
            None => leaf.text,
        };
        if value.trim().is_empty() {
            reader.mistakes.error_with(place, "an empty secret", "fill it in; where none is needed, leave the key out");
            return None;
        }
        if value.chars().any(char::is_control) {
            return reader.wrong(place, "a secret with a line break or another control character in it");
        }
        Some(SecretText(Secret::new(value)))
    }
}

impl Read for UrlText {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<UrlText> {
        let written = text(node, place, reader, "a URL")?;
        let url = match Url::parse(written.trim()) {
            Ok(url) => url,
            Err(error) => {
                let hint = if written.contains("://") { "check the address" } else { "begin it with `https://` or `http://`" };
                reader.mistakes.error_with(place, format!("not a URL: {error}"), hint);
                return None;
            }
        };
        if !matches!(url.scheme(), "http" | "https") {
            reader.mistakes.error_with(place, format!("`{}` is no scheme for this", url.scheme()), "begin it with `https://` or `http://`");
            return None;
        }
        if !url.username().is_empty() || url.password().is_some() {
            let hint = "give the secret as `api_key`; for traces, in `OTEL_EXPORTER_OTLP_HEADERS`";
            reader.mistakes.error_with(place, "a user or password in a URL ends up in logs", hint);
            return None;
        }
        Some(UrlText(url))
    }
}

impl Read for AnyValue {
    fn read(node: &Node, place: &Place, reader: &mut Reader<'_>) -> Option<AnyValue> {
        let value = match &node.value {
            Value::Scalar(scalar) => match scalar.kind {
                Kind::Null => serde_json::Value::Null,
                Kind::Bool(value) => value.into(),
                Kind::Int(value) => value.into(),
                Kind::Float(value) => value.into(),
                Kind::Text => reader.leaf(node, place, "a value")?.text.into(),
            },
            Value::List(items) => {
                let items = items.iter().map(|item| AnyValue::read(item, place, reader).map(|value| value.0));
                serde_json::Value::Array(items.collect::<Option<_>>()?)
            }
            Value::Map(entries) => {
                let entries = entries.iter().map(|entry| Some((entry.key.clone(), AnyValue::read(&entry.value, place, reader)?.0)));
                serde_json::Value::Object(entries.collect::<Option<_>>()?)
            }
        };
        Some(AnyValue(value))
    }
}

fn text(node: &Node, place: &Place, reader: &mut Reader<'_>, expected: &str) -> Option<String> {
    let leaf = reader.leaf(node, place, expected)?;
    match leaf.kind {
        Kind::Text => Some(leaf.text),
        _ => mistaken(reader, place, expected, &leaf, "put the value in quotes"),
    }
}

fn mistaken<T>(reader: &mut Reader<'_>, place: &Place, expected: &str, leaf: &Leaf, hint: &str) -> Option<T> {
    let found = describe_leaf(leaf);
    reader.mistakes.error_with(place, format!("expected {expected}, found {found}"), hint);
    None
}

fn from_file(path: &str, place: &Place, reader: &mut Reader<'_>) -> Option<String> {
    let path = reader.absolute(path.trim());
    reader.files.push(path.clone());
    match secret_in(&path) {
        Ok(text) => Some(text.trim_end_matches(['\n', '\r']).to_owned()),
        Err(error) => reader.wrong(place, format!("the file `{}` cannot be read: {}", shown(&path), reason(&error))),
    }
}

fn secret_in(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    // Some files, such as devices, never end.
    fs::File::open(path)?.take(LARGEST_SECRET + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_SECRET {
        return Err(io::Error::other("it is larger than 1 MB, which no secret is"));
    }
    String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// A path for people.
pub fn shown(path: &Path) -> String {
    path.components().collect::<PathBuf>().display().to_string()
}

/// An input error in words that are the same on every system.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    }
}

macro_rules! leaf_schema {
    ($($leaf:ty: $schema:tt),* $(,)?) => { $(
        impl JsonSchema for $leaf {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($leaf).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )* };
}

leaf_schema! {
    DurationText: { "type": "string", "pattern": r"^([0-9.]+(ms|s|m|h|d))+$|^0$", "examples": ["30s"] },
    SizeText: { "anyOf": [{ "type": "string", "pattern": "^[0-9.]+ *([KMGTkmgt][Ii]?)?[Bb]?$" }, { "type": "integer", "minimum": 0 }] },
    SecretText: { "type": "string" },
    PathText: { "type": "string" },
    UrlText: { "type": "string" },
    StatusText: { "anyOf": [{ "type": "string", "pattern": "^[1-5][0-9xX]{2}$" }, { "type": "integer", "minimum": 100, "maximum": 599 }] },
    AnyValue: {},
}

impl<T: JsonSchema> JsonSchema for Setting<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for List<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("List_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<T>() })
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Table_of_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}
