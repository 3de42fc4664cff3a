//! What goes by untouched, as a gateway sees it: what commits an answer, what completes it, what it used.
//!
//! Before an answer is committed every chunk is read whole; afterwards only those whose bytes say that they hold
//! something of interest ([`is_of_interest`]).

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use serde_json::Value;

use super::stream::DONE;
use super::usage;
use crate::dialects::json::Object;
use crate::dialects::{Chunk, Glance};
use crate::hub::ApiError;

/// Reads the data of one frame.
pub fn chunk(data: &[u8]) -> Chunk {
    // SDKs stop at data that begins with the terminator, whatever follows.
    if data.starts_with(DONE) {
        return Chunk { done: true, valid: true, ..Chunk::default() };
    }
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return Chunk::default() };
    let choices = value.get("choices").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Chunk {
        done: false,
        valid: value.is_object(),
        content: choices.iter().any(has_content),
        finish: choices.iter().any(|choice| choice["finish_reason"].as_str().is_some_and(|reason| !reason.is_empty())),
        no_choices: choices.is_empty(),
        usage: usage::of(&value),
        error: ApiError::from_value(&value),
    }
}

fn has_content(choice: &Value) -> bool {
    let filled = |value: &Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    };
    const MEMBERS: [&str; 9] = [
        "content",
        "reasoning_content",
        "reasoning",
        "reasoning_text",
        "reasoning_details",
        "refusal",
        "audio",
        "tool_calls",
        "function_call",
    ];
    filled(&choice["text"]) || MEMBERS.iter().any(|member| filled(&choice["delta"][member]))
}

/// Whether a frame of a committed stream must be read at all: it is the terminator, or an unescaped member says usage,
/// error (MiniMax's `base_resp` too) or a finish reason that is not null. Looks at bytes only.
pub fn is_of_interest(frame: &[u8]) -> bool {
    frame.len() < 64 || OF_INTEREST.iter().any(|member| has_value(frame, member))
}

/// Members that may say something of interest, with their quotes. Made once: every event is searched for them.
static OF_INTEREST: LazyLock<[Finder<'static>; 4]> =
    LazyLock::new(|| ["\"usage\"", "\"finish_reason\"", "\"error\"", "\"base_resp\""].map(Finder::new));

/// Whether the member `name` stands in `text` with a value that is not null.
fn has_value(text: &[u8], name: &Finder<'_>) -> bool {
    name.find_iter(text).any(|at| {
        let rest = text[at + name.needle().len()..].trim_ascii_start();
        rest.strip_prefix(b":").is_some_and(|value| !value.trim_ascii_start().starts_with(b"null"))
    })
}

/// Reads a whole body in one pass without building a tree of it; `None`: it is not JSON. A list (some rerankers answer
/// with one) holds nothing of interest.
pub fn glance(body: &Bytes) -> Option<Glance> {
    if body.trim_ascii_start().starts_with(b"[") {
        return serde_json::from_slice::<serde::de::IgnoredAny>(body).ok().map(|_| Glance::default());
    }
    let object = Object::read_deep(body.clone()).ok()?;
    let value = |name: &str| object.get(name).filter(|raw| *raw != b"null");
    // Which of two would count is anybody's guess.
    if MEMBERS.iter().any(|name| object.is_duplicate(name)) {
        return None;
    }
    let has_error = value("error").is_some() || value("base_resp").is_some() || value("choices").is_some_and(is_suspicious);
    let error = if has_error { ApiError::read(body) } else { None };
    let usage = value("usage").and_then(usage::read);
    Some(Glance { error, usage })
}

/// Members that [`glance`] looks at.
const MEMBERS: [&str; 4] = ["error", "base_resp", "choices", "usage"];

/// OpenRouter puts an error that came after the status into a choice.
fn is_suspicious(choices: &[u8]) -> bool {
    memchr::memmem::find(choices, b"\"error\"").is_some()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{chunk, glance, is_of_interest};
    use crate::hub::Usage;

    #[test]
    fn only_content_commits() {
        for quiet in [
            r#"{"choices":[{"delta":{"role":"assistant","content":"","refusal":null}}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
            r#"{"choices":[],"prompt_filter_results":[{}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        ] {
            assert!(!chunk(quiet.as_bytes()).content, "{quiet}");
        }
        for loud in [
            r#"{"choices":[{"delta":{"content":"你"}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"hm"}}]}"#,
            r#"{"choices":[{"delta":{"content":null,"tool_calls":[{"index":0}]}}]}"#,
            r#"{"choices":[{"text":"a"}]}"#,
        ] {
            assert!(chunk(loud.as_bytes()).content, "{loud}");
        }
    }

    #[test]
    fn bytes_tell_what_is_worth_reading() {
        let padding = "x".repeat(80);
        let dull =
            format!(r#"{{"choices":[{{"delta":{{"content":"{padding} \"usage\":1 \"error\":{{"}},"finish_reason": null}}],"usage":null}}"#);
        assert!(!is_of_interest(dull.as_bytes()));
        for interesting in
            [r#""finish_reason":"stop""#, r#""usage" : {"prompt_tokens":1}"#, r#""error":{}"#, r#""base_resp":{"status_code":1002}"#]
        {
            assert!(is_of_interest(format!(r#"{{"x":"{padding}",{interesting}}}"#).as_bytes()), "{interesting}");
        }
        assert!(is_of_interest(b"data: [DONE]\n\n"));
    }

    #[test]
    fn usage_is_read_with_its_parts() {
        let body = br#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},
            "completion_tokens_details":{"reasoning_tokens":2}}}"#;
        let usage = glance(&Bytes::from_static(body)).expect("JSON").usage.expect("usage");
        assert_eq!(usage, Usage { input: 10, cached: 4, cache_write: 0, output: 5, reasoning: 2 });
        assert_eq!(chunk(body).usage, Some(usage));
    }

    #[test]
    fn an_error_in_a_success_is_seen() {
        for body in [r#"{"error":{"message":"m"}}"#, r#"{"choices":[{"error":{"code":502}}]}"#, r#"{"base_resp":{"status_code":1}}"#] {
            assert!(glance(&Bytes::from_static(body.as_bytes())).expect("JSON").error.is_some(), "{body}");
        }
        for body in [r#"{"choices":[{"message":{"content":"\"error\""}}]}"#, r#"{"error":null,"data":[]}"#] {
            assert!(glance(&Bytes::from_static(body.as_bytes())).expect("JSON").error.is_none(), "{body}");
        }
        assert!(glance(&Bytes::from_static(b"<html>")).is_none());
    }
}
