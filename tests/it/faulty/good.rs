//! What a healthy upstream answers, and the pieces of which faulty ones make theirs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Kind;
use crate::server::upstream::{Request, Step, chunk, events_head, reply};

/// What a faulty upstream says when it gets to it.
pub const FAULTY: &str = "坏了也要说完";

/// What a healthy one says.
pub const HEALTHY: &str = "我来回答";

/// What a faulty stream says in nine events before its error.
pub const NINE: &str = "一二三四五六七八九";

/// A healthy upstream's answer to `request`.
pub fn answer(request: &Request, words: &str) -> Vec<Step> {
    match Kind::of(request) {
        Kind::Stream => [events_head(), chunk(whole_stream(words).as_bytes()), last_chunk()].into(),
        _ => reply(200, &[("content-type", "application/json")], json_body(request, words).as_bytes()),
    }
}

/// The body of an answer that is not streamed.
pub fn json_body(request: &Request, words: &str) -> String {
    let usage = json!({ "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 });
    let body = match Kind::of(request) {
        Kind::Chat | Kind::Stream => json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": words } }], "usage": usage,
        }),
        Kind::Embeddings => json!({
            "object": "list", "model": words, "data": [{ "object": "embedding", "index": 0, "embedding": [0.25, -1.0] }],
            "usage": { "prompt_tokens": 3, "total_tokens": 3 },
        }),
        Kind::Multipart => json!({
            "text": words, "usage": { "type": "tokens", "input_tokens": 3, "output_tokens": 2, "total_tokens": 5 },
        }),
    };
    body.to_string()
}

/// The body of an answer to `request`, whatever it is, and its content type.
pub fn body(request: &Request, words: &str) -> (&'static str, String) {
    match Kind::of(request) {
        Kind::Stream => ("text/event-stream", whole_stream(words)),
        _ => ("application/json", json_body(request, words)),
    }
}

/// A stream from its role to its terminator.
pub fn whole_stream(words: &str) -> String {
    format!("{}{}{}{DONE}", event(&role()), said(words), closing())
}

/// An event with this data.
pub fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

pub const DONE: &str = "data: [DONE]\n\n";

/// The chunk without content that begins a stream.
pub fn role() -> Value {
    json!({ "object": "chat.completion.chunk", "choices": [{ "index": 0, "delta": { "role": "assistant", "content": "" }, "finish_reason": null }] })
}

/// A chunk that says `text`.
pub fn word(text: &str) -> Value {
    json!({ "object": "chat.completion.chunk", "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }] })
}

/// Events that say `words`, one a character.
pub fn said(words: &str) -> String {
    words.chars().map(|letter| event(&word(&letter.to_string()))).collect()
}

pub fn finish() -> String {
    event(&json!({ "object": "chat.completion.chunk", "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }))
}

/// The finish reason and the usage.
pub fn closing() -> String {
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 } });
    format!("{}{}", finish(), event(&usage))
}

/// Ends a chunked body.
pub fn last_chunk() -> Step {
    Step::Write(b"0\r\n\r\n".to_vec())
}

/// A stream of this text that ends as it should on the level of HTTP.
pub fn stream_of(text: impl AsRef<[u8]>) -> Vec<Step> {
    vec![events_head(), chunk(text.as_ref()), last_chunk()]
}

/// These bytes without end.
pub fn flood(bytes: Vec<u8>) -> Step {
    Step::Flood(bytes, Arc::default())
}
