//! One real call: what is sent, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::capability;
use super::stream::{self, Said};
use crate::config::Capability;
use crate::dialects::head::Head;
use crate::dialects::openai_chat::response;
use crate::engine::answer::AnsweredBody;
use crate::engine::attempt::{Attempting, Tried};
use crate::engine::demand::{Body, Demand};
use crate::engine::live::Snapshot;
use crate::engine::{Measured, Probe, ProbeResult};
use crate::hub::{ApiError, Endpoint};
use crate::telemetry::redact::redact_cut;

/// How much of a reply is shown.
const SHOWN: usize = 500;

/// Asks one route.
pub async fn probe(snapshot: &Snapshot, probe: &Probe) -> ProbeResult {
    let mut result = ProbeResult {
        model: probe.name.clone(),
        provider: probe.provider.clone(),
        upstream_model: probe.upstream_model.clone(),
        ok: true,
        skipped: probe.skip.clone(),
        latency_ms: 0,
        first_token_ms: None,
        reply: None,
        error: None,
        measured: Measured::default(),
    };
    if probe.skip.is_some() {
        return result;
    }
    let begun = Instant::now();
    let asked = tokio::time::timeout(probe.timeout, ask(snapshot, probe, begun)).await;
    let asked = asked.unwrap_or_else(|_| Err(format!("no complete answer within {}", humantime::format_duration(probe.timeout))));
    let total = begun.elapsed();
    result.latency_ms = millis(total);
    match asked {
        Ok((said, first_token)) => {
            result.first_token_ms = first_token.map(millis);
            result.reply = Some(said.text.chars().take(SHOWN).collect());
            result.measured = Measured { total, first_token, usage: said.usage, has_reasoned: said.has_reasoned };
        }
        Err(error) => {
            result.ok = false;
            result.error = Some(error);
            result.measured.total = total;
        }
    }
    result
}

async fn ask(snapshot: &Snapshot, probe: &Probe, begun: Instant) -> Result<(Said, Option<Duration>), String> {
    let demand = demand(probe)?;
    let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"))]);
    // The caller's limit comes first, and names what was asked for rather than what was left of it.
    let deadline = begun + probe.timeout * 2;
    let attempting = Attempting { snapshot, demand: &demand, headers: &headers, span: None, deadline, overheard: Arc::default() };
    let answered = match attempting.run(&probe.candidate).await {
        Tried::Answered(answered) => answered,
        Tried::Failed(failed) => {
            let status = failed.status.map(|status| format!("{}: ", status.as_u16())).unwrap_or_default();
            return Err(format!("{status}{}", failed.reason));
        }
        Tried::Wrong(error) => return Err(error.to_string()),
        Tried::Unsaid(reason) => return Err(reason.to_string()),
    };
    match answered.body {
        AnsweredBody::Full(body, _) if !answered.status.is_success() => {
            let said = ApiError::read_failed(&body).map(|error| format!(": {}", error.summary())).unwrap_or_default();
            Err(format!("{}{said}", answered.status.as_u16()))
        }
        AnsweredBody::Full(..) if probe.capability == Some(Capability::Stream) => Err("the answer came at once".to_owned()),
        AnsweredBody::Full(body, usage) => {
            let text = full(&demand, probe.capability, &body)?;
            Ok((Said { text, usage, has_reasoned: false }, None))
        }
        AnsweredBody::Events { begun: events, speech, .. } => {
            let first = begun.elapsed();
            let secrets = answered.credential.secrets(snapshot, probe.candidate.provider);
            let said = stream::read(*events, speech.upstream()).await.map_err(|error| redact_cut(&error, &secrets).into_owned())?;
            Ok((said, Some(first)))
        }
        AnsweredBody::Raw(..) => Err("the answer is of an unknown kind".to_owned()),
    }
}

fn demand(probe: &Probe) -> Result<Demand, String> {
    let (endpoint, mut body) = match probe.capability {
        Some(capability) => capability::question(capability, &probe.message),
        None => (probe.endpoint, words(probe)),
    };
    body["model"] = probe.upstream_model.as_str().into();
    let request = Head::read(endpoint, Bytes::from(body.to_string())).map_err(|error| error.to_string())?;
    Ok(Demand::new(endpoint, probe.upstream_model.clone(), Body::Json(request)))
}

/// What asks for an answer to the message of `probe`.
fn words(probe: &Probe) -> Value {
    if probe.endpoint == Endpoint::Embeddings {
        return json!({ "input": probe.message });
    }
    let mut body = json!({ "messages": [{ "role": "user", "content": probe.message }] });
    if let Some(most) = probe.max_tokens {
        body["max_tokens"] = most.into();
    }
    if probe.stream {
        body["stream"] = Value::Bool(true);
    }
    body
}

/// What an answer says that came at once, once it is found to be one.
fn full(demand: &Demand, capability: Option<Capability>, body: &[u8]) -> Result<String, String> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "the answer is not JSON".to_owned())?;
    if demand.endpoint == Endpoint::Embeddings {
        let embedding = value.pointer("/data/0/embedding").ok_or("the answer holds no embedding")?;
        return Ok(embedding.as_array().map_or_else(|| "an embedding".to_owned(), |numbers| format!("{} numbers", numbers.len())));
    }
    if value.pointer("/choices/0").is_none() {
        return Err("the answer holds no choice".to_owned());
    }
    match capability {
        Some(capability) => capability::proof(capability, &value),
        None => Ok(response::text(&value).to_owned()),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
