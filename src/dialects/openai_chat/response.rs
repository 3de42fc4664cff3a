//! A whole reply: read, and written.

mod encode;

pub use encode::encode;
pub(super) use encode::{Logprobs, answer_id};

use serde_json::Value;

use super::stream::Reader;
use crate::dialects::DialectError;
use crate::hub::{Answer, ApiError, Event};

/// Reads a reply. Without choices it is a failure, in whatever shape.
pub fn decode(body: &[u8]) -> Result<Answer, DialectError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| DialectError::Malformed(format!("a reply is no JSON: {error}")))?;
    let mut events = Vec::new();
    if !value["choices"].is_array() {
        let error = ApiError::read_failed(body).ok_or_else(|| DialectError::Malformed("a reply has no `choices`".to_owned()))?;
        return Ok(Answer::of([Event::Error(error)]));
    }
    let mut reader = Reader::default();
    reader.chunk(body, &value, &mut events);
    reader.end(&mut events);
    Ok(Answer::of(events))
}

/// The text of a chat completion or legacy completion; empty where there is none.
pub fn text(body: &Value) -> &str {
    body.pointer("/choices/0/message/content").or_else(|| body.pointer("/choices/0/text")).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests;
