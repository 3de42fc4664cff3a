//! What both ways to play a cell share: the configuration, the question, and all that was seen.

use http::HeaderMap;
use llmgw::config::Cooldown;
use llmgw::engine::{Engine, Status};
use llmgw::routing::{Failure, Millis};
use serde_json::json;

use super::Situation;
use super::log::Line;
use crate::faulty::{Fault, Kind};
use crate::server::UPSTREAM_KEY;
use crate::server::upstream::{Request, Step};

/// The name that is asked for.
pub const MODEL: &str = "gpt-4";

/// All that is known of one cell after it was played.
pub struct Seen {
    pub kind: Kind,
    pub situation: Situation,
    pub told: Told,
    /// All that `a`'s script writes, if it is asked.
    pub sent: Vec<u8>,
    pub lines: Vec<Line>,
    pub status: Status,
    /// Requests that reached `a`, without the one that warmed it up; `None` where none can be counted.
    pub at_a: Option<usize>,
    /// Requests that reached `b`.
    pub at_b: usize,
    /// `a` was asked once before.
    pub is_warm: bool,
    /// `a` turns requests away before it looks at them.
    pub turns_away: bool,
}

/// What the client was told.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The body did not come to its end.
    pub is_cut: bool,
}

impl Told {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// The configuration of a cell. `a` and `b` are settings of providers: `base_url` and what else they need.
pub fn config(situation: Situation, a: &str, b: &str, rest: &str) -> String {
    let second = if situation == Situation::Only { "" } else { ", { provider: b, model: m-b, priority: 2 }" };
    format!(
        "providers:\n  - {{ name: a, {a}, api_key: {UPSTREAM_KEY}, models: [m-a] }}\n  \
         - {{ name: b, {b}, api_key: {UPSTREAM_KEY}, models: [m-b], priority: 2 }}\n\
         models: {{ {MODEL}: {{ routes: [{{ provider: a, model: m-a }}{second}] }} }}\n{rest}"
    )
}

/// The path, the content type and the body of a request for `model`.
pub fn question(kind: Kind, model: &str) -> (&'static str, &'static str, String) {
    let messages = json!([{ "role": "user", "content": "你好" }]);
    let json = "application/json";
    match kind {
        Kind::Chat => ("/v1/chat/completions", json, json!({ "model": model, "messages": messages }).to_string()),
        Kind::Stream => ("/v1/chat/completions", json, json!({ "model": model, "messages": messages, "stream": true }).to_string()),
        Kind::Embeddings => ("/v1/embeddings", json, json!({ "model": model, "input": "你好" }).to_string()),
        Kind::Multipart => {
            let part = |head: &str, value: &str| format!("--x\r\ncontent-disposition: form-data; {head}\r\n\r\n{value}\r\n");
            let body = part("name=\"model\"", model) + &part("name=\"file\"; filename=\"a.wav\"", "RIFF") + "--x--\r\n";
            ("/v1/audio/transcriptions", "multipart/form-data; boundary=x", body)
        }
    }
}

/// All that `fault` writes when it is asked.
pub fn sent(fault: &Fault, kind: Kind) -> Vec<u8> {
    let (path, _, body) = question(kind, "m-a");
    let request = Request { target: path.to_owned(), body: body.into_bytes(), ..Request::default() };
    let written = fault.steps(&request).into_iter().filter_map(|step| if let Step::Write(bytes) = step { Some(bytes) } else { None });
    written.flatten().collect()
}

/// Sends both upstream models to rest, as three failures would; `a` first, so that it is nearer to its recovery.
pub fn cool(engine: &Engine) {
    let snapshot = engine.snapshot();
    let policy = snapshot.config.routing.cooldown;
    let times = policy.map_or(0, |Cooldown { failures, .. }| failures);
    for (provider, model, at) in [(0, "m-a", Millis(0)), (1, "m-b", Millis(1000))] {
        let candidate = snapshot.table.candidate(provider, model).expect("a provider");
        for _ in 0..times {
            candidate.claim(at, policy).expect("still closed").failed(&Failure::Attempt, true, at);
        }
    }
}
