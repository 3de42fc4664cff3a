//! A real request, to see how a model answers: as the caller `admin`, through the same engine as everybody's.

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use http_body_util::{BodyExt, Limited};
use serde_json::{Map, Value, json};

use crate::access::Caller;
use crate::admin::error::Error;
use crate::admin::views::models;
use crate::admin::visit::Visit;
use crate::dialects::openai_chat::response;
use crate::engine::{Job, Reply};
use crate::hub::Endpoint;

/// Of an answer that is shown whole.
const SHOWN: usize = 1024 * 1024;

/// The form, as it is to be shown.
pub(in crate::admin) struct Trial {
    pub system: String,
    pub prompt: String,
    pub temperature: String,
    pub max_tokens: String,
    pub tried: Option<Tried>,
}

/// What came of it.
pub(in crate::admin) struct Tried {
    pub text: Result<String, String>,
    pub provider: String,
    pub upstream_model: String,
    pub took_ms: u64,
}

impl Trial {
    pub(in crate::admin) fn of(visit: &Visit, _model: &str, tried: Option<Tried>) -> Trial {
        let field = |name| visit.field(name).unwrap_or_default().into_owned();
        let prompt = visit.field("prompt").map_or_else(|| visit.language.texts().prompt_default.to_owned(), |prompt| prompt.into_owned());
        Trial { system: field("system"), prompt, temperature: field("temperature"), max_tokens: field("max_tokens"), tried }
    }
}

/// `POST models/try`: asks, waits for the whole answer, and shows it.
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    let field = |name| visit.field(name).filter(|value| !value.trim().is_empty());
    let model = field("model").unwrap_or_default().into_owned();
    let system = field("system").map(|text| json!({ "role": "system", "content": text }));
    let user = json!({ "role": "user", "content": visit.field("prompt").unwrap_or_default() });
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(model));
    body.insert("messages".to_owned(), system.into_iter().chain([user]).collect());
    for name in ["temperature", "max_tokens"] {
        // What is no number is the upstream's to refuse.
        let value = field(name).map(|text| text.trim().parse::<Value>().unwrap_or_else(|_| json!(text)));
        body.extend(value.map(|value| (name.to_owned(), value)));
    }
    let tried = match visit.engine().chat(job(visit, Value::Object(body).to_string().into())).await {
        Ok(reply) => read(visit, reply).await,
        Err(error) => Tried { text: Err(error.to_string()), provider: String::new(), upstream_model: String::new(), took_ms: took(visit) },
    };
    models::planned(visit, model, Some(tried)).await
}

/// `POST api/try`: a chat in OpenAI's form, and its answer as the engine gives it; streams if that is asked for.
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    let Reply { status, headers, body, trace } = visit.engine().chat(job(visit, visit.body.clone())).await?;
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    response.headers_mut().extend(headers.get(CONTENT_TYPE).map(|kind| (CONTENT_TYPE, kind.clone())));
    for (name, value) in [("x-llmgw-provider", &trace.provider), ("x-llmgw-model", &trace.model), ("x-accel-buffering", &"no".to_owned())] {
        let encoded = percent_encoding::utf8_percent_encode(value, percent_encoding::CONTROLS).to_string();
        response.headers_mut().extend(HeaderValue::try_from(encoded).ok().map(|value| (HeaderName::from_static(name), value)));
    }
    response.headers_mut().insert("x-llmgw-attempts", HeaderValue::from(trace.attempts));
    Ok(response)
}

fn job(visit: &Visit, body: Bytes) -> Job {
    Job {
        snapshot: visit.snapshot.clone(),
        id: visit.id.clone(),
        caller: Caller::admin(),
        client: Some(visit.client),
        received: visit.received,
        ..visit.engine().job(Endpoint::ChatCompletions, body)
    }
}

async fn read(visit: &Visit, reply: Reply) -> Tried {
    let Reply { status, body, trace, .. } = reply;
    let text = match Limited::new(body, SHOWN).collect().await {
        Err(error) => Err(error.to_string()),
        Ok(body) => {
            let body = body.to_bytes();
            match serde_json::from_slice::<Value>(&body) {
                Ok(answer) if status.is_success() => Ok(response::text(&answer).to_owned()),
                _ => Err(format!("{}: {}", status.as_u16(), String::from_utf8_lossy(&body))),
            }
        }
    };
    Tried { text, provider: trace.provider, upstream_model: trace.model, took_ms: took(visit) }
}

fn took(visit: &Visit) -> u64 {
    u64::try_from(visit.received.elapsed().as_millis()).unwrap_or(u64::MAX)
}
