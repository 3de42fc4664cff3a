//! A complete reply: whether it is one, what it used, and what it says.

use bytes::Bytes;
use serde_json::Value;

use crate::dialects::Glance;
use crate::dialects::json::Object;
use crate::hub::{ApiError, Usage};

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
    let usage = value("usage").and_then(|raw| serde_json::from_slice(raw).ok()).and_then(|usage| read_usage(&usage));
    Some(Glance { error, usage })
}

/// Members that are looked at.
const MEMBERS: [&str; 4] = ["error", "base_resp", "choices", "usage"];

/// OpenRouter puts an error that came after the status into a choice.
fn is_suspicious(choices: &[u8]) -> bool {
    memchr::memmem::find(choices, b"\"error\"").is_some()
}

/// Reads a `usage` object; Anthropic-style members and xAI's separate reasoning are not OpenAI's and stand elsewhere.
pub fn read_usage(usage: &Value) -> Option<Usage> {
    let number = |name: &str| usage.get(name).and_then(Value::as_u64);
    let detail = |of: &str, name: &str| usage.get(of).and_then(|details| details.get(name)).and_then(Value::as_u64);
    let input = number("prompt_tokens").or_else(|| number("input_tokens")).or_else(|| number("total_tokens"))?;
    let cached = detail("prompt_tokens_details", "cached_tokens").or_else(|| number("prompt_cache_hit_tokens"));
    Some(Usage {
        input,
        cached: cached.unwrap_or(0),
        cache_write: detail("prompt_tokens_details", "cache_write_tokens").unwrap_or(0),
        output: number("completion_tokens").or_else(|| number("output_tokens")).unwrap_or(0),
        reasoning: detail("completion_tokens_details", "reasoning_tokens").unwrap_or(0),
    })
}

/// The text of a chat completion or legacy completion; empty where there is none.
pub fn text(body: &Value) -> &str {
    body.pointer("/choices/0/message/content").or_else(|| body.pointer("/choices/0/text")).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::glance;
    use crate::hub::Usage;

    #[test]
    fn usage_is_read_with_its_parts() {
        let body = br#"{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":4},
            "completion_tokens_details":{"reasoning_tokens":2}}}"#;
        let usage = glance(&Bytes::from_static(body)).expect("JSON").usage.expect("usage");
        assert_eq!(usage, Usage { input: 10, cached: 4, cache_write: 0, output: 5, reasoning: 2 });
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
