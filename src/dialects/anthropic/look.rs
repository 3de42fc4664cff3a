//! What goes by untouched, as a gateway sees it: what commits an answer, what ends it, what it used.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error;
use super::response::Counts;
use crate::dialects::json::Object;
use crate::dialects::{Chunk, Glance};
use crate::hub::{ApiError, Usage};

/// Reads the data of one frame. Counts of the stream's end may leave out the input, which its beginning told.
pub fn chunk(data: &[u8]) -> Chunk {
    let Ok(event) = serde_json::from_slice::<Value>(data) else { return Chunk::default() };
    let kind = event["type"].as_str();
    let error = event.get("error").filter(|error| !error.is_null()).map(error_of);
    Chunk {
        done: kind == Some("message_stop"),
        valid: kind.is_some() || error.is_some(),
        content: has_content(kind, &event),
        finish: kind == Some("message_delta") && event["delta"]["stop_reason"].is_string(),
        no_choices: false,
        usage: usage_of(&event["usage"]).or_else(|| usage_of(&event["message"]["usage"])),
        error,
    }
}

fn usage_of(usage: &Value) -> Option<Usage> {
    Counts::read(usage).map(|counts| counts.usage())
}

fn error_of(error: &Value) -> ApiError {
    let raw: Option<Box<RawValue>> = serde_json::value::to_raw_value(error).ok();
    raw.map_or_else(ApiError::default, |raw| error::read(raw.get()))
}

/// Text, reasoning and calls commit an answer; so do tools that Anthropic runs itself, for they cost and have effects.
fn has_content(kind: Option<&str>, event: &Value) -> bool {
    let is_filled = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    match kind {
        Some("content_block_start") => {
            let block = &event["content_block"];
            match block["type"].as_str() {
                Some("text") => is_filled(&block["text"]),
                Some("thinking") => is_filled(&block["thinking"]),
                other => other.is_some(),
            }
        }
        Some("content_block_delta") => {
            let delta = &event["delta"];
            ["text", "thinking", "partial_json", "signature"].iter().any(|member| is_filled(&delta[member]))
                || delta["citation"].is_object()
        }
        _ => false,
    }
}

/// What most frames begin with, and which is never of interest.
const CONTENT: [&[u8]; 2] = [b"event: content_block_", b"event:content_block_"];

/// Words of what ends, fails or counts, with their quotes: within a text these would be escaped. Made once: every event is
/// searched for them.
static OF_INTEREST: LazyLock<[Finder<'static>; 5]> =
    LazyLock::new(|| ["\"message_start\"", "\"message_delta\"", "\"message_stop\"", "\"usage\"", "\"error\""].map(Finder::new));

/// Whether a frame of a committed stream must be read at all. Looks at bytes only.
pub fn is_of_interest(frame: &[u8]) -> bool {
    !CONTENT.iter().any(|begin| frame.starts_with(begin)) && OF_INTEREST.iter().any(|word| word.find(frame).is_some())
}

/// Reads a whole body in one pass without building a tree of it; `None`: it is no JSON object.
pub fn glance(body: &Bytes) -> Option<Glance> {
    let object = Object::read_deep(body.clone()).ok()?;
    // Which of two would count is anybody's guess.
    if ["error", "usage"].iter().any(|name| object.is_duplicate(name)) {
        return None;
    }
    let value = |name: &str| object.get(name).filter(|raw| *raw != b"null");
    let error = value("error").and_then(|raw| serde_json::from_slice::<&RawValue>(raw).ok()).map(|raw| error::read(raw.get()));
    let usage = value("usage").and_then(|raw| serde_json::from_slice(raw).ok()).and_then(|usage| usage_of(&usage));
    Some(Glance { error, usage })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{chunk, glance, is_of_interest};
    use crate::hub::{ApiError, Usage};

    fn named(data: &str) -> String {
        let kind = data.split('"').nth(3).expect("a type");
        format!("event: {kind}\ndata: {data}\n\n")
    }

    #[test]
    fn only_content_commits() {
        for quiet in [
            r#"{"type":"message_start","message":{"id":"msg_1","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""}}"#,
            r#"{"type":"ping"}"#,
            r#"{"type":"message_stop"}"#,
        ] {
            assert!(!chunk(quiet.as_bytes()).content && chunk(quiet.as_bytes()).valid, "{quiet}");
        }
        for loud in [
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"redacted_thinking","data":"x"}}"#,
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"t"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"你"}}"#,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"x"}}"#,
        ] {
            assert!(chunk(loud.as_bytes()).content, "{loud}");
            assert!(!is_of_interest(named(loud).as_bytes()), "{loud}");
        }
        assert!(!chunk(b"<html>").valid && !chunk(b"[DONE]").valid && !chunk(b"{}").valid);
    }

    #[test]
    fn what_ends_counts_or_fails_is_seen_by_its_bytes() {
        let start = r#"{"type":"message_start","message":{"usage":{"input_tokens":9,"cache_read_input_tokens":1,"output_tokens":1}}}"#;
        let end = r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}"#;
        let failed = r#"{"type":"error","error":{"type":"overloaded_error","message":"过载"}}"#;
        assert_eq!(chunk(start.as_bytes()).usage, Some(Usage { input: 10, cached: 1, output: 1, ..Usage::default() }));
        assert!(chunk(end.as_bytes()).finish && chunk(br#"{"type":"message_stop"}"#).done);
        let error = ApiError { message: "过载".to_owned(), kind: "overloaded_error".to_owned(), code: String::new() };
        assert_eq!(chunk(failed.as_bytes()).error, Some(error));
        for frame in [start, end, failed, r#"{"type":"message_stop"}"#] {
            assert!(is_of_interest(named(frame).as_bytes()), "{frame}");
            assert!(is_of_interest(format!("data: {frame}\n\n").as_bytes()), "{frame}");
        }
        let quoted =
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\"error\" \"usage\" \"message_stop\""}}"#;
        assert!(!is_of_interest(format!("data: {quoted}\n\n").as_bytes()));
    }

    #[test]
    fn a_whole_reply_is_glanced_at() {
        let body = r#"{"type":"message","content":[{"type":"text","text":"\"error\""}],"usage":{"input_tokens":3,"output_tokens":4}}"#;
        let seen = glance(&Bytes::from_static(body.as_bytes())).expect("JSON");
        assert_eq!((seen.error, seen.usage), (None, Some(Usage { input: 3, output: 4, ..Usage::default() })));
        let failed = glance(&Bytes::from_static(br#"{"type":"error","error":{"type":"api_error","message":"m"}}"#)).expect("JSON");
        assert_eq!(failed.error.expect("an error").kind, "api_error");
        assert!(glance(&Bytes::from_static(b"<html>")).is_none());
        assert!(glance(&Bytes::from_static(br#"{"usage":1,"usage":2}"#)).is_none());
    }
}
