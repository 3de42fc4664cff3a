//! The shallow head of a request: the model, whether it streams, and that it is a request at all.

use bytes::Bytes;

use crate::dialects::json::{JsonError, Object};
use crate::hub::Endpoint;

/// A JSON request whose head was read; the body stays as it came.
#[derive(Debug)]
pub struct Request {
    /// The body with the places of its members.
    pub object: Object,
    /// The name asked for, if one was.
    pub model: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the client itself asks for usage in the stream.
    pub include_usage: bool,
}

/// What is wrong with a request.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RequestError {
    /// The body is no JSON object.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A field has the wrong type.
    #[error("`{field}` must be {expected}")]
    WrongType {
        /// Which.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A required field is missing.
    #[error("`{field}` is missing: {hint}")]
    Missing {
        /// Which.
        field: &'static str,
        /// What to send.
        hint: &'static str,
    },
    /// A field that llmgw reads stands more than once: which one would count is anybody's guess.
    #[error("`{0}` stands more than once")]
    Duplicate(&'static str),
}

impl RequestError {
    /// The field at fault.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            RequestError::Json(_) => None,
            RequestError::WrongType { field, .. } | RequestError::Missing { field, .. } | RequestError::Duplicate(field) => Some(field),
        }
    }
}

impl Request {
    /// Reads the head of a body meant for `endpoint`. A missing model is not a mistake here: a default may be configured.
    pub fn read(endpoint: Endpoint, body: Bytes) -> Result<Request, RequestError> {
        let object = Object::read(body)?;
        for field in ["model", "stream", "stream_options"] {
            if object.is_duplicate(field) {
                return Err(RequestError::Duplicate(field));
            }
        }
        let model = match object.get("model") {
            None | Some(b"null") => None,
            Some(raw) => Some(parse::<String>(raw, "model", "a string")?),
        };
        let stream = match object.get("stream") {
            None | Some(b"null") => false,
            Some(raw) => parse::<bool>(raw, "stream", "true or false")?,
        };
        let include_usage = stream && includes_usage(&object)?;
        check_content(endpoint, &object)?;
        Ok(Request { object, model, stream, include_usage })
    }
}

fn includes_usage(object: &Object) -> Result<bool, RequestError> {
    let Some(raw) = object.get("stream_options").filter(|raw| *raw != b"null") else { return Ok(false) };
    let options = parse::<serde_json::Map<String, serde_json::Value>>(raw, "stream_options", "an object")?;
    Ok(options.get("include_usage").and_then(serde_json::Value::as_bool).unwrap_or(false))
}

/// Each endpoint's one required field beside the model.
fn check_content(endpoint: Endpoint, object: &Object) -> Result<(), RequestError> {
    let (field, hint) = match endpoint {
        Endpoint::ChatCompletions => ("messages", r#"send [{"role": "user", "content": "…"}]"#),
        Endpoint::Completions => ("prompt", "send a text"),
        Endpoint::Embeddings => ("input", "send a text or a list of texts"),
        _ => return Ok(()),
    };
    let Some(raw) = object.get(field) else { return Err(RequestError::Missing { field, hint }) };
    if endpoint == Endpoint::ChatCompletions && !raw.starts_with(b"[") {
        return Err(RequestError::WrongType { field, expected: "a list of messages" });
    }
    if endpoint == Endpoint::ChatCompletions && raw[1..raw.len() - 1].trim_ascii().is_empty() {
        return Err(RequestError::Missing { field, hint });
    }
    Ok(())
}

fn parse<'a, T: serde::Deserialize<'a>>(raw: &'a [u8], field: &'static str, expected: &'static str) -> Result<T, RequestError> {
    serde_json::from_slice(raw).map_err(|_| RequestError::WrongType { field, expected })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Request;
    use crate::hub::Endpoint;

    fn error(endpoint: Endpoint, body: &'static str) -> String {
        Request::read(endpoint, Bytes::from_static(body.as_bytes())).expect_err(body).to_string()
    }

    #[test]
    fn the_head_is_read() {
        let body = r#"{"stream":true,"stream_options":{"include_usage":true},"model":"gpt\u002d4","messages":[{}]}"#;
        let request = Request::read(Endpoint::ChatCompletions, Bytes::from(body)).expect("a request");
        assert_eq!((request.model.as_deref(), request.stream, request.include_usage), (Some("gpt-4"), true, true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let chat = Endpoint::ChatCompletions;
        assert_eq!(error(chat, r#"{"model":1}"#), "`model` must be a string");
        assert_eq!(error(chat, r#"{"stream":"yes"}"#), "`stream` must be true or false");
        assert_eq!(error(chat, r#"{"messages":"hi"}"#), "`messages` must be a list of messages");
        assert_eq!(error(chat, r#"{"messages":[ ]}"#), r#"`messages` is missing: send [{"role": "user", "content": "…"}]"#);
        assert_eq!(error(Endpoint::Embeddings, "{}"), "`input` is missing: send a text or a list of texts");
        assert_eq!(error(chat, r#"{"model":"a","model":"b"}"#), "`model` stands more than once");
        assert_eq!(error(chat, r#"{"stream":true,"stream_options":1,"messages":[1]}"#), "`stream_options` must be an object");
    }
}
