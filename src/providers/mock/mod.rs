//! The built-in provider: answers every model's name without a network, in OpenAI's own bytes.
//!
//! An ordinary provider with a transport in memory: what it says passes the same decoder, relay and meter as any
//! upstream's. The same requests in the same order get the same bytes.

mod chat;
mod inputs;
mod media;
mod say;
mod schema;
#[cfg(test)]
mod tests;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{Method, Request, Response};
use serde_json::{Value, json};

use super::address::Address;
use super::speaks::{self, Speech};
use super::{Call, CredentialId, Provider, ProviderError, Refusal, Retry};
use crate::config;
use crate::hub::{Kind, Quirks};
use crate::transport::{Memory, Payload, UpstreamBody};
use wire::{CREATED, Failure};

/// The address of the mock; needs no credential.
pub struct Mock {
    address: Address,
    speech: Speech,
}

impl Mock {
    /// The mock that `config` describes.
    pub fn new(config: &config::Provider) -> Result<Mock, ProviderError> {
        Ok(Mock { address: Address::new(config)?, speech: Speech::of(config) })
    }
}

impl Provider for Mock {
    fn speaks(&self, call: &speaks::Asked<'_>) -> &'static [Kind] {
        self.speech.dialects(call)
    }

    fn quirks(&self) -> &Quirks {
        self.speech.quirks()
    }

    fn head(&self, call: &Call<'_>) -> Result<Parts, ProviderError> {
        self.address.head(call)
    }

    fn sign<'a>(&'a self, _: &'a mut Parts, _: &'a str, _: &'a Payload) -> BoxFuture<'a, Result<CredentialId, ProviderError>> {
        Box::pin(async { Ok(CredentialId::NONE) })
    }

    fn refused(&self, _: CredentialId, _: &Refusal<'_>) -> Retry {
        Retry::No
    }

    fn credentials(&self) -> (usize, usize) {
        (0, 0)
    }
}

/// The upstream that `config` describes, in memory.
pub fn transport(config: &config::Provider, settings: &config::Mock) -> Memory {
    let upstream = Arc::new(Upstream {
        settings: settings.clone(),
        base: config.base_url.path().trim_end_matches('/').to_owned(),
        models: models(config),
        requests: AtomicU64::new(0),
    });
    Memory::new(move |request| {
        let upstream = upstream.clone();
        Box::pin(async move {
            // Made before the wait: which request fails shall not depend on how long others took.
            let response = upstream.answer(&request);
            if !upstream.settings.latency.is_zero() {
                tokio::time::sleep(upstream.settings.latency).await;
            }
            Ok(response)
        })
    })
}

struct Upstream {
    settings: config::Mock,
    base: String,
    models: Vec<Arc<str>>,
    requests: AtomicU64,
}

/// One request, its body as far as it is JSON.
struct Asked<'a> {
    number: u64,
    body: &'a Value,
    /// Between two tokens of a stream.
    pause: Duration,
}

impl Asked<'_> {
    fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or("mock")
    }
}

impl Upstream {
    fn answer(&self, request: &Request<Bytes>) -> Response<UpstreamBody> {
        let path = request.uri().path().strip_prefix(self.base.as_str()).unwrap_or_default();
        match *request.method() {
            Method::GET => return self.list(path).unwrap_or_else(Failure::response),
            Method::POST => {}
            _ => return Failure::unknown_path(path).response(),
        }
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if self.fails(number) {
            return Failure::configured(self.settings.fail_status).response();
        }
        let mut response = self.post(path, number, request).unwrap_or_else(Failure::response);
        wire::number(&mut response, number);
        response
    }

    /// Spreads failures evenly: with a rate of 0.5, every second request.
    fn fails(&self, number: u64) -> bool {
        let due = |requests: u64| (requests as f64 * self.settings.fail_rate).floor();
        due(number) > due(number - 1)
    }

    fn list(&self, path: &str) -> Result<Response<UpstreamBody>, Failure> {
        let model = |id: &str| json!({"id": id, "object": "model", "created": CREATED, "owned_by": "llmgw"});
        match path.strip_prefix("/models") {
            Some("") => {
                let data: Vec<Value> = self.models.iter().map(|id| model(id)).collect();
                Ok(wire::json(&json!({"object": "list", "data": data})))
            }
            Some(id) if id.starts_with('/') => Ok(wire::json(&model(&id[1..]))),
            _ => Err(Failure::unknown_path(path)),
        }
    }

    fn post(&self, path: &str, number: u64, request: &Request<Bytes>) -> Result<Response<UpstreamBody>, Failure> {
        if let "/audio/transcriptions" | "/audio/translations" | "/images/edits" | "/images/variations" = path {
            return media::uploaded(path, request);
        }
        let reply: fn(&Asked<'_>) -> Result<Response<UpstreamBody>, Failure> = match path {
            "/chat/completions" => chat::chat,
            "/completions" => chat::completion,
            "/embeddings" => inputs::embeddings,
            "/moderations" => inputs::moderations,
            "/rerank" => inputs::rerank,
            "/images/generations" => |asked| Ok(media::images(asked)),
            "/audio/speech" => |_| Ok(media::speech()),
            _ => return Err(Failure::unknown_path(path)),
        };
        let body: Value = serde_json::from_slice(request.body()).map_err(|_| Failure::invalid("the body is not JSON", None))?;
        let pause = self.settings.tokens_per_second.filter(|speed| *speed > 0.0).map_or(Duration::ZERO, |speed| {
            // A speed that is no length of time is no speed.
            Duration::try_from_secs_f64(1.0 / speed).unwrap_or_default()
        });
        reply(&Asked { number, body: &body, pause })
    }
}

fn models(config: &config::Provider) -> Vec<Arc<str>> {
    let listed = config.models.clone().unwrap_or_default();
    let all = listed.into_iter().chain(config.default_model.clone());
    let mut names: Vec<Arc<str>> = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names.push("mock".into());
    }
    names
}
