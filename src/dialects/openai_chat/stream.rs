//! A stream's chunks: what commits an answer, what completes it, what it used.
//!
//! Before an answer is committed every chunk is read whole; afterwards only those whose bytes say that they hold
//! something of interest ([`is_of_interest`]).

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::Value;

use super::response::read_usage;
use crate::dialects::Chunk;
use crate::hub::{ApiError, Event, FinishReason, Usage};

/// The terminator's data.
pub const DONE: &[u8] = b"[DONE]";

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
        usage: usage_of(&value),
        error: ApiError::from_value(&value),
    }
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

/// Standard place, then Moonshot's, then Groq's.
fn usage_of(chunk: &Value) -> Option<Usage> {
    ["/usage", "/choices/0/usage", "/x_groq/usage"].iter().filter_map(|place| chunk.pointer(place)).find_map(read_usage)
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

/// What a chunk says, as events: for those who show an answer rather than pass it on.
pub fn events(data: &[u8]) -> Vec<Event> {
    let Ok(chunk) = serde_json::from_slice::<Value>(data) else { return Vec::new() };
    let mut events = Vec::new();
    if let Some(error) = ApiError::from_value(&chunk) {
        events.push(Event::Error(error));
    }
    // Only the first answer: several (`n`) cannot be shown one after the other as they come.
    if let Some(choice) = chunk.pointer("/choices/0").filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
        choice_events(choice, &mut events);
    }
    events.extend(usage_of(&chunk).map(Event::Usage));
    events
}

fn choice_events(choice: &Value, events: &mut Vec<Event>) {
    let delta = &choice["delta"];
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let reasoning = ["reasoning_content", "reasoning", "reasoning_text"].iter().find_map(|member| text(&delta[member]));
    events.extend(reasoning.map(Event::Reasoning));
    events.extend(text(&delta["content"]).or_else(|| text(&choice["text"])).map(Event::Text));
    events.extend(text(&delta["refusal"]).map(Event::Refusal));
    for (position, call) in delta["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let index = call["index"].as_u64().unwrap_or(position as u64) as u32;
        if let Some(name) = text(&call["function"]["name"]) {
            events.push(Event::ToolCall { index, id: text(&call["id"]).unwrap_or_default(), name, is_custom: false, signature: None });
        }
        events.extend(text(&call["function"]["arguments"]).map(|text| Event::ToolArguments { index, text }));
    }
    events.extend(text(&choice["finish_reason"]).map(|reason| Event::Finish(FinishReason::from_openai(&reason))));
}

#[cfg(test)]
mod tests {
    use super::{chunk, events, is_of_interest};
    use crate::hub::{ApiError, Event, FinishReason, Usage};

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
    fn usage_is_found_where_vendors_put_it() {
        let usage = Usage { input: 3, output: 4, ..Usage::default() };
        for place in [r#""usage":U"#, r#""choices":[{"usage":U}]"#, r#""x_groq":{"usage":U}"#] {
            let text = format!("{{{}}}", place.replace('U', r#"{"prompt_tokens":3,"completion_tokens":4}"#));
            assert_eq!(chunk(text.as_bytes()).usage, Some(usage), "{text}");
        }
    }

    #[test]
    fn a_chunk_becomes_events() {
        let chunk = r#"{"choices":[{"delta":{"content":"好","tool_calls":[{"index":1,"id":"c","function":{"name":"f","arguments":"{"}}]},"finish_reason":"length"}]}"#;
        let expected = vec![
            Event::Text("好".to_owned()),
            Event::ToolCall { index: 1, id: "c".to_owned(), name: "f".to_owned(), is_custom: false, signature: None },
            Event::ToolArguments { index: 1, text: "{".to_owned() },
            Event::Finish(FinishReason::Length),
        ];
        assert_eq!(events(chunk.as_bytes()), expected);
        assert_eq!(
            events(br#"{"error":{"message":"overloaded"}}"#),
            [Event::Error(ApiError { message: "overloaded".to_owned(), ..ApiError::default() })]
        );
    }
}
