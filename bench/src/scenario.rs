//! The loads, as data; and the requests they send.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::target::Base;

#[derive(Clone, Copy)]
pub struct Scenario {
    /// What `--only` takes.
    pub name: &'static str,
    pub title: &'static str,
    /// Which of the upstream's answers.
    pub model: &'static str,
    /// Bytes of the request's body.
    pub size: usize,
    /// The least number of events that a whole stream has; 0: no stream.
    pub events: u64,
    pub concurrency: &'static [usize],
    /// A stream that takes its time is asked for once a connection, the beginnings spread over this time.
    pub spread: Option<Duration>,
    /// In which the client asks.
    pub dialect: Dialect,
}

/// In which a client asks; the upstream speaks OpenAI's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    OpenAi,
    Anthropic,
}

pub const CHAT: &str = "chat-1k";
pub const RUSH: &str = "stream-rush";
pub const PACED: &str = "stream-paced";

pub const SCENARIOS: [Scenario; 6] = [
    Scenario {
        name: CHAT,
        title: "chat, 1 KB",
        model: "whole",
        size: 1000,
        events: 0,
        concurrency: &[1, 64, 512],
        spread: None,
        dialect: Dialect::OpenAi,
    },
    Scenario {
        name: "chat-100k",
        title: "chat, 100 KB request",
        model: "whole",
        size: 100_000,
        events: 0,
        concurrency: &[1, 64, 512],
        spread: None,
        dialect: Dialect::OpenAi,
    },
    Scenario {
        name: "stream-burst",
        title: "stream, 20 chunks at once",
        model: "burst20",
        size: 1000,
        events: 22,
        concurrency: &[1, 64, 512],
        spread: None,
        dialect: Dialect::OpenAi,
    },
    Scenario {
        name: RUSH,
        title: "stream, 1,000 chunks without a pause",
        model: "rush",
        size: 1000,
        events: 1002,
        concurrency: &[1, 16],
        spread: None,
        dialect: Dialect::OpenAi,
    },
    Scenario {
        name: PACED,
        title: "stream, 50 chunks at 20 ms",
        model: "paced",
        size: 1000,
        events: 52,
        concurrency: &[1, 100, 512],
        // One pause: the chunks of all streams together come evenly.
        spread: Some(Duration::from_millis(20)),
        dialect: Dialect::OpenAi,
    },
    Scenario {
        name: "embeddings",
        title: "embeddings, 1,536 numbers",
        model: "embedding",
        size: 1000,
        events: 0,
        concurrency: &[1, 64, 512],
        spread: None,
        dialect: Dialect::OpenAi,
    },
];

impl Scenario {
    pub fn is_stream(&self) -> bool {
        self.events > 0
    }

    pub fn request(&self, base: &Base) -> Result<Bytes> {
        if self.model == "embedding" {
            return Ok(post(base, "/embeddings", &embedding(self.model, self.size)?));
        }
        let body = chat(self.model, self.size, self.is_stream())?;
        match self.dialect {
            Dialect::OpenAi => Ok(post(base, "/chat/completions", &body)),
            Dialect::Anthropic => Ok(post(base, "/messages", &as_messages(&body)?)),
        }
    }

    /// The same, asked in another dialect.
    pub fn in_dialect(self, dialect: Dialect) -> Scenario {
        Scenario { dialect, ..self }
    }
}

/// A whole HTTP request, with the key that every target is given.
pub fn post(base: &Base, path: &str, body: &str) -> Bytes {
    head(base, "POST", path, base.key, Some(body))
}

pub fn head(base: &Base, method: &str, path: &str, key: &str, body: Option<&str>) -> Bytes {
    let (address, prefix) = (base.address, &base.path);
    let start = format!("{method} {prefix}{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n");
    let rest = "accept: application/json\r\nuser-agent: llmgw-bench\r\n";
    match body {
        None => format!("{start}{rest}\r\n").into(),
        Some(body) => {
            let length = body.len();
            format!("{start}{rest}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into()
        }
    }
}

/// A chat of exactly `size` bytes, if they are enough for its frame.
pub fn chat(model: &str, size: usize, stream: bool) -> Result<String> {
    let render = |messages: &[Value]| {
        let mut body = json!({ "model": model, "messages": messages, "temperature": 0.7, "max_tokens": 1024 });
        if stream {
            body["stream"] = json!(true);
            body["stream_options"] = json!({ "include_usage": true });
        }
        serde_json::to_string(&body)
    };
    let mut messages = vec![json!({ "role": "system", "content": "你是一个乐于助人的助手，请用中文简洁地回答。" })];
    let mut used = render(&messages)?.len();
    for role in ["user", "assistant"].iter().cycle() {
        let message = json!({ "role": role, "content": text(MESSAGE) });
        let length = message.to_string().len() + 1;
        // Leaves room for a last message.
        if used + length + 2 * MESSAGE > size {
            break;
        }
        used += length;
        messages.push(message);
    }
    messages.push(json!({ "role": "user", "content": "" }));
    let missing = size.saturating_sub(render(&messages)?.len());
    if let Some(last) = messages.last_mut() {
        last["content"] = json!(text(missing));
    }
    Ok(render(&messages)?)
}

/// OpenAI's chat as Anthropic's clients send it.
fn as_messages(chat: &str) -> Result<String> {
    let mut body: Value = serde_json::from_str(chat)?;
    if let Some(messages) = body["messages"].as_array_mut() {
        let system = messages.remove(0);
        body["system"] = system["content"].clone();
    }
    if let Some(members) = body.as_object_mut() {
        members.remove("stream_options");
    }
    Ok(serde_json::to_string(&body)?)
}

fn embedding(model: &str, size: usize) -> Result<String> {
    let render = |input: String| serde_json::to_string(&json!({ "model": model, "input": input, "encoding_format": "float" }));
    let frame = render(String::new())?.len();
    Ok(render(text(size.saturating_sub(frame)))?)
}

/// Bytes of a message in a long chat.
const MESSAGE: usize = 600;

/// Chinese text of exactly `size` bytes.
fn text(size: usize) -> String {
    const PASSAGE: &str = "请帮我解释一下量子纠缠的基本原理，并举一个日常生活中的例子。另外，上次我们讨论过的项目计划，能否整理成三点？";
    let mut text: String = PASSAGE.chars().cycle().take(size / '请'.len_utf8()).collect();
    text.extend(std::iter::repeat_n('x', size - text.len()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_size_it_was_asked_for() {
        for size in [1000, 100_000, 1_000_000] {
            let body = chat("whole", size, true).unwrap();
            assert_eq!(body.len(), size);
            assert!(serde_json::from_str::<Value>(&body).is_ok());
        }
        assert_eq!(embedding("embedding", 1000).unwrap().len(), 1000);
    }
}
