//! The shallow head of a request of any dialect: the model, whether it streams, and that it is a request at all.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem;
use regex::bytes::Regex;

use crate::dialects::json::{JsonError, Object};
use crate::hub::Endpoint;

/// Members by which a request goes on from something that one provider keeps.
const BOUND_FIELDS: [&str; 3] = ["previous_response_id", "conversation", "container"];

/// Members at any depth that hold a provider's own ids or what it has signed. Looked for in the bytes: within a text their
/// quotes would be escaped. One that is missed, or seen where it is something else, costs no more than a hedge.
#[expect(clippy::expect_used, reason = "the pattern is a constant and has a test")]
static BOUND_WITHIN: LazyLock<Regex> = LazyLock::new(|| {
    let names = "file_id|file_ids|vector_store_ids|cached_content|encrypted_content|thought_signature|signature|reasoning_details";
    Regex::new(&format!(r#""(?:{names})"\s*:|"audio"\s*:\s*\{{\s*"id"\s*:"#)).expect("a pattern")
});

/// Where bytes are embedded, one of these words stands.
const EMBEDDED: [&[u8]; 2] = [b"base64", b"input_audio"];

/// What has more letters and digits in a row is no text.
const LONGEST_WORD: usize = 512;

/// What was read of a JSON request; the body stays as it came.
#[derive(Debug)]
pub struct Head {
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
pub enum HeadError {
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

impl HeadError {
    /// The field at fault.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            HeadError::Json(_) => None,
            HeadError::WrongType { field, .. } | HeadError::Missing { field, .. } | HeadError::Duplicate(field) => Some(field),
        }
    }
}

impl Head {
    /// Reads the head of a body meant for `endpoint`. A missing model is not a mistake here: a default may be configured.
    pub fn read(endpoint: Endpoint, body: Bytes) -> Result<Head, HeadError> {
        let object = Object::read(body)?;
        for field in ["model", "stream", "stream_options"] {
            if object.is_duplicate(field) {
                return Err(HeadError::Duplicate(field));
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
        Ok(Head { object, model, stream, include_usage })
    }

    /// Whether it names what only the provider that made it knows: a conversation, a file, a signed thought.
    pub fn is_bound(&self) -> bool {
        let names = |field: &str| self.object.get(field).is_some_and(|raw| raw != b"null");
        BOUND_FIELDS.iter().copied().any(names) || BOUND_WITHIN.is_match(self.object.body())
    }

    /// About how many tokens its input has: one for four bytes, without what is embedded as base64, for nobody can tell from
    /// the size of an image or a sound how many it is.
    pub fn estimated_input(&self) -> u64 {
        let body = self.object.body();
        // Most requests hold none, and looking at every byte would cost more than all else that is done to them.
        if !EMBEDDED.iter().any(|word| memmem::find(body, word).is_some()) {
            return (body.len() as u64 + 1).div_ceil(4);
        }
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
        let runs = body.split(|byte| !is_base64(byte)).map(<[u8]>::len);
        let text: usize = runs.map(|run| 1 + if run < LONGEST_WORD { run } else { 0 }).sum();
        (text as u64).div_ceil(4)
    }
}

fn includes_usage(object: &Object) -> Result<bool, HeadError> {
    let Some(raw) = object.get("stream_options").filter(|raw| *raw != b"null") else { return Ok(false) };
    let options = parse::<serde_json::Map<String, serde_json::Value>>(raw, "stream_options", "an object")?;
    Ok(options.get("include_usage").and_then(serde_json::Value::as_bool).unwrap_or(false))
}

/// Each endpoint's one required field beside the model.
fn check_content(endpoint: Endpoint, object: &Object) -> Result<(), HeadError> {
    let (field, hint) = match endpoint {
        Endpoint::ChatCompletions | Endpoint::Messages | Endpoint::CountTokens => {
            ("messages", r#"send [{"role": "user", "content": "…"}]"#)
        }
        Endpoint::Responses => return Ok(()),
        Endpoint::Completions => ("prompt", "send a text"),
        Endpoint::Embeddings => ("input", "send a text or a list of texts"),
        _ => return Ok(()),
    };
    let Some(raw) = object.get(field) else { return Err(HeadError::Missing { field, hint }) };
    let is_conversation = field == "messages";
    if is_conversation && !raw.starts_with(b"[") {
        return Err(HeadError::WrongType { field, expected: "a list of messages" });
    }
    if is_conversation && raw[1..raw.len() - 1].trim_ascii().is_empty() {
        return Err(HeadError::Missing { field, hint });
    }
    Ok(())
}

fn parse<'a, T: serde::Deserialize<'a>>(raw: &'a [u8], field: &'static str, expected: &'static str) -> Result<T, HeadError> {
    serde_json::from_slice(raw).map_err(|_| HeadError::WrongType { field, expected })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::Head;
    use crate::hub::Endpoint;

    fn error(endpoint: Endpoint, body: &'static str) -> String {
        Head::read(endpoint, Bytes::from_static(body.as_bytes())).expect_err(body).to_string()
    }

    #[test]
    fn the_head_is_read() {
        let body = r#"{"stream":true,"stream_options":{"include_usage":true},"model":"gpt\u002d4","messages":[{}]}"#;
        let request = Head::read(Endpoint::ChatCompletions, Bytes::from(body)).expect("a request");
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

    fn chat(body: &str) -> Head {
        Head::read(Endpoint::ChatCompletions, Bytes::copy_from_slice(body.as_bytes())).expect("a request")
    }

    #[test]
    fn what_only_one_provider_knows_is_seen_at_any_depth() {
        for bound in [
            r#"{"messages":[1],"previous_response_id":"resp_1"}"#,
            r#"{"messages":[1],"container" : {"id":"c"}}"#,
            r#"{"messages":[{"content":[{"type":"file","file":{"file_id" : "file-1"}}]}]}"#,
            r#"{"messages":[{"role":"assistant","audio":{ "id":"audio_1"}}]}"#,
            r#"{"messages":[{"extra_content":{"google":{"thought_signature":"x"}}}]}"#,
        ] {
            assert!(chat(bound).is_bound(), "{bound}");
        }
        for free in [
            r#"{"messages":[{"content":"你好"}],"conversation":null,"audio":{"voice":"alloy"},"prompt_cache_key":"k"}"#,
            r#"{"messages":[{"content":"{\"file_id\":\"file-1\"}"}]}"#,
        ] {
            assert!(!chat(free).is_bound(), "{free}");
        }
    }

    #[test]
    fn an_input_is_estimated_without_its_images() {
        let text = r#"{"messages":[{"content":"How many roads must a man walk down?"}]}"#;
        assert_eq!(chat(text).estimated_input(), (text.len() as u64 + 1).div_ceil(4));
        let image = format!(r#"{{"messages":[{{"content":[{{"image_url":"data:image/png;base64,{}"}}]}}]}}"#, "QUJD".repeat(10_000));
        assert!(chat(&image).estimated_input() < 50);
    }
}
