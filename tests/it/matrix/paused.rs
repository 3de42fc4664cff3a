//! Plays a cell in memory under a paused clock, with the default limits of time: the same scripts, but the connection is
//! a pair of buffers, and the client is the engine's caller.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use llmgw::config::env::Env;
use llmgw::config::load::{Overrides, load_text};
use llmgw::engine::{Engine, Error, Job, Reply};
use llmgw::hub::Endpoint;
use llmgw::transport::{Payload, Transport, TransportError, UpstreamBody, cause, decode};
use serde_json::json;

use super::Situation;
use super::log::Log;
use super::play::{MODEL, Seen, Told, config, cool, question, sent};
use crate::faulty::good::{HEALTHY, answer};
use crate::faulty::{Fault, Kind};
use crate::server::upstream::{Behaviour, Upstream};

pub async fn play(fault: &Fault, kind: Kind, situation: Situation, log: &Log) -> Seen {
    let played = fault.clone();
    let a = Arc::new(InMemory { behaviour: Arc::new(move |request| played.steps(request)), requests: Arc::default() });
    let b = Arc::new(InMemory { behaviour: Arc::new(|request| answer(request, HEALTHY)), requests: Arc::default() });
    let engine = start(&config(situation, "base_url: \"http://a.test/v1\"", "base_url: \"http://b.test/v1\"", ""), &a, &b);
    if situation == Situation::Cooling {
        cool(&engine);
    }
    log.forget();
    let (path, content_type, body) = question(kind, MODEL);
    let endpoint = Endpoint::ALL.into_iter().find(|endpoint| path.ends_with(endpoint.path())).expect("an endpoint");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
    let told = match engine.chat(Job { headers, ..engine.job(endpoint, body) }).await {
        Ok(reply) => of_reply(reply).await,
        Err(error) => of_error(&error),
    };
    let lines = log.of_request().await;
    let count = |upstream: &InMemory| upstream.requests.load(Ordering::SeqCst);
    let (status, sent) = (engine.status(), sent(fault, kind));
    Seen { kind, situation, told, sent, lines, status, at_a: Some(count(&a)), at_b: count(&b), is_warm: false, turns_away: false }
}

fn start(config: &str, a: &Arc<InMemory>, b: &Arc<InMemory>) -> Engine {
    let loaded = load_text("llmgw.yaml", config, Path::new("/"), &Env::for_tests(&[], "/"), &Overrides::default());
    let config = loaded.unwrap_or_else(|errors| panic!("{errors:?}")).config;
    let (a, b) = (a.clone(), b.clone());
    let transport_for = move |provider: &llmgw::config::Provider| {
        let transport: Arc<dyn Transport> = if &*provider.name == "a" { a.clone() } else { b.clone() };
        Some(transport)
    };
    let load = Box::new(|| Err(vec!["reloaded by nobody".to_owned()]));
    Engine::start_with_transports(config, load, Arc::new(transport_for)).expect("a usable configuration")
}

async fn of_reply(reply: Reply) -> Told {
    let mut headers = reply.headers;
    let attempts = HeaderValue::from(reply.trace.attempts);
    headers.extend([("x-llmgw-provider", reply.trace.provider.parse().expect("a name")), ("x-llmgw-attempts", attempts)].map(named));
    let (mut body, mut read, mut is_cut) = (reply.body, Vec::new(), false);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => read.extend(frame.into_data().unwrap_or_default()),
            Err(_) => is_cut = true,
        }
    }
    Told { status: reply.status.as_u16(), headers, body: read, is_cut }
}

/// As the server would word it.
fn of_error(error: &Error) -> Told {
    let body = json!({ "error": { "message": error.to_string(), "type": "", "param": error.param(), "code": error.code() } });
    let mut headers = HeaderMap::from_iter([named(("x-llmgw-attempts", HeaderValue::from(error.attempts().len())))]);
    if error.should_retry() == Some(false) {
        headers.extend([named(("x-should-retry", HeaderValue::from_static("false")))]);
    }
    Told { status: error.status().as_u16(), headers, body: body.to_string().into_bytes(), is_cut: false }
}

fn named((name, value): (&'static str, HeaderValue)) -> (http::HeaderName, HeaderValue) {
    (http::HeaderName::from_static(name), value)
}

/// Speaks HTTP/1.1 with a scripted upstream over a pair of buffers, one for each request.
struct InMemory {
    behaviour: Arc<Behaviour>,
    requests: Arc<AtomicUsize>,
}

impl Transport for InMemory {
    fn send(&self, request: Request<Payload>) -> BoxFuture<'_, Result<Response<UpstreamBody>, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

impl InMemory {
    async fn exchange(&self, request: Request<Payload>) -> Result<Response<UpstreamBody>, TransportError> {
        let (stream, serving) = Upstream::in_memory(self.behaviour.clone(), self.requests.clone());
        tokio::spawn(serving);
        let closed = |error: hyper::Error| TransportError::Closed(cause::describe(&error));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(closed)?;
        tokio::spawn(connection);
        let (mut head, body) = request.into_parts();
        head.headers.insert(http::header::HOST, HeaderValue::from_static("a.test"));
        let body: Bytes = body.collect().await?.to_bytes();
        let request = Request::from_parts(head, http_body_util::Full::new(body));
        decode::response(sender.send_request(request).await.map_err(closed)?)
    }
}
