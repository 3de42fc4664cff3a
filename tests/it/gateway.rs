//! A started engine over in-memory upstreams that record what they are sent: the one helper that touches the API.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use llmgw::config::env::Env;
use llmgw::config::load::{Overrides, load_text};
use llmgw::engine::{Engine, Error, Job, Reply};
use llmgw::hub::Endpoint;
use llmgw::transport::memory::{Memory, Step, paced};
use llmgw::transport::{Transport, TransportError, UpstreamBody};
use serde_json::{Value, json};

/// What an upstream does with one request.
pub type Behaviour = Arc<dyn Fn(&Request<Bytes>, usize) -> Answer + Send + Sync>;

/// One answer of an upstream.
pub enum Answer {
    /// Status, headers and what the body does, after this long.
    Reply(Duration, StatusCode, Vec<(&'static str, String)>, Vec<Step>),
    /// No answer: the connection fails.
    Fail(TransportError),
    /// No answer, ever.
    Hang,
}

/// Requests that an upstream received, in order.
pub type Received = Arc<Mutex<Vec<Request<Bytes>>>>;

/// How many answers of an upstream were given up before their end: their request was dropped, or their body.
type GivenUp = Arc<AtomicUsize>;

/// Counts an answer that is dropped before it has ended.
struct UnderWay {
    given_up: GivenUp,
    has_ended: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.given_up.fetch_add(usize::from(!self.has_ended), Ordering::Relaxed);
    }
}

/// What is known of one upstream.
#[derive(Clone, Default)]
struct Record {
    received: Received,
    given_up: GivenUp,
}

/// A gateway in the making.
pub struct Builder {
    config: String,
    behaviours: HashMap<String, Behaviour>,
}

/// A started engine and its upstreams' records.
pub struct Gateway {
    pub engine: Engine,
    records: HashMap<String, Record>,
    config: Arc<Mutex<String>>,
}

impl Builder {
    /// What the upstream of the provider `name` does.
    pub fn upstream(mut self, name: &str, behaviour: Behaviour) -> Builder {
        self.behaviours.insert(name.to_owned(), behaviour);
        self
    }

    pub fn start(self) -> Gateway {
        let records: HashMap<String, Record> = self.behaviours.keys().map(|name| (name.clone(), Record::default())).collect();
        let (behaviours, kept) = (self.behaviours, records.clone());
        let transport_for = Arc::new(move |provider: &llmgw::config::Provider| {
            let behaviour = behaviours.get(&*provider.name)?.clone();
            let record = kept[&*provider.name].clone();
            Some(Arc::new(Memory::new(move |request| answer(behaviour.clone(), record.clone(), request).boxed())) as Arc<dyn Transport>)
        });
        let config = Arc::new(Mutex::new(self.config));
        let text = config.clone();
        let load = Box::new(move || load(&text.lock().expect("no panic")));
        let first = load().unwrap_or_else(|errors| panic!("{}", errors.join("\n")));
        let engine = Engine::start_with_transports(first, load, transport_for).expect("a usable configuration");
        Gateway { engine, records, config }
    }
}

fn load(text: &str) -> Result<llmgw::config::Config, Vec<String>> {
    let env = Env::for_tests(&[], "/");
    let loaded = load_text("llmgw.yaml", text, Path::new("/"), &env, &Overrides::default());
    loaded.map(|loaded| loaded.config).map_err(|diagnostics| diagnostics.iter().map(ToString::to_string).collect())
}

async fn answer(behaviour: Behaviour, record: Record, request: Request<Bytes>) -> Result<Response<UpstreamBody>, TransportError> {
    let count = record.received.lock().expect("no panic").len();
    let answer = behaviour(&request, count);
    record.received.lock().expect("no panic").push(request);
    let mut under_way = UnderWay { given_up: record.given_up, has_ended: false };
    match answer {
        Answer::Hang => std::future::pending().await,
        Answer::Fail(error) => {
            under_way.has_ended = true;
            Err(error)
        }
        Answer::Reply(after, status, headers, steps) => {
            tokio::time::sleep(after).await;
            let mut response = Response::new(watched(paced(steps), under_way));
            *response.status_mut() = status;
            for (name, value) in headers {
                response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(&value).expect("a header"));
            }
            Ok(response)
        }
    }
}

