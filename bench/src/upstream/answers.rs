//! What the upstream answers, built once: whole HTTP responses, heads included.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

/// The names are at once models, path prefixes and, in the scenarios, what is asked for.
pub const MODELS: [&str; 6] = ["whole", "embedding", "burst20", "rush", "paced", "held"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Whole,
    Embedding,
    Burst,
    Rush,
    Paced,
    Held,
    Models,
    NotFound,
}

impl Kind {
    pub fn from_name(name: &[u8]) -> Option<Self> {
        match name {
            b"whole" => Some(Self::Whole),
            b"embedding" => Some(Self::Embedding),
            b"burst20" => Some(Self::Burst),
            b"rush" => Some(Self::Rush),
            b"paced" => Some(Self::Paced),
            b"held" => Some(Self::Held),
            _ => None,
        }
    }
}

pub enum Answer {
    Once(Vec<u8>),
    /// `chunk` is written `count` times, a write each, with `pause` between two of them.
    Each {
        head: Vec<u8>,
        chunk: Vec<u8>,
        count: u32,
        pause: Duration,
        tail: Vec<u8>,
    },
    /// Written; then nothing, until the client leaves.
    Held(Vec<u8>),
}

pub struct Answers {
    whole: Answer,
    embedding: Answer,
    burst: Answer,
    rush: Answer,
    paced: Answer,
    held: Answer,
    models: Answer,
    not_found: Answer,
}

impl Answers {
    pub fn new() -> Result<Self> {
        let chunk = http_chunk(&event(&chat_chunk()));
        let tail = [http_chunk(&event(&usage_chunk())), http_chunk("data: [DONE]\n\n"), b"0\r\n\r\n".to_vec()].concat();
        let head = STREAM_HEAD.as_bytes().to_vec();
        let each = |count, pause| Answer::Each { head: head.clone(), chunk: chunk.clone(), count, pause, tail: tail.clone() };
        Ok(Self {
            whole: once("200 OK", &whole())?,
            embedding: once("200 OK", &embedding())?,
            burst: Answer::Once([head.clone(), chunk.repeat(20), tail.clone()].concat()),
            rush: each(1000, Duration::ZERO),
            paced: each(50, Duration::from_millis(20)),
            held: Answer::Held([head.clone(), chunk.clone()].concat()),
            models: once("200 OK", &json!({ "object": "list", "data": MODELS.map(|id| json!({ "id": id, "object": "model" })) }))?,
            not_found: once("404 Not Found", &json!({ "error": { "message": "no such answer", "type": "invalid_request_error" } }))?,
        })
    }

    pub fn of(&self, kind: Kind) -> &Answer {
        match kind {
            Kind::Whole => &self.whole,
            Kind::Embedding => &self.embedding,
            Kind::Burst => &self.burst,
            Kind::Rush => &self.rush,
            Kind::Paced => &self.paced,
            Kind::Held => &self.held,
            Kind::Models => &self.models,
            Kind::NotFound => &self.not_found,
        }
    }
}

const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n\
    x-request-id: req_1\r\ntransfer-encoding: chunked\r\n\r\n";

fn once(status: &str, body: &Value) -> Result<Answer> {
    let body = serde_json::to_string(body)?;
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-request-id: req_1\r\ncontent-length: {length}\r\n\r\n{body}");
    Ok(Answer::Once(head.into_bytes()))
}

fn http_chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

fn whole() -> Value {
    json!({
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT", "object": "chat.completion", "created": 1_741_569_952, "model": "whole",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "你好！我是一个语言模型。".repeat(15), "refusal": null,
            "annotations": [] }, "logprobs": null, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 190, "completion_tokens": 100, "total_tokens": 290,
            "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 }, "completion_tokens_details": { "reasoning_tokens": 0 } },
        "service_tier": "default",
    })
}

fn embedding() -> Value {
    let vector: Vec<f64> = (0..1536_i32).map(|i| f64::from((i * 7919) % 2003 - 1001) / 98_765.4).collect();
    json!({
        "object": "list", "data": [{ "object": "embedding", "index": 0, "embedding": vector }], "model": "embedding",
        "usage": { "prompt_tokens": 190, "total_tokens": 190 },
    })
}

fn chat_chunk() -> Value {
    json!({
        "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG", "object": "chat.completion.chunk", "created": 1_741_570_283, "model": "stream",
        "choices": [{ "index": 0, "delta": { "content": "你好" }, "logprobs": null, "finish_reason": null }], "usage": null,
    })
}

fn usage_chunk() -> Value {
    json!({
        "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG", "object": "chat.completion.chunk", "created": 1_741_570_283, "model": "stream",
        "choices": [], "usage": { "prompt_tokens": 190, "completion_tokens": 100, "total_tokens": 290 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sizes_are_those_of_real_answers() {
        assert!((900..1300).contains(&whole().to_string().len()), "{}", whole().to_string().len());
        assert!((180..280).contains(&chat_chunk().to_string().len()), "{}", chat_chunk().to_string().len());
    }
}
