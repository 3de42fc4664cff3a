//! A YAML or JSON file as a plain tree. Positions matter for syntax errors only: what is wrong in a file of another gateway
//! is told by its path.

use serde_json::{Map, Number, Value};

use super::ImportError;
use crate::config::spanned::{Kind, Node, Scalar, SyntaxError, Value as Spanned, parse};

/// Reads one document.
pub(super) fn read(text: &str) -> Result<Value, ImportError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let tree =
        parse(text).map_err(|SyntaxError { message, span }| ImportError::Syntax { line: span.line, column: span.column, message })?;
    // One gateway takes the first, another the last, a third neither: whoever wrote it must say.
    if let Some(duplicate) = tree.duplicates.first() {
        let message = format!("`{}` stands in line {} already; keep one of the two", duplicate.path, duplicate.first.line);
        return Err(ImportError::Syntax { line: duplicate.span.line, column: duplicate.span.column, message });
    }
    Ok(plain(&tree.root))
}

fn plain(node: &Node) -> Value {
    match &node.value {
        Spanned::Scalar(scalar) => leaf(scalar),
        Spanned::List(items) => Value::Array(items.iter().map(plain).collect()),
        Spanned::Map(entries) => Value::Object(entries.iter().map(|entry| (entry.key.clone(), plain(&entry.value))).collect::<Map<_, _>>()),
    }
}

fn leaf(scalar: &Scalar) -> Value {
    match scalar.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(value),
        Kind::Int(value) => Value::from(value),
        Kind::Float(value) => Number::from_f64(value).map_or_else(|| Value::from(scalar.text.as_str()), Value::Number),
        Kind::Text => Value::from(scalar.text.as_str()),
    }
}