fn watched(body: UpstreamBody, under_way: UnderWay) -> UpstreamBody {
    let frames = futures_util::stream::unfold((body, under_way), async |(mut body, mut under_way)| {
        let frame = body.frame().await;
        under_way.has_ended = !matches!(frame, Some(Ok(_)));
        Some((frame?, (body, under_way)))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Gateway {
    /// With this configuration; `server` and the like may be left out.
    pub fn with(config: &str) -> Builder {
        Builder { config: config.to_owned(), behaviours: HashMap::new() }
    }

    /// Replaces the configuration and reloads.
    pub fn reload(&self, config: &str) -> Result<llmgw::engine::Reloaded, Vec<String>> {
        *self.config.lock().expect("no panic") = config.to_owned();
        self.engine.reload(false)
    }

    /// What the upstream of the provider `name` received.
    pub fn received(&self, name: &str) -> usize {
        self.records[name].received.lock().expect("no panic").len()
    }

    /// Body of the last request that the upstream received, as text.
    pub fn last_body(&self, name: &str) -> String {
        let received = self.records[name].received.lock().expect("no panic");
        String::from_utf8(received.last().expect("a request").body().to_vec()).expect("UTF-8")
    }

    /// Headers of the last request that the upstream received.
    pub fn last_headers(&self, name: &str) -> HeaderMap {
        self.records[name].received.lock().expect("no panic").last().expect("a request").headers().clone()
    }

    /// How many of its answers were given up before their end.
    pub fn given_up(&self, name: &str) -> usize {
        self.records[name].given_up.load(Ordering::Relaxed)
    }

    /// Requests in flight at all upstreams.
    pub fn in_flight(&self) -> u32 {
        self.engine.status().providers.iter().map(|provider| provider.in_flight).sum()
    }

    pub fn job(&self, body: &Value) -> Job {
        self.engine.job(Endpoint::ChatCompletions, body.to_string())
    }

    /// Asks `model`, not streamed.
    pub async fn ask(&self, model: &str) -> Result<Reply, Error> {
        self.engine.chat(self.job(&question(model))).await
    }

    /// Asks `model` for a stream.
    pub async fn stream(&self, model: &str) -> Result<Reply, Error> {
        let mut body = question(model);
        body["stream"] = Value::Bool(true);
        self.engine.chat(self.job(&body)).await
    }
}

/// 你好, asked of `model`.
pub fn question(model: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": "你好" }] })
}

/// The whole body of a reply; `Err`: it was cut.
pub async fn text(reply: Reply) -> Result<String, String> {
    let body = reply.body.collect().await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(body.to_bytes().to_vec()).expect("UTF-8"))
}

/// The text that a stream of chunks says, to its end.
pub fn said(stream: &str) -> String {
    let data = stream.split("\n\n").filter_map(|frame| frame.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    let chunks = data.map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
    chunks.filter_map(|chunk| chunk.pointer("/choices/0/delta/content").and_then(Value::as_str).map(str::to_owned)).collect()
}

/// A complete answer that says `words`.
pub fn says(words: &'static str) -> Behaviour {
    Arc::new(move |request, _| {
        let asked: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        if asked["stream"] == Value::Bool(true) {
            let frames = words.chars().map(|word| content(&word.to_string())).chain([finish("stop"), done()]);
            return events(frames.collect());
        }
        let body = json!({
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked["model"],
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": words } }],
            "usage": { "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5 },
        });
        json_reply(200, &body)
    })
}

/// Always this status, with an error that says so.
pub fn status(code: u16) -> Behaviour {
    Arc::new(move |_, _| json_reply(code, &json!({ "error": { "message": format!("upstream says {code}"), "code": null } })))
}

/// First `first`, then as the last of `rest` says, one behaviour a request.
pub fn in_turn(behaviours: Vec<Behaviour>) -> Behaviour {
    Arc::new(move |request, count| behaviours[count.min(behaviours.len() - 1)](request, count))
}

/// Always this stream.
pub fn streams(frames: Vec<Step>) -> Behaviour {
    let frames = Mutex::new(Some(frames));
    Arc::new(move |_, _| events(frames.lock().expect("no panic").take().expect("asked once")))
}

pub fn hangs() -> Behaviour {
    Arc::new(|_, _| Answer::Hang)
}

pub fn refuses() -> Behaviour {
    Arc::new(|_, _| Answer::Fail(TransportError::Connect("connection refused".to_owned())))
}

pub fn json_reply(code: u16, body: &Value) -> Answer {
    with_headers(code, vec![], body)
}

pub fn with_headers(code: u16, mut headers: Vec<(&'static str, String)>, body: &Value) -> Answer {
    headers.push(("content-type", "application/json".to_owned()));
    let body = vec![Step::Send(Bytes::from(body.to_string()))];
    Answer::Reply(Duration::ZERO, StatusCode::from_u16(code).expect("a status"), headers, body)
}

pub fn events(frames: Vec<Step>) -> Answer {
    Answer::Reply(Duration::ZERO, StatusCode::OK, vec![("content-type", "text/event-stream".to_owned())], frames)
}

pub fn frame(data: &str) -> Step {
    Step::Send(Bytes::from(format!("data: {data}\n\n")))
}

pub fn content(text: &str) -> Step {
    frame(
        &json!({ "object": "chat.completion.chunk", "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }] })
            .to_string(),
    )
}

pub fn role() -> Step {
    frame(r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#)
}

pub fn finish(reason: &str) -> Step {
    frame(&json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }).to_string())
}

pub fn usage() -> Step {
    frame(r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#)
}

pub fn done() -> Step {
    frame("[DONE]")
}

/// Two providers, `a` before `b`, both behind the name `gpt-4`.
pub const TWO_ROUTES: &str = r#"
providers:
  - { name: a, base_url: "http://a.test/v1", api_key: sk-aaaaaaaaaaaaaaaaaaaa, models: [m-a] }
  - { name: b, base_url: "http://b.test/v1", api_key: sk-bbbbbbbbbbbbbbbbbbbb, models: [m-b], priority: 2 }
models:
  gpt-4:
    routes:
      - { provider: a, model: m-a, priority: 1 }
      - { provider: b, model: m-b, priority: 2 }
"#;
